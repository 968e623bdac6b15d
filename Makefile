# Every target sets up what it needs: Python 3.11+, Java 17+, Maven, Node with npm and make are enough.

PYTHON  ?= python3
UV      := 0.13.9
BIN     := .venv/bin
SOURCES := shared services deploy tests .ci
MEMBERS := shared $(patsubst %,services/%,auth vendor-sync psa-sync matcher billing console) deploy/standalone deploy/sandbox
WORKERS ?= 3
DEAL     = -n $(WORKERS) --no-loadscope-reorder $(if $(filter server,$(STORE)),--server-store)
READY   := .venv/.ready
KAFKA   := .tools/kafka/.ready
STATIC  := services/console/src/console/static/.ready

export UV_NO_PROGRESS = 1
# The tests start a hundred Python processes: each would compile all it imports if none kept the result.
export PYTHONDONTWRITEBYTECODE =

.PHONY: secrets help setup demo up quick test live bench faults storm simulate mutants fuzz lint audit format weights catalogue check lock clean

help: ## this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1\t/' | expand -t 18

setup: $(READY) $(KAFKA) $(STATIC) ## install everything; the other targets do it by themselves

demo: setup ## the whole story on fresh data, judged by the simulated PSA itself (SEED=7 repeats a run)
	@$(BIN)/python -m standalone demo $(if $(SEED),--seed $(SEED))

up: setup ## start everything and leave it running; prints the console's address and sign-in
	@$(BIN)/python -m standalone up $(if $(SEED),--seed $(SEED))

quick: $(READY) ## all tests that need no server, in a few minutes
	@$(BIN)/pytest -q -m "not server" $(DEAL)

test: setup ## all tests, those on real servers included (WORKERS=, three by default; STORE=server: none in memory)
	@$(BIN)/pytest -q $(DEAL)

live: setup ## only the tests on real servers
	@$(BIN)/pytest -q -m live $(DEAL)

bench: setup ## how far we are from the bare minimum, side by side (QUICK=1 for a first look, ROWS="a b" for some)
	@PYTHONPATH=tests/support QUICK=$(QUICK) $(BIN)/python -m tests.bench $(ROWS)

faults: setup ## a month under random kills: 25 rounds in about ten minutes (ROUNDS=, SEED= repeats a run)
	@$(BIN)/python tests/faults/run.py $(if $(ROUNDS),--rounds $(ROUNDS)) $(if $(SEED),--seed $(SEED))

storm: setup ## thousands of malformed messages into every topic: all services stay ready and catch up (MESSAGES=)
	@$(BIN)/python tests/support/storm.py $(if $(MESSAGES),--messages $(MESSAGES))

simulate: $(READY) ## the services over moving providers in virtual time, judged by an oracle (SEEDS=, FIRST=, STEPS=; nightly 200 × 10000)
	@$(BIN)/python -m tests.simulation $(if $(SEEDS),--seeds $(SEEDS)) $(if $(FIRST),--first $(FIRST)) $(if $(STEPS),--steps $(STEPS))

mutants: $(READY) ## rules broken on purpose, each of which the simulation must catch (SEEDS=)
	@$(BIN)/python -m tests.simulation.mutants $(if $(SEEDS),--seeds $(SEEDS))

fuzz: setup ## made-up requests to every API, as four callers: no 5xx, no broken promise (EXAMPLES=, SEED= repeats a run)
	@PYTHONPATH=tests/support $(BIN)/python -m tests.fuzz.run $(if $(EXAMPLES),--examples $(EXAMPLES)) $(if $(SEED),--seed $(SEED))

lint: $(READY) $(STATIC) ## style, types, import contracts, sizes, names, and the audit unless it passed today
	@$(BIN)/ruff check $(SOURCES)
	@$(BIN)/ruff format --check -q $(SOURCES)
	@$(BIN)/mypy $(SOURCES)
	@$(BIN)/lint-imports
	@$(BIN)/python .ci/sizes.py
	@$(BIN)/python .ci/names.py
	@$(BIN)/python .ci/supply_chain.py --if-stale

audit: $(READY) $(STATIC) ## licences and known vulnerabilities of what we rest on; bills of materials to dist/
	@$(BIN)/python .ci/supply_chain.py

format: $(READY) ## put code in form
	@$(BIN)/ruff check --fix -q $(SOURCES) || true
	@$(BIN)/ruff format -q $(SOURCES)

weights: $(READY) ## fit the weights of the matcher's proposals anew, on lists that it invents (about a minute)
	@PYTHONPATH=services/matcher $(BIN)/python -m trainer

catalogue: $(READY) ## write the tables of events and limits in shared/README.md anew
	@$(BIN)/python -m shared.catalogue shared/README.md

check: lint test ## what must hold before anything lands

secrets: ## make the secret files that docker compose reads; those that are there stay
	@$(PYTHON) deploy/compose/make_secrets.py

lock: ## resolve all dependencies anew; the lock holds hashes and no index addresses
	@$(BIN)/uv lock --upgrade -q
	@$(BIN)/uv export -q --all-packages --all-groups --no-emit-workspace --no-header -o requirements.lock

clean: ## remove the data and logs of the standalone system
	rm -rf .trueup

$(READY): requirements.lock pyproject.toml $(MEMBERS:%=%/pyproject.toml)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Trueup needs Python 3.11 or newer: install it or set PYTHON=/path/to/python3.11"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@test -x $(BIN)/uv || $(BIN)/python -m pip install -q --disable-pip-version-check uv==$(UV)
	@VIRTUAL_ENV=.venv $(BIN)/uv pip install -q --require-hashes -r requirements.lock
	@VIRTUAL_ENV=.venv $(BIN)/uv pip install -q --no-deps --no-build-isolation $(MEMBERS:%=-e %)
	@touch $@

$(KAFKA): deploy/standalone/pom.xml $(READY)
	@$(BIN)/python -m standalone resolve
	@touch $@

$(STATIC): services/console/package-lock.json services/console/package.json
	@command -v npm >/dev/null || { echo "Trueup's console needs Node with npm: install it"; exit 1; }
	@cd services/console && npm ci --silent --ignore-scripts && npm run --silent build
	@touch $@
