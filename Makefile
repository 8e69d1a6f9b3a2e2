# Thin: every target is one or two cargo commands.

.DEFAULT_GOAL := help
.PHONY: help setup demo terminal build lint-template test test-queries test-openx test-deploy bench instructions not-counted write-cost load chaos soak simulate fuzz licenses sbom test-dynamodb-local test-runtime test-kpl test-clients check clean test-browser

# Tools written in Python, in an environment of their own.
TOOLS := .venv/bin
TOOLS_READY := .venv/ready
# Tools written in Rust, one folder per version. Their builds do not go where ours are.
CARGO_TOOLS := target/tools
CARGO_DENY := $(CARGO_TOOLS)/cargo-deny-0.20.2
GUNGRAUN_RUNNER := $(CARGO_TOOLS)/gungraun-runner-0.20.0
CARGO_FUZZ := $(CARGO_TOOLS)/cargo-fuzz-0.13.2
CARGO_CYCLONEDX := $(CARGO_TOOLS)/cargo-cyclonedx-0.5.9
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
	cargo build --locked -p contact-record-normalizer -p agent-event-upserter -p contact-ledger-demo
	./target/debug/contact-ledger-demo

terminal: ## Use the command line on a terminal of 80 columns; what it showed is in target/terminal/ (needs tmux)
	cargo build --locked -p contact-record-normalizer -p agent-event-upserter -p contact-ledger -p contact-ledger-demo
	tests/terminal/record

build: $(TOOLS_READY) ## Build the functions for Lambda, as `sam deploy` wants them (ARCHITECTURE=x86_64 or arm64)
	@test -e samconfig.toml || cp samconfig.example.toml samconfig.toml
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

test: lint-template build-for-tests ## Run every test, the quick referees among them (needs JDK 17 and 25, Maven and Go)
	cargo build --locked --workspace
	cargo test --locked --workspace
	$(TOOLS)/python tests/content-hash/check.py
	$(TOOLS)/python tests/queries/verify.py duckdb
	tests/runtime-interface-emulator/run $(BINARIES)
	tests/kpl-aggregator/run $(BINARIES)
	tests/openx/run

test-queries: $(TOOLS_READY) ## Run every query of the lake on DuckDB and on Trino 483 (needs a JDK 25 and Maven)
	cargo build --locked --workspace
	$(TOOLS)/python tests/queries/verify.py duckdb
	tests/queries/run

test-openx: $(TOOLS_READY) ## Read the rows with Trino's OpenX JSON deserializer and compare them with our Parquet (needs a JDK 25 and Maven)
	cargo build --locked --workspace
	tests/openx/run

test-deploy: build-for-tests ## Deploy with SAM to an AWS of another make on this machine, and send both streams through it
	cargo build --locked --workspace
	$(TOOLS)/python tests/deploy/deploy.py

BENCH := target/bench
bench: ## Measure the functions against the machine's limit and against other languages (needs Node.js and Go)
	@mkdir -p $(BENCH)
	@test -x $(BENCH)/venv/bin/python || python3 -m venv $(BENCH)/venv
	@$(BENCH)/venv/bin/pip install --quiet --requirement benches/peers/python/requirements.txt
	cd benches/peers/go && go build -o ../../../$(BENCH)/normalizer-go .
	cargo run --locked --quiet -p contact-ledger -- generate --agents 50 --duplicated 0 --late 0 --malformed 0 --force --output $(BENCH)/input
	for program in contact-record-normalizer agent-event-upserter idle-function; do cargo build --locked --release --quiet -p $$program || exit 1; done
	cargo run --locked --release --quiet -p ledger-benches

instructions: $(GUNGRAUN_RUNNER) ## Count the record paths' instructions, against their limits (needs Valgrind)
	@GUNGRAUN_RUNNER=$(CURDIR)/$(GUNGRAUN_RUNNER)/bin/gungraun-runner \
	  cargo bench --locked --quiet -p record-paths > target/instructions.log 2>&1 \
	  || { cat target/instructions.log; exit 1; }
	@grep -E '^instructions::|Instructions:' target/instructions.log
	@! grep 'Instructions: *0|' target/instructions.log > /dev/null || { echo "Callgrind saw nothing"; exit 1; }

not-counted:
	@echo "the record paths' instructions are not counted: Valgrind is not installed"

write-cost: ## Print what a day of agent events costs in requests and write units
	cargo run --locked --quiet -p ledger-tests --bin write-cost

LOAD_SECONDS ?= 60
load: ## Run both functions at full load with injected faults (LOAD_SECONDS=60 each): memory stays flat, nothing is lost
	cargo build --locked --release -p contact-record-normalizer -p agent-event-upserter
	LOAD_SECONDS=$(LOAD_SECONDS) cargo run --locked --quiet -p ledger-tests --bin load

chaos: ## Run the demo with the injected faults of fifty seeds; each must leave what the records say
	cargo build --locked -p contact-record-normalizer -p agent-event-upserter -p contact-ledger-demo
	@for seed in $$(seq 50); do \
	  ./target/debug/contact-ledger-demo --chaos $$seed --output target/chaos > target/chaos.log 2>&1 \
	    && grep 'exactly what the records say' target/chaos.log > /dev/null \
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

FUZZ_SECONDS ?= 60
FUZZ_TARGETS ?= $(basename $(notdir $(wildcard tests/fuzz/fuzz_targets/*.rs)))
# Without a sanitizer, which only a nightly compiler has: the functions have no unsafe code of their own.
# Linking each target as one unit, as a function is, would take minutes and gigabytes.
FUZZ := CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 $(CARGO_FUZZ)/bin/cargo-fuzz fuzz
fuzz: $(CARGO_FUZZ) ## Fuzz every format that comes in (FUZZ_SECONDS=60 each); what is found new stays in target/fuzz
	$(FUZZ) build --fuzz-dir tests/fuzz --sanitizer none --target-dir target/fuzz
	@for target in $(FUZZ_TARGETS); do \
	  mkdir -p target/fuzz/corpus/$$target target/fuzz/artifacts/$$target; \
	  $(FUZZ) run --fuzz-dir tests/fuzz --sanitizer none --target-dir target/fuzz $$target \
	    target/fuzz/corpus/$$target tests/fuzz/corpus/$$target -- -max_total_time=$(FUZZ_SECONDS) -print_final_stats=1 \
	    -artifact_prefix=target/fuzz/artifacts/$$target/ > target/fuzz/$$target.log 2>&1 \
	    || { tail -n 40 target/fuzz/$$target.log; echo "error: $$target found an input that breaks a promise; it is in target/fuzz/artifacts/$$target"; exit 1; }; \
	  echo "$$target: $$(awk '/number_of_executed_units/ { print $$2 }' target/fuzz/$$target.log) inputs, none breaks a promise"; \
	done

licenses: $(CARGO_DENY) ## Check licenses, sources and duplicate versions of everything that is compiled in
	$(CARGO_DENY)/bin/cargo-deny --all-features check --hide-inclusion-graph licenses bans sources

sbom: $(CARGO_CYCLONEDX) ## Write a software bill of materials of each function and of the command line (CycloneDX, target/sbom)
	@rm -rf target/sbom && mkdir -p target/sbom
	@$(CARGO_CYCLONEDX)/bin/cargo-cyclonedx cyclonedx --format json --spec-version 1.5 --no-build-deps --quiet \
	  --target x86_64-unknown-linux-gnu --override-filename ledger-sbom
	@# The tool writes one for every package.
	@for package in functions/* tools/contact-ledger; do mv $$package/ledger-sbom.json target/sbom/$$(basename $$package).json; done
	@rm -f shared/*/ledger-sbom.json tools/*/ledger-sbom.json tests/ledger-sbom.json tests/*/ledger-sbom.json benches/ledger-sbom.json
	@ls target/sbom/*

# Such as target/tools/cargo-deny-0.20.2: the tool of this name and version.
$(CARGO_TOOLS)/%:
	cargo install --locked --quiet --target-dir $(CARGO_TOOLS)/build --root $@ \
	  $(shell echo $* | sed 's/\(.*\)-/\1@/')
	@rm -rf $(CARGO_TOOLS)/build

test-dynamodb-local: ## Run the store contract on Amazon's own DynamoDB Local (needs Java 17 and Maven)
	tests/dynamodb-local/run

# For release binaries: make test-runtime BINARIES=target/release
BINARIES ?= target/debug
test-runtime: ## Run both functions under Amazon's Lambda Runtime Interface Emulator (needs Go 1.26)
	cargo build --locked --workspace
	tests/runtime-interface-emulator/run $(BINARIES)

test-kpl: ## Unpack what Amazon's KPL aggregator packs (needs Java 17 and Maven)
	cargo build --locked --workspace
	tests/kpl-aggregator/run $(BINARIES)

# Clients of S3, in an environment of their own: they need other versions of what is in .venv.
CLIENTS := target/clients
CLIENTS_READY := $(CLIENTS)/ready
AWS_CLI_2 := target/aws-cli-2

$(CLIENTS_READY): tests/clients/requirements.txt tests/clients/aws-cli-2.txt tests/clients/unpack_aws_cli_2.py
	python3 -m venv $(CLIENTS)
	$(CLIENTS)/bin/pip install --quiet --requirement tests/clients/requirements.txt
	@rm -rf $(AWS_CLI_2)
	$(CLIENTS)/bin/pip install --quiet --no-deps --target $(AWS_CLI_2)/package --requirement tests/clients/aws-cli-2.txt
	$(CLIENTS)/bin/python tests/clients/unpack_aws_cli_2.py $(AWS_CLI_2)/package $(AWS_CLI_2)
	@rm -rf $(AWS_CLI_2)/package
	@touch $@

test-clients: $(CLIENTS_READY) ## Use the local S3 with boto3, AWS CLI 1 and 2, pyarrow, s3fs and DuckDB
	cargo build --locked --workspace
	$(CLIENTS)/bin/python tests/clients/verify.py

test-browser: ## Try to reach the local stack from pages in a browser (needs Chromium: on the path, or CHROMIUM=/path/to/it)
	cargo build --locked --workspace
	python3 tests/browser/pages.py $(BINARIES)

check: setup ## Check format, lints, licenses and instruction counts, run every test, and deploy on this machine: what CI does
	cargo fmt --all --check
	cargo clippy --locked --workspace --all-targets -- --deny warnings
	$(MAKE) licenses
	$(MAKE) $(if $(shell command -v valgrind),instructions,not-counted)
	$(MAKE) test
	$(MAKE) test-deploy

clean: ## Remove everything that was built or left by a demo
	cargo clean
	rm -rf demo-output
