# Thin: every target is one or two cargo commands.

.DEFAULT_GOAL := help
.PHONY: help setup demo test bench chaos soak test-dynamodb-local check clean

help: ## Show the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-20s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup:
	@cargo fmt --version >/dev/null 2>&1 || rustup component add rustfmt
	@cargo clippy --version >/dev/null 2>&1 || rustup component add clippy

demo: ## Run the whole pipeline on this machine; the result is in demo-output/
	cargo build --locked -p contact-record-normalizer -p agent-event-upserter -p contact-ledger
	./target/debug/contact-ledger demo

test: ## Run every test
	cargo build --locked --workspace
	cargo test --locked --workspace

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

test-dynamodb-local: ## Run the store contract on Amazon's own DynamoDB Local (needs Java 17 and Maven)
	tests/dynamodb-local/run

check: setup ## Check format and lints, then run every test
	cargo fmt --all --check
	cargo clippy --locked --workspace --all-targets -- --deny warnings
	$(MAKE) test

clean: ## Remove everything that was built or left by a demo
	cargo clean
	rm -rf demo-output
