# VidWiz. Needs make, npm and any Node: one that is too old gets a newer one fetched beside it.

.DEFAULT_GOAL := help
.PHONY: help start test test-long check bench rebuild lag tail verify

# Every recipe runs with the right Node and the project's own programs first in PATH.
with_node = node="$$(bin/node -p process.execPath)" && PATH="$(CURDIR)/node_modules/.bin:$${node%/*}:$$PATH" &&
installed = node_modules/.package-lock.json
mocha = mocha --node-option disable-warning=ExperimentalWarning

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-22s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

start: $(installed) ## run everything on this machine: database, API, projectors (Ctrl-C stops)
	@$(with_node) exec bin/vidwiz start

test: $(installed) ## unit and integration tests, with short rounds of fault injection
	@$(with_node) $(mocha) 'test/**/*.test.ts'
	@$(with_node) $(mocha) 'test/**/*.it.ts'

test-long: $(installed) ## the same with long rounds of fault injection
	@$(with_node) $(mocha) 'test/**/*.test.ts'
	@$(with_node) FAULT_ROUNDS=50 $(mocha) 'test/**/*.it.ts'

check: $(installed) ## types, lint and format, import rules, schema compatibility
	@$(with_node) tsc -p .
	@$(with_node) biome check --error-on-warnings .
	@$(with_node) depcruise --config .dependency-cruiser.cjs events platform projections services
	@$(with_node) bin/vidwiz schemas check

bench: $(installed) bench/$(installed) ## benchmarks, each beside its ceiling or peer: make bench [ARGS="rebuild --quick"]
	@$(with_node) node --disable-warning=ExperimentalWarning bench/run.ts $(ARGS)

rebuild: $(installed) ## rebuild a view from the log: make rebuild VIEW=notes [ARGS=--dry-run]
	@$(with_node) bin/vidwiz rebuild $(VIEW) $(ARGS)

lag: $(installed) ## how far each consumer is behind, in events and seconds
	@$(with_node) bin/vidwiz lag $(ARGS)

tail: $(installed) ## follow the topics
	@$(with_node) bin/vidwiz tail $(ARGS)

verify: $(installed) ## check that every view equals its replay
	@$(with_node) bin/vidwiz verify $(ARGS)

# npm writes this file at the end of a whole installation. No part of ours needs its install scripts.
$(installed): package-lock.json
bench/$(installed): bench/package-lock.json
$(installed) bench/$(installed):
	@$(with_node) npm ci --prefix $(<D) --ignore-scripts --no-audit --no-fund --loglevel=error && touch $@
