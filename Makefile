# Thin: every target is one or two cargo commands.

.DEFAULT_GOAL := help
.PHONY: help setup demo test bench soak test-dynamodb-local check clean

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
