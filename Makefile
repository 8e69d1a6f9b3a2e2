# Every target is one or two lines. Longer ones are programs next to the code that they work on.

.DEFAULT_GOAL := help
.PHONY: help setup demo tool terminal build build-for-tests lint-docs lint-template generate generate-golden template-diff test test-rust test-runtime \
  test-kpl test-event-ruler test-openx test-queries measure-look-back test-deploy test-contact-events test-dynamodb-local test-clients test-browser test-report test-board pictures simulate soak chaos load fuzz \
  bench instructions put-to-item write-cost licenses advisories lint-workflows sbom release test-release test-arm64 check clean

# Tools written in Python, in a virtual environment.
TOOLS := .venv/bin
TOOLS_READY := .venv/ready
# Tools written in Rust, one folder per version, with a separate build folder.
CARGO_TOOLS := target/tools
CARGO_DENY := $(CARGO_TOOLS)/cargo-deny-0.20.2
GUNGRAUN_RUNNER := $(CARGO_TOOLS)/gungraun-runner-0.20.0
CARGO_FUZZ := $(CARGO_TOOLS)/cargo-fuzz-0.13.2
CARGO_CYCLONEDX := $(CARGO_TOOLS)/cargo-cyclonedx-0.5.9
CARGO_ABOUT := $(CARGO_TOOLS)/cargo-about-0.9.3
ARCHITECTURE ?= arm64
export SAM_CLI_TELEMETRY := 0
# For release binaries: make test-runtime BINARIES=target/release
BINARIES ?= target/debug

help: ## List the targets
	@awk '/^### / { printf "\n%s\n", substr($$0, 5) } /^[a-z-]+:.*## / { split($$0, part, ":.*## "); printf "  make %-20s %s\n", part[1], part[2] }' Makefile

### Use it

demo: ## Run the whole pipeline on this machine; the output is in demo-output/
	cargo build --locked -p contact-record-normalizer -p agent-event-upserter -p contact-event-upserter -p contact-ledger-demo
	./target/debug/contact-ledger-demo

tool: ## Build the command line, the demo, and the functions for this machine, in target/debug/
	cargo build --locked -p contact-record-normalizer -p agent-event-upserter -p contact-event-upserter -p contact-ledger-demo -p contact-ledger

build: $(TOOLS_READY) ## Build the functions for Lambda, for `sam deploy` (ARCHITECTURE=x86_64 or arm64)
	@test -e samconfig.toml || cp samconfig.example.toml samconfig.toml
	PATH="$(CURDIR)/$(TOOLS):$$PATH" sam build --parameter-overrides Architecture=$(ARCHITECTURE)
	@$(TOOLS)/python tests/deploy/sizes.py .aws-sam/build

### Change it

generate: $(TOOLS_READY) rust ## Write every generated file: docs/, template.yaml, queries/duckdb/lake.sql
	./target/debug/generate
	$(TOOLS)/python tests/queries/duckdb_dialect.py
	$(TOOLS)/python tests/queries/document.py

generate-golden: ## Also write the golden rows; review the diff before you commit
	cargo run --locked --quiet -p generate -- --golden

COMMIT ?= HEAD
template-diff: rust ## Show how the template has changed since a commit, as a deployed stack would see it (COMMIT=HEAD)
	tests/deploy/template-diff $(COMMIT)

# Tests that start processes spend most of their time waiting.
test-rust: rust ## Run the Rust tests; they need no Python, Java, or Go
	RUST_TEST_THREADS=$${RUST_TEST_THREADS:-12} cargo test --locked --workspace --tests
	cargo test --locked --quiet --workspace --doc

test: lint-docs lint-template build-for-tests test-rust ## Run every test, including the quick referees (needs JDK 17 and 25, Maven, and Go)
	$(TOOLS)/python tests/content-hash/check.py
	$(TOOLS)/python tests/queries/verify.py duckdb
	python3 -B -m unittest discover -s tests/board -p fold_test.py --quiet
	$(MAKE) test-contact-events
	tests/runtime-interface-emulator/run $(BINARIES)
	tests/kpl-aggregator/run $(BINARIES)
	tests/event-ruler/run
	tests/openx/run

check: setup ## Run CI: check format, lints, generated files, and instruction counts, run every test, and deploy on this machine
	cargo fmt --all --check
	cargo clippy --locked --workspace --all-targets -- --deny warnings
	$(if $(shell command -v valgrind),$(MAKE) instructions,@echo "instruction counts skipped: Valgrind is not installed")
	$(MAKE) lint-workflows
	$(MAKE) test
	$(MAKE) test-deploy

### Individual referees

lint-docs: ## Check the words, pages and links of the docs (docs/glossary.md)
	python3 tests/docs/words.py
	python3 tests/docs/pages.py
	python3 tests/docs/translations.py

lint-template: $(TOOLS_READY) ## Check the template with SAM, cfn-lint, and checkov
	$(TOOLS)/sam validate --lint --region eu-west-2 && $(TOOLS)/cfn-lint template.yaml
	$(TOOLS)/checkov --framework cloudformation --file template.yaml --skip-download --compact --quiet

test-runtime: rust ## Run contact-record-normalizer and agent-event-upserter under Amazon's Lambda Runtime Interface Emulator (needs Go 1.26)
	tests/runtime-interface-emulator/run $(BINARIES)

test-kpl: rust ## Unpack records packed by Amazon's KPL aggregator (needs Java 17 and Maven)
	tests/kpl-aggregator/run $(BINARIES)

test-event-ruler: ## Judge the rule's event pattern with Amazon's Event Ruler (needs Java 17 and Maven)
	tests/event-ruler/run

test-openx: $(TOOLS_READY) rust ## Read the rows with Trino's OpenX JSON deserializer and compare them with our Parquet (needs a JDK 25 and Maven)
	tests/openx/run

test-queries: $(TOOLS_READY) rust ## Run every query on DuckDB and on Trino 483 (needs a JDK 25 and Maven)
	$(TOOLS)/python tests/queries/verify.py duckdb
	tests/queries/run

measure-look-back: $(TOOLS_READY) rust ## Measure the bytes read when contacts count on the day they end, in two layouts, on a year's lake in Trino
	tests/queries/run look_back.py

test-deploy: build-for-tests rust ## Deploy with SAM to a third-party emulator (ministack), and send all three streams through it
	$(TOOLS)/python tests/deploy/deploy.py

CONTACTS ?= 3000
test-contact-events: rust ## Shuffle, duplicate, and lose contact events, and compare the contacts in flight with a second implementation (CONTACTS=3000)
	python3 -B -m unittest discover -s tests/contact-events -p fold_test.py --quiet
	python3 -B tests/contact-events/check.py $(BINARIES) $(CONTACTS)

test-dynamodb-local: ## Run the store contract on Amazon's own DynamoDB Local (needs Java 17 and Maven)
	tests/dynamodb-local/run

test-clients: target/clients/ready rust ## Use the local S3 with boto3, AWS CLI 1 and 2, pyarrow, s3fs, and DuckDB
	target/clients/bin/python tests/clients/verify.py

test-browser: rust ## Attack the local stack from pages in a browser (needs Chromium: on the PATH, or CHROMIUM=/path/to/chromium)
	python3 tests/browser/pages.py $(BINARIES)

test-report: $(TOOLS_READY) rust ## Check the report in a browser: figures, accessibility, requests (needs Chromium, like test-browser, and Node.js 20)
	$(TOOLS)/python tests/report/check.py $(BINARIES)

test-board: $(TOOLS_READY) rust ## Compare the live board with an independent fold, in a browser: figures, accessibility, requests (needs what test-report needs)
	$(TOOLS)/python tests/board/check.py $(BINARIES)

pictures: $(TOOLS_READY) tool ## Take the pictures of the board in docs/pictures/ (needs what test-board needs)
	$(TOOLS)/python tests/board/pictures.py target/debug

terminal: tool $(TOOLS_READY) ## Record the command line on a terminal of 80 columns, in target/terminal/ (needs tmux)
	tests/terminal/record

advisories: $(CARGO_DENY) ## Look for known vulnerabilities of the dependencies (reads the list of RustSec)
	$(CARGO_DENY)/bin/cargo-deny --all-features check --hide-inclusion-graph advisories

lint-workflows: ## Check the GitHub workflows with actionlint (needs Go)
	cd .github && go run github.com/rhysd/actionlint/cmd/actionlint@v1.7.12

licenses: $(CARGO_DENY) ## Check licenses, sources, and duplicate versions with cargo-deny
	$(CARGO_DENY)/bin/cargo-deny --all-features check --hide-inclusion-graph licenses bans sources

### Search for bugs that the tests miss

SEEDS ?= 10000
simulate: ## Simulate agent event stream, function, and tables with random seeds (SEEDS=10000), and small cases exhaustively
	SIMULATE_SEEDS=0..$(SEEDS) SMALL_CASES=4 cargo test --locked --config profile.dev.package.ledger-tests.opt-level=2 \
	  -p ledger-tests --test pure simulation::every_ -- --nocapture

soak: ## Deliver a million agent events with every delivery fault, and compare with the reference model
	MODEL_WORLDS=6000 cargo test --locked -p ledger-tests --test pure reference_model::the_tables -- --nocapture

chaos: ## Run the demo with injected faults, with fifty seeds; every result must match the records
	cargo build --locked -p contact-record-normalizer -p agent-event-upserter -p contact-event-upserter -p contact-ledger-demo
	tests/chaos/run

LOAD_SECONDS ?= 60
load: ## Run contact-record-normalizer and agent-event-upserter at full load with injected faults (LOAD_SECONDS=60 each): memory stays flat, nothing is lost
	cargo build --locked --release -p contact-record-normalizer -p agent-event-upserter -p contact-event-upserter
	LOAD_SECONDS=$(LOAD_SECONDS) cargo run --locked --quiet -p ledger-tests --bin load

FUZZ_SECONDS ?= 60
fuzz: $(CARGO_FUZZ) ## Fuzz every input format (FUZZ_SECONDS=60 each, FUZZ_TARGETS to select); new inputs are kept in target/fuzz
	tests/fuzz/run $(CARGO_FUZZ)/bin/cargo-fuzz $(FUZZ_SECONDS) $(FUZZ_TARGETS)

### Measure and ship

bench: ## Measure the functions against the machine's limit and other languages (needs Node.js and Go)
	benches/run

instructions: $(GUNGRAUN_RUNNER) ## Check the instruction counts of the record paths against their limits (needs Valgrind)
	benches/record-paths/run $(GUNGRAUN_RUNNER)

put-to-item: ## Measure how long an agent event takes from PutRecord until its item can be read, and the share of each hop
	cargo build --locked --release --quiet -p agent-event-upserter
	cargo run --locked --quiet -p ledger-tests --bin put-to-item target/release

write-cost: ## Print the requests and write units for a day of agent events
	cargo run --locked --quiet -p ledger-tests --bin write-cost

release: $(TOOLS_READY) $(CARGO_ABOUT) $(CARGO_CYCLONEDX) ## Build a release in target/release-files/: functions, packaged template, programs, SBOM, licenses, checksums
	tools/release/build $(CARGO_ABOUT) $(CARGO_CYCLONEDX)

test-release: $(TOOLS_READY) ## Deploy from the release alone to the emulator, run its demo, and open its board
	RELEASE=$(CURDIR)/target/release-files $(TOOLS)/python tests/deploy/deploy.py released

test-arm64: rust ## Run the arm64 functions of the release under the Runtime Interface Emulator, in QEMU (needs qemu-user, libc6-arm64-cross, libgcc-s1-arm64-cross, and Go)
	tests/runtime-interface-emulator/arm64 target/release-functions/arm64

sbom: $(CARGO_CYCLONEDX) ## Write a software bill of materials for each function and program (CycloneDX, target/sbom)
	tools/release/sbom.sh $(CARGO_CYCLONEDX)

clean: ## Remove all build and demo output
	cargo clean
	rm -rf demo-output

# Prerequisites of the targets above.

.PHONY: rust
rust:
	cargo build --locked --workspace --exclude ledger-benches --exclude ledger-fuzz

setup:
	@cargo fmt --version >/dev/null 2>&1 || rustup component add rustfmt
	@cargo clippy --version >/dev/null 2>&1 || rustup component add clippy

build-for-tests: $(TOOLS_READY)
	@tests/deploy/build

$(TOOLS_READY): requirements.txt
	python3 -m venv .venv && $(TOOLS)/pip install --quiet --requirement requirements.txt
	@touch $@

target/clients/ready: tests/clients/requirements.txt tests/clients/aws-cli-2.txt tests/clients/unpack_aws_cli_2.py
	tests/clients/setup

# For example target/tools/cargo-deny-0.20.2: the tool with this name and version.
# It reads thousands of license texts, which takes ten minutes without optimization.
$(CARGO_ABOUT): FEATURES := --features cli
$(CARGO_ABOUT): PROFILE :=
PROFILE := --debug
$(CARGO_TOOLS)/%:
	cargo install --locked --quiet $(PROFILE) $(FEATURES) --target-dir $(CARGO_TOOLS)/build --root $@ $(shell echo $* | sed 's/\(.*\)-/\1@/')
	@rm -rf $(CARGO_TOOLS)/build
