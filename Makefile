# VidWiz. Needs make, npm and any Node: one that is too old gets a newer one fetched beside it.

.DEFAULT_GOAL := help
# A test that fails behind a pipe fails.
SHELL = bash
.SHELLFLAGS = -o pipefail -c
.PHONY: help start start-kafka stand-ins pictures test one test-services test-platform test-faults test-kafka test-kafka-faults test-pooler test-long check bench rebuild lag tail verify lambdas kafka kafka-cluster registry

# Modules are stored compiled, as by bin/vidwiz.
export NODE_COMPILE_CACHE = $(CURDIR)/.tools/compiled
# Every recipe runs with the right Node and the project's own programs first in PATH.
with_node = node="$$(bin/node -p process.execPath)" && PATH="$(CURDIR)/node_modules/.bin:$${node%/*}:$$PATH" &&
installed = node_modules/.package-lock.json
# What stands below the log's port is the same whichever log there is, as is what appends (to Postgres in any case), what looks at tables
# and what knows the API only: every-route.it.ts asks each route once, the routes of notes and videos show what the views hold. What
# brings a cluster of its own, or starts a system of its own, has run already. Of the bridges, platform/log/bridge.it.ts and
# sqs-bridge/process.it.ts run here.
below_the_log = --ignore 'test/platform/!(log)/**' --ignore 'test/platform/*.it.ts' --ignore 'test/platform/log/kafka/**' --ignore 'test/platform/log/@(appender|gaps|sequences).it.ts' --ignore 'test/platform/log/@(commands|postgres)/**' --ignore 'test/kit/**'
beside_the_log = --ignore 'test/ops/**' $(addprefix --ignore test/services/,'lambdas/**' 'helpers/**' 'gpu-worker/**' 'ai-notes/looks.it.ts' 'api/{crossing,forget-old,limits,openapi,task-desk,unavailable}.it.ts' 'api/routes/!(chat|every-route|notes|readiness|videos).it.ts' connections.it.ts hearing.it.ts 'media-bridge/**' 'operations/parked.it.ts' 'sqs-bridge/bridge.it.ts' queues.it.ts original-workers.it.ts stack.it.ts 'stack/**' 'cli/{doctor,locked}*' 'media-door/**' 'ops/{acts,live,page,page-live,parked-page,replay-page,security,story-page}.it.ts')
through_a_pooler = 'test/platform/pg/@(exclusively|listen).it.ts' 'test/projections/engine/@(projector|rebuild|wait).it.ts' 'test/services/api/routes/notes.it.ts'
# --exit: kafkajs told to stop while it connects may keep a timer for ever; our services end by themselves in any case.
mocha = mocha --exit --node-option disable-warning=ExperimentalWarning --node-option disable-warning=TimeoutNegativeWarning $(MOCHA_ARGS)

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-22s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

start: $(installed) ## run everything on this machine: database, API, projectors (Ctrl-C stops)
	@$(with_node) exec bin/vidwiz start

start-kafka: $(installed) ## the same on a real Kafka of this machine, with a relay: needs Java 17 and Maven
	@$(with_node) exec bin/vidwiz start --kafka

stand-ins: $(installed) ## a model and a YouTube on this machine, to see it all work without keys (Ctrl-C stops)
	@$(with_node) exec node --disable-warning=ExperimentalWarning test/kit/stand-ins.ts

pictures: $(installed) ## take the pictures of the page for operators in docs/images, from a system that runs: needs Chromium
	@$(with_node) exec node --disable-warning=ExperimentalWarning test/kit/pictures.ts

# Two lanes at a time, for a machine with two processors. The long lanes start first, so that both processors are busy to the end.
lanes = services kafka platform faults kafka-faults pooler
in_lanes = $(MAKE) --no-print-directory --keep-going --jobs 2 $(addprefix test-,$(lanes))

test: $(installed) ## unit tests; integration tests on the embedded log and on Kafka, with short rounds of fault injection
	@$(with_node) $(mocha) 'test/**/*.test.ts'
	@$(in_lanes)

one: $(installed) ## some test files only: make one TESTS="test/events/note.test.ts test/services/api/routes/pins.it.ts"
	@$(with_node) $(mocha) $(TESTS)

test-long: export FAULT_ROUNDS = 50
test-long: test ## the same with long rounds of fault injection

# Each line says which lane it is of.
as_lane = 2>&1 | sed -u 's/^/$(@:test-%=%): /'
test-services: $(installed)
	@$(with_node) $(mocha) 'test/services/**/*.it.ts' $(as_lane)
test-platform: $(installed)
	@$(with_node) $(mocha) --ignore 'test/{faults,services}/**' 'test/**/*.it.ts' $(as_lane)
test-faults: $(installed)
	@$(with_node) $(mocha) 'test/faults/*.it.ts' $(as_lane)
test-kafka: export VIDWIZ_TEST_LOG = kafka
test-kafka: $(installed)
	@$(with_node) $(mocha) $(below_the_log) $(beside_the_log) --ignore 'test/faults/**' --ignore 'test/conformance/**' 'test/**/*.it.ts' $(as_lane)
test-kafka-faults: export VIDWIZ_TEST_LOG = kafka
test-kafka-faults: $(installed)
	@$(with_node) $(mocha) --ignore 'test/faults/{clocks,dropped-views,kafka,lost-history,revoked}.it.ts' 'test/faults/*.it.ts' $(as_lane)
test-pooler: export VIDWIZ_TEST_POOLER = pgbouncer
test-pooler: $(installed)
	@$(with_node) $(mocha) $(through_a_pooler) $(as_lane)

check: $(installed) ## types, lint and format, import rules, schema compatibility, generated docs
	@$(with_node) tsc -p .
	@$(with_node) tsc -p services/ops/page
	@$(with_node) biome check --error-on-warnings .
	@$(with_node) depcruise --config .dependency-cruiser.cjs events platform projections services
	@$(with_node) bin/vidwiz schemas check
	@$(with_node) bin/vidwiz docs check

bench: $(installed) bench/$(installed) ## benchmarks, each beside its ceiling or peer: make bench [ARGS="rebuild --quick"]
	@$(with_node) node --disable-warning=ExperimentalWarning --disable-warning=TimeoutNegativeWarning bench/run.ts $(ARGS)

rebuild: $(installed) ## rebuild a view from the log: make rebuild VIEW=notes [ARGS=--dry-run]
	@$(with_node) bin/vidwiz rebuild $(VIEW) $(ARGS)

lag: $(installed) ## how far each consumer is behind, in events and seconds
	@$(with_node) bin/vidwiz lag $(ARGS)

tail: $(installed) ## follow the topics
	@$(with_node) bin/vidwiz tail $(ARGS)

verify: $(installed) ## check that every view equals its replay
	@$(with_node) bin/vidwiz verify $(ARGS)

lambdas: $(installed) ## bundle the Lambdas into dist/lambdas/*.zip, which services/lambdas/template.yaml deploys
	@$(with_node) node --disable-warning=ExperimentalWarning services/lambdas/build.ts

kafka: $(installed) ## a Kafka broker on this machine, without Docker: needs Java 17 and Maven (Ctrl-C stops)
	@$(with_node) exec node --disable-warning=ExperimentalWarning --disable-warning=TimeoutNegativeWarning platform/kafka/local/main.ts

kafka-cluster: $(installed) ## the same with three brokers, each topic three times
	@$(with_node) exec node --disable-warning=ExperimentalWarning --disable-warning=TimeoutNegativeWarning platform/kafka/local/main.ts 3

registry: $(installed) ## a schema registry on this machine, without Docker: needs Java 17 and Maven (Ctrl-C stops)
	@$(with_node) exec node --disable-warning=ExperimentalWarning platform/kafka/local/registry-main.ts

# npm writes this file at the end of a whole installation. No part of ours needs its install scripts.
$(installed): package-lock.json
bench/$(installed): bench/package-lock.json
$(installed) bench/$(installed):
	@$(with_node) npm ci --prefix $(<D) --ignore-scripts --no-audit --no-fund --loglevel=error && touch $@
