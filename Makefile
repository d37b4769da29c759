# The commands of the project. Rust and Python 3 are enough: the rest is installed when it is first needed.

# Queries are checked against the committed cache, whatever DATABASE_URL says.
export SQLX_OFFLINE = true

LOCAL = target/release/local
BUILD = cargo build --release --workspace --bins --locked

# SAM asks nobody and leaves nothing in the home folder.
export SAM_CLI_TELEMETRY = 0
export __SAM_CLI_APP_DIR = $(CURDIR)/.local/sam
SAM_TOOLS = .local/sam-venv

.PHONY: help run watch stop logs clean test check sam-check sam-build prepare soak controls experiments bench-generator bench-api bench-lambda bench-cold bench-faults bench-script bench-queue bench-relay bench-neighbours bench-crowd

help: ## Lists the commands
	@sed -nE 's/^([a-z-]+):.*## (.*)/make \1\t\2/p' Makefile | expand -t 18

# What answers HTTP: the Lambda functions in sandboxes, or with `make run API=api` the same routes in one process.
API = lambda
# Who brings accepted bids to PostgreSQL: the archival worker from NATS, or with ARCHIVE=sqs a function from a queue.
ARCHIVE = nats

run: ## Installs what is missing, builds and starts everything; Ctrl-C stops it
	$(BUILD)
	$(LOCAL) run --api $(API) --archive $(ARCHIVE)

watch: ## The same with the functions under `cargo lambda watch`, reloaded on every change
	$(BUILD)
	$(LOCAL) run --api watch --archive $(ARCHIVE)

stop: $(LOCAL) ## Stops the running system from another terminal; data stays
	$(LOCAL) stop

logs: $(LOCAL) ## Shows the logs of all servers
	$(LOCAL) logs

clean: $(LOCAL) ## Wipes the data of Redis, NATS and PostgreSQL together
	$(LOCAL) clean

test: ## All tests, each with servers of its own on free ports
	cargo test --release --workspace --locked --no-run
	$(LOCAL) install --sqs
	cargo test --release --workspace --locked --lib --bins --tests

check: sam-check ## Formatting, templates, the compose file, lints with warnings denied, and dependencies
	cargo fmt --all --check
	python3 infra/check_compose.py
	cargo clippy --release --workspace --all-targets --locked -- -D warnings
	@if command -v cargo-deny >/dev/null; then cargo deny --offline check bans licenses sources; \
	else echo "cargo-deny is not installed: dependencies were not checked (cargo install --locked cargo-deny)"; fi

sam-check: $(SAM_TOOLS)/installed ## The template of the deployment, by SAM and by cfn-lint
	$(SAM_TOOLS)/bin/sam validate
	$(SAM_TOOLS)/bin/cfn-lint infra/template.yaml

sam-build: $(SAM_TOOLS)/installed ## The functions as they are deployed, for x86_64, with the compiler that is here
	PATH="$(CURDIR)/$(SAM_TOOLS)/bin:$$PATH" CARGO_LAMBDA_COMPILER=cargo sam build --parameter-overrides Architecture=x86_64

MINUTES = 2
SEED = 1

soak: ## A storm of faults under load, and whether anything was lost: MINUTES=2 SEED=1 ARCHIVE=nats
	$(BUILD)
	$(LOCAL) install --sqs
	target/release/loadtest soak --seconds $$(($(MINUTES) * 60)) --seed $(SEED) --archive $(ARCHIVE) --api $(API)

controls: ## Breaks in a copy what upholds each promise, and shows that the storm's checker sees it
	$(BUILD)
	$(LOCAL) install --sqs
	loadtest/controls/run

EXPERIMENTS = .local/experiments

experiments: ## The experiments, small, and one page of their results: under ten minutes on two cores
	$(BUILD)
	$(LOCAL) install
	target/release/loadtest contend --out $(EXPERIMENTS) --users 1,4,16,64,256 --repeats 3 --seconds 2 --confirm 3
	target/release/loadtest fanout --out $(EXPERIMENTS) --viewers 100,300,1000,3000 --bids 12 --interval 500
	target/release/loadtest resilience --out $(EXPERIMENTS) --seconds 8
	target/release/loadtest coldwarm --out $(EXPERIMENTS) --pairs 10 --seconds 2
	target/release/loadtest mixed --out $(EXPERIMENTS) --seconds 15
	target/release/loadtest stress --out $(EXPERIMENTS) --from 1000 --seconds 2 --growth 1.7
	target/release/loadtest report $(EXPERIMENTS)

bench-generator: ## What a core of the load generator can do, and whether it agrees with wrk and oha; Locust too, where installed
	$(BUILD)
	python3 loadtest/compare_generators.py

bench-api: ## Bids through one process, beside a bare loop around the script and beside constant answers
	$(BUILD)
	$(LOCAL) install
	target/release/loadtest api-cost

bench-lambda: ## Bid latency in one process, in sandboxes and under `cargo lambda watch`
	$(BUILD)
	$(LOCAL) install --watch
	target/release/loadtest lambda-cost

bench-cold: ## Sizes of the functions, and how long their cold starts take
	$(BUILD)
	target/release/loadtest cold-start

bench-faults: ## Bid latency with NATS and PostgreSQL up, killed and frozen
	$(BUILD)
	$(LOCAL) install
	target/release/loadtest faults

bench-script: ## What a bid costs Redis, beside the original's script
	cargo build --release --workspace --bins --examples --locked
	$(LOCAL) install
	target/release/examples/script-cost

bench-queue: ## Over 100 accepted bids a second through SQS: calm, then with LocalStack killed and messages failing, doubled and reordered
	$(BUILD)
	$(LOCAL) install --sqs
	target/release/loadtest soak --archive sqs --rising --rate 110 --seconds 60 --faults none --seed 1
	target/release/loadtest soak --archive sqs --rising --rate 110 --seconds 90 --faults queue --queue-faults 3 --seed 2

bench-relay: ## The relay beside the raw floor, nchan, NATS, uWebSockets and ws, with 1,000 and 10,000 viewers
	$(BUILD)
	$(LOCAL) install
	target/release/loadtest relay-cost

bench-neighbours: ## Whether viewers that stall and viewers that are hostile delay those beside them, and what memory they take
	$(BUILD)
	$(LOCAL) install
	target/release/loadtest relay-neighbours

bench-crowd: ## Ten thousand viewers that come at once, also after the relay was killed or told to stop
	$(BUILD)
	$(LOCAL) install
	target/release/loadtest relay-crowd

$(LOCAL):
	$(BUILD)

$(SAM_TOOLS)/installed: infra/requirements.txt local/requirements-watch.txt
	infra/install-sam.sh
