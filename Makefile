# Thin: every target is one or two cargo commands.

.DEFAULT_GOAL := help
.PHONY: help setup demo build lint-template test test-queries test-deploy bench chaos soak simulate test-dynamodb-local check clean

# Tools written in Python, in an environment of their own.
TOOLS := .venv/bin
TOOLS_READY := .venv/ready
ARCHITECTURE ?= arm64
export SAM_CLI_TELEMETRY := 0

help: ## Show the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-20s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup:
	@cargo fmt --version >/dev/null 2>&1 || rustup component add rustfmt
	@cargo clippy --version >/dev/null 2>&1 || rustup component add clippy

$(TOOLS_READY): requirements.txt
	python3 -m venv .venv
	$(TOOLS)/pip install --quiet --requirement requirements.txt
	@touch $@

demo: ## Run the whole pipeline on this machine; the result is in demo-output/
	cargo build --locked -p contact-record-normalizer -p agent-event-upserter -p contact-ledger
	./target/debug/contact-ledger demo

build: $(TOOLS_READY) ## Build the functions for Lambda, as `sam deploy` wants them (ARCHITECTURE=x86_64 or arm64)
	PATH="$(CURDIR)/$(TOOLS):$$PATH" sam build --parameter-overrides Architecture=$(ARCHITECTURE)
	@$(TOOLS)/python tests/deploy/sizes.py .aws-sam/build

# Not in .aws-sam: what a user has built there for deploying stays as it is.
.PHONY: build-for-tests
build-for-tests: $(TOOLS_READY)
	@mkdir -p target
	@begin=$$(date +%s); \
	PATH="$(CURDIR)/$(TOOLS):$$PATH" sam build --parameter-overrides Architecture=x86_64 --build-dir target/sam > target/sam.log 2>&1 \
	  || { cat target/sam.log; exit 1; }; \
	echo "built for Lambda in $$(($$(date +%s) - begin)) s"
	@$(TOOLS)/python tests/deploy/sizes.py target/sam

lint-template: $(TOOLS_READY) ## Check the template with SAM, cfn-lint and checkov
	$(TOOLS)/sam validate --lint --region eu-west-2
	$(TOOLS)/cfn-lint template.yaml
	$(TOOLS)/checkov --framework cloudformation --file template.yaml --skip-download --compact --quiet

test: lint-template build-for-tests ## Run every test
	cargo build --locked --workspace
	cargo test --locked --workspace
	$(TOOLS)/python tests/queries/verify.py duckdb

test-queries: $(TOOLS_READY) ## Run every query of the lake on DuckDB and on Trino (needs Java 17 and Maven)
	cargo build --locked --workspace
	$(TOOLS)/python tests/queries/verify.py duckdb
	tests/queries/run

test-deploy: build-for-tests ## Deploy with SAM to an AWS of another make on this machine, and send both streams through it
	cargo build --locked --workspace
	$(TOOLS)/python tests/deploy/deploy.py

bench: ## Print what a day of agent events costs in requests and write units
	cargo run --locked --quiet -p ledger-benches --bin write-cost

chaos: ## Run the demo in fifty kinds of bad weather; every one must leave what the events say
	cargo build --locked -p contact-record-normalizer -p agent-event-upserter -p contact-ledger
	@for seed in $$(seq 50); do \
	  ./target/debug/contact-ledger demo --chaos $$seed --output target/chaos > target/chaos.log 2>&1 \
	    && grep 'exactly what the events say' target/chaos.log > /dev/null \
	    || { cat target/chaos.log; echo "error: seed $$seed leaves something else; its result is in target/chaos"; exit 1; }; \
	  echo "seed $$seed: $$(grep retried target/chaos.log)"; \
	done

soak: ## Deliver a million agent events in every bad way, against the reference model
	MODEL_WORLDS=6000 cargo test --locked -p ledger-tests --test reference_model the_tables -- --nocapture

SEEDS ?= 10000
simulate: ## Simulate so many seeds of stream, function and tables (SEEDS=10000), and small cases completely
	SIMULATE_SEEDS=0..$(SEEDS) SMALL_CASES=4 \
	  cargo test --locked --config profile.dev.package.ledger-tests.opt-level=2 \
	  -p ledger-tests --test simulation every_ -- --nocapture

test-dynamodb-local: ## Run the store contract on Amazon's own DynamoDB Local (needs Java 17 and Maven)
	tests/dynamodb-local/run

check: setup ## Check format and lints, run every test, and deploy on this machine: what CI does
	cargo fmt --all --check
	cargo clippy --locked --workspace --all-targets -- --deny warnings
	$(MAKE) test
	$(MAKE) test-deploy

clean: ## Remove everything that was built or left by a demo
	cargo clean
	rm -rf demo-output
