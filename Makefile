# `make` alone lists what there is. Nothing but Python 3.11 or later is needed; `make tools` needs Go.

PYTHON ?= python3
SCENARIO ?= scenarios/ramp.yaml
BIN := .venv/bin
# What `make` brought into .venv, done again when one of their files changes: what a run needs, and
# what working on simtraffic needs as well.
RUNNABLE := .venv/.runnable
INSTALLED := .venv/.installed
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
# One worker more than there are cores, as some wait; a later -m in TESTS wins over what `make test`
# leaves out.
WORKERS := $(shell expr $$(getconf _NPROCESSORS_ONLN) + 1)
PYTEST := $(BIN)/python -m pytest -n $(WORKERS) --dist worksteal
# These wait more than they work. What a file sets up is set up once, as all of it has one worker.
REAL := $(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder
QUICK := -m "not real and not long and not compose"

# Where the first is set, each process that a test starts compiles the package anew: half of all the
# time. The second hides what happens to what is still buffered at the end, as it is for users.
unexport PYTHONDONTWRITEBYTECODE PYTHONUNBUFFERED

.DEFAULT_GOAL := help
# The containers of the stack; podman-compose and others: make up COMPOSE="podman compose".
COMPOSE ?= docker compose
CONTAINERS := $(COMPOSE) --file docker-compose.observability.yml
# Asks the engine too, not its client alone.
define NEEDS_CONTAINERS
@$(CONTAINERS) ps >/dev/null 2>&1 || { echo "containers: no engine answers to \`$(COMPOSE)\`;\
 start one, name another (COMPOSE=\"podman compose\"), or run it natively: make stack-demo" >&2; exit 2; }
endef
# make stack PORTS=free: where the usual ports are taken.
STACK = $(BIN)/python -m tools.stack up $(if $(PORTS),$(if $(filter-out free,$(PORTS)),\
  $(error PORTS: only `free` is known; found $(PORTS); leave it out for the usual ports),--free-ports))

# What concerns the package itself; real programs, documents and the stack have their own versions.
FLOORS := --ignore tests/stack --ignore tests/network --ignore tests/test_package.py -m "not real and not long and not docs and not compose"

.PHONY: help install run test test-all test-real test-python test-floors lint fmt types layers docs-check cov golden \
	schema generated fuzz bench tools release-check constraints check clean screen stack stack-demo stack-down up demo down test-compose

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(RUNNABLE): pyproject.toml constraints.txt simtraffic/_version.py
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and \
	  "Python 3.11 or later is needed; name one: make PYTHON=python3.12 ...")'
	$(PYTHON) -m venv .venv
	$(PIP) install --constraint constraints.txt --editable .
	@touch $@

# The pip of Python 3.11 and 3.12 knows no groups.
$(INSTALLED): $(RUNNABLE)
	$(PIP) install --constraint constraints.txt pip
	$(PIP) install --constraint constraints.txt --group dev
	@touch $@

install: $(INSTALLED) ## create .venv with everything in it

run: $(RUNNABLE) ## run SCENARIO=scenarios/ramp.yaml; starts a collector if none listens
	$(BIN)/simtraffic run $(SCENARIO)

test: $(INSTALLED) ## quick tests, and how many were left out; TESTS=tests/cli or '-m real' chooses
	$(PYTEST) $(QUICK) $(TESTS)

test-all: ## everything, as CI does it: .ci/run
	.ci/run

test-real: $(INSTALLED) tools ## tests with real programs or in real time; one that is missing fails
	SIMTRAFFIC_REQUIRE_REAL=1 $(REAL) -m real $(TESTS)

test-python: $(RUNNABLE) ## tests of what differs between Pythons: processes, terminals, signals
	$(PIP) install --constraint constraints.txt pip
	$(PIP) install --constraint constraints.txt --group test
	$(BIN)/python -W error -X dev -m pytest -n auto -m "not docs" tests/test_python.py tests/test_children.py \
	  tests/cli tests/collector tests/runner tests/self_telemetry

test-floors: $(INSTALLED) ## the unit tests with the oldest dependencies that pyproject.toml allows
	$(BIN)/uv venv --quiet --clear --python $(BIN)/python build/floors
	$(BIN)/uv pip compile --quiet --resolution lowest-direct --no-annotate --no-header \
	  --python build/floors/bin/python pyproject.toml --output-file build/floors.txt
	$(BIN)/uv pip install --quiet --python build/floors/bin/python \
	  --constraint build/floors.txt --editable . --group test
	build/floors/bin/python -m pytest -n auto -q $(FLOORS)

lint: $(INSTALLED) ## ruff: rules and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

fmt: $(INSTALLED) ## ruff: format, and fix what it can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: $(INSTALLED) ## mypy over all Python; strict but for the signatures of tests
	$(BIN)/mypy

layers: $(INSTALLED) ## who may import whom
	$(BIN)/lint-imports

docs-check: $(INSTALLED) ## documents and code are in step
	$(PYTEST) -m docs

cov: $(INSTALLED) ## tests without real programs: coverage of lines and branches, and its gate
	rm -rf build/coverage
	mkdir -p build/coverage
	$(BIN)/coverage run -m pytest -n auto --dist worksteal -m "not real and not compose" $(TESTS)
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

golden: $(INSTALLED) ## rewrite the golden files; review the difference
	REWRITE_GOLDEN=1 $(BIN)/python -m pytest -q tests/golden tests/report/test_terminal.py tests/result/test_written.py

# By way of another file: a command that fails must not leave an empty schema behind.
schema: $(INSTALLED) ## rewrite the JSON Schema of the scenario file
	@mkdir -p build
	$(BIN)/simtraffic schema >build/scenario.schema.json
	mv build/scenario.schema.json scenarios/scenario.schema.json

generated: schema ## rewrite what is made from something else: schema, rules, boards, tables of documents
	$(BIN)/python -m tools.rules
	$(BIN)/python -m tools.dashboards
	$(BIN)/python -m tools.kubernetes
	$(BIN)/python -m tools.documents

fuzz: $(INSTALLED) ## bytes that mean ill for the collector; FUZZ="--inputs 1000000 --seed 1" chooses
	$(BIN)/python -m tests.fuzz $(FUZZ)

bench: $(INSTALLED) tools ## measure; BENCH="encode --rounds 3" chooses
	$(BIN)/python -m benchmarks $(BENCH)

screen: $(INSTALLED) ## record a run in a real terminal for the README: docs/images/run-*.svg
	$(BIN)/python -m tools.screen $(SCREEN)

tools: ## build real programs for tests and benchmarks into a cache; needs Go
	tools/build.sh

stack: $(RUNNABLE) tools ## the observability stack on native programs, until Ctrl-C; PORTS=free
	$(STACK)

stack-demo: $(RUNNABLE) tools ## the same, with SCENARIO running into it
	$(STACK) --run $(SCENARIO)

stack-down: $(RUNNABLE) ## end the native stack from elsewhere
	$(BIN)/python -m tools.stack down

up: ## the observability stack in containers; needs Docker with compose
	$(NEEDS_CONTAINERS)
	$(CONTAINERS) up --detach --wait

demo: up $(RUNNABLE) ## the stack in containers, and a demo running into it
	@echo "Grafana       http://localhost:$${SIMTRAFFIC_GRAFANA_PORT:-3000}/d/simtraffic-overview"
	@echo "Prometheus    http://localhost:$${SIMTRAFFIC_PROMETHEUS_PORT:-9090}"
	@echo "Alertmanager  http://localhost:$${SIMTRAFFIC_ALERTMANAGER_PORT:-9093}"
	@echo "Jaeger        http://localhost:$${SIMTRAFFIC_JAEGER_PORT:-16686}"
	@echo "notifications http://localhost:$${SIMTRAFFIC_WEBHOOK_PORT:-9099}/notifications"
	$(BIN)/simtraffic run scenarios/demo.yaml \
	  --endpoint "http://localhost:$${SIMTRAFFIC_OTLP_GRPC_PORT:-4317}"

down: ## end the containers; their data stays, VOLUMES=--volumes removes it
	$(NEEDS_CONTAINERS)
	$(CONTAINERS) down $(VOLUMES)

test-compose: $(INSTALLED) ## bring the containers up and test them; needs Docker
	$(PYTEST) -n 0 -m compose

release-check: $(INSTALLED) ## whether this version can be released: files agree, its wheel works; fills dist/
	$(BIN)/python -m tools.release

constraints: $(INSTALLED) ## pin what .venv has now
	{ sed -n '/^#/p' constraints.txt; $(BIN)/python -m pip freeze --all --exclude setuptools --exclude-editable; } >.pins
	mv .pins constraints.txt

check: lint types layers test ## everything that has to pass before a commit

clean: ## remove .venv, caches and build results, not the cache of `make tools`
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	rm -rf build dist htmlcov .coverage *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
