# VidWiz. Needs make, npm and any Node: one that is too old gets a newer one fetched beside it.

.DEFAULT_GOAL := help
.PHONY: help start start-kafka stand-ins test test-long check bench rebuild lag tail verify lambdas kafka kafka-cluster registry

# Every recipe runs with the right Node and the project's own programs first in PATH.
with_node = node="$$(bin/node -p process.execPath)" && PATH="$(CURDIR)/node_modules/.bin:$${node%/*}:$$PATH" &&
installed = node_modules/.package-lock.json
# What stands below the log's port is the same whichever log there is, as is what knows the API only; and what brings a cluster of
# its own, or starts a system of its own, has run already.
below_the_log = --ignore 'test/platform/!(log)/**' --ignore 'test/platform/*.it.ts' --ignore 'test/platform/log/kafka/**' --ignore 'test/kit/**'
beside_the_log = $(addprefix --ignore test/services/,'lambdas/**' 'helpers/**' 'gpu-worker/**' hearing.it.ts queues.it.ts original-workers.it.ts stack.it.ts 'stack/**' 'cli/doctor*' 'media-door/{forbidden,kill}.it.ts')
above_the_log = $(below_the_log) $(beside_the_log) --ignore 'test/faults/kafka.it.ts' --ignore 'test/conformance/**' 'test/**/*.it.ts'
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

test: $(installed) ## unit tests; integration tests on the embedded log and on Kafka, with short rounds of fault injection
	@$(with_node) $(mocha) 'test/**/*.test.ts'
	@$(with_node) $(mocha) 'test/**/*.it.ts'
	@$(with_node) VIDWIZ_TEST_LOG=kafka $(mocha) $(above_the_log)

test-long: $(installed) ## the same with long rounds of fault injection
	@$(with_node) $(mocha) 'test/**/*.test.ts'
	@$(with_node) FAULT_ROUNDS=50 $(mocha) 'test/**/*.it.ts'
	@$(with_node) VIDWIZ_TEST_LOG=kafka FAULT_ROUNDS=50 $(mocha) $(above_the_log)

check: $(installed) ## types, lint and format, import rules, schema compatibility
	@$(with_node) tsc -p .
	@$(with_node) biome check --error-on-warnings .
	@$(with_node) depcruise --config .dependency-cruiser.cjs events platform projections services
	@$(with_node) bin/vidwiz schemas check

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
