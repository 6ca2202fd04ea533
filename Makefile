# One file of entry points. Everything runs in .venv; nothing else on the machine is touched.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
WEEK ?=
ONCE ?=
N ?= 2
# Where the repository is on a code host, for "Edit this page"; and what draws the diagrams.
REPO ?=
MERMAID := tests/lessons/mermaid
CORES := $(shell getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)
# Tests wait a lot: one process more than there are cores, five at most.
JOBS ?= $(shell echo $$(( $(CORES) < 4 ? $(CORES) + 1 : 5 )))

# The tests of a file share an API and a worker: started once, if one process has the file.
BY_FILE := --dist loadfile --no-loadscope-reorder

# Of all solutions and cheats, one part, such as 3/20; without it all that have no valid result yet.
PART ?=
NOTES := .bootcamp/validation
TRY := $(BIN)/python -m pytest --all-validation -o console_output_style=count -k "not the_page_shows" \
	$(if $(PART),--validation-part $(PART),--note-validation $(NOTES))

.PHONY: help setup demo test test-weeks test-containers test-python313 validate check lint format bench bench-ingest bench-peers bench-grade up down scale-workers load-test chaos lock clean \
	restart rebuild logs status health stats backup restore

help:
	@echo "make demo [ONCE=1]        start everything, process sample documents, show the result"
	@echo "make test [JOBS=3]        run the tests, in that many processes"
	@echo "make test-weeks [JOBS=3]  run the long tests: on services of the earlier weeks, and nbgrader"
	@echo "make test-containers      run the compose stack on a Docker daemon of its own (Linux, root)"
	@echo "make test-python313       the demo and the tests without graders on Python 3.13"
	@echo "make validate [PART=3/20] try the graders on every wrong and right solution: VALIDATION.md"
	@echo "make setup                make .venv and install what is pinned in requirements.lock"
	@echo "make check [WEEK=1]       check the homework of a week, or of all"
	@echo "make slides WEEK=3        slides of a week from its lessons, as HTML and PDF, with notes"
	@echo "make site [REPO=https://…] build the course's pages as a site, in build/site"
	@echo "make lint                 ruff, mypy, spelling, retired words, and generated files"
	@echo "make up [WEEK=3] / down   the stack with your layers / stop it"
	@echo "make scale-workers N=5    so many workers, while it runs; COMPOSE=1: with Docker Compose"
	@echo "make backup [FOLDER=…]    save the stores of the stack to backups/, or to a folder"
	@echo "make restore FOLDER=…     replace the stores of the stack by a backup, while it is down"
	@echo "make clean                stop the stack, remove .venv and all stored data"
	@echo "make load-test [UI=1]     100 clients at the API: p50, p95, p99 and throughput; UI=1: Locust on :8089"
	@echo "make chaos [JOBS=200] [SEED=7]  kill, freeze and cut everything while jobs run: lost, doubled, timeline"
	@echo "make bench                timings, as ratios within one run"
	@echo "make bench-ingest         this pipeline beside LangChain and LlamaIndex: documents per second"
	@echo "make bench-peers          install what make bench-ingest compares with, in .venv-peers"
	@echo "make bench-grade          how fast a class of 5, 15 and 30 is graded"
	@echo "make lock                 pin the dependencies again"
	@echo
	@echo "With Docker Compose (deploy/compose.md):"
	@echo "make up COMPOSE=1 [PROFILES=load-test]   make .env, build the images, start; also tls"
	@echo "make down COMPOSE=1       stop and remove the containers; the data stays"
	@echo "make restart              replace each container, one after another; no accepted job is lost"
	@echo "make rebuild              build new images, then restart"
	@echo "make logs, logs-worker    follow the logs of all services, or of one; FOLLOW= ends at once"
	@echo "make status, health       the containers; wait until all are healthy, or fail"
	@echo "make stats                processor and memory of each container"
	@echo "make backup COMPOSE=1     save PostgreSQL, the jobs table and the blobs to backups/"
	@echo "make restore COMPOSE=1 FOLDER=…          put them back; this replaces what is stored"
	@echo "make clean COMPOSE=1      stop, and remove the containers and ALL DATA"

setup: $(READY)

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' \
		|| { echo "Python 3.11 to 3.13 is needed; $(PYTHON) is $$($(PYTHON) -V). Try: make setup PYTHON=python3.12"; exit 2; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || { rm -f $(BIN)/python*; exit 2; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -e .
	@touch $(READY)

demo: setup
	$(BIN)/bootcamp demo $(if $(ONCE),--once)

test: setup
	$(BIN)/python -m pytest tests --weeks newest --numprocesses $(JOBS) $(BY_FILE)

test-weeks: setup
	$(BIN)/python -m pytest tests --weeks rest --numprocesses $(JOBS) $(BY_FILE)

test-containers: setup
	@$(BIN)/python -m tests.containers.engine
	$(BIN)/python -m pytest tests/containers --containers

# All cheats are one class, which grades two at a time by itself: one process of tests for them.
# Exit code 5 of pytest means that there was nothing to try.
validate: setup
	$(TRY) tests/validation tests/release --numprocesses $(JOBS); first=$$?; \
		$(TRY) tests/cheats tests/classroom/test_mixed_class.py; second=$$?; \
		$(if $(PART),:,$(BIN)/python -m autograder.validation.report $(NOTES)); third=$$?; \
		for code in $$first $$second $$third; do case $$code in 0|5) ;; *) exit $$code;; esac; done

# The oldest Python runs all tests (make test); the newest runs the tests without graders, and the demo.
PYTHON313 ?= $(shell for one in python3.13 $(HOME)/.pyenv/versions/3.13.*/bin/python3.13; do \
	"$$one" -c pass 2>/dev/null && { echo "$$one"; break; }; done)
UNIT := tests/authoring tests/cli tests/docs tests/generate tests/layers tests/providers tests/samples

test-python313:
	@test -n "$(PYTHON313)" || { echo "No python3.13 is found: set PYTHON313=/path/to/python3.13"; exit 2; }
	$(MAKE) demo ONCE=1 VENV=.venv313 PYTHON=$(PYTHON313)
	.venv313/bin/python -m pytest $(UNIT) --numprocesses $(JOBS) $(BY_FILE)

check: setup
	$(BIN)/bootcamp check $(WEEK)

slides: setup
	$(BIN)/python -m bootcamp.authoring.make_slides $(WEEK)

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/typos
	$(BIN)/python -m bootcamp.authoring.words
	$(BIN)/bootcamp generate --check

format: setup
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

.PHONY: site slides
site: setup
	@test -f $(MERMAID)/node_modules/mermaid/package.json \
		|| npm ci --silent --no-audit --no-fund --prefix $(MERMAID)
	$(BIN)/python -m bootcamp.authoring.make_site build/site $(if $(REPO),--repository $(REPO))

bench: setup
	$(BIN)/python -m bootcamp.bench

bench-ingest: setup
	$(BIN)/python -m bootcamp.bench.ingest $(if $(ROUNDS),--rounds $(ROUNDS)) $(if $(JSON),--json)

# An environment of its own: the dependencies of the peers do not fit ours. Copies, because nltk refuses links.
PEERS := .venv-peers

bench-peers: setup
	test -x $(PEERS)/bin/python || $(PYTHON) -m venv $(PEERS)
	$(BIN)/uv pip install --quiet --link-mode copy --python $(PEERS)/bin/python --group peers

bench-grade: setup
	$(BIN)/python -m autograder.bench.grade

# Without COMPOSE these are the local stack, with it the containers of docker-compose.yml, which need no .venv.
ENV_FILE ?= .env
PROFILES ?=
FOLDER ?=
FOLLOW ?= --follow
DOCKER := docker compose --env-file $(ENV_FILE)
DEPLOY := $(PYTHON) -m bootcamp.operations.compose --env-file $(ENV_FILE)
ALL_PROFILES := --profile tls --profile load-test --profile grading --profile backup

up: $(if $(COMPOSE),,setup)
ifdef COMPOSE
	@$(PYTHON) -m bootcamp.operations.env_file .env.example $(ENV_FILE)
	$(DOCKER) $(addprefix --profile ,$(PROFILES)) build
	$(DOCKER) $(addprefix --profile ,$(PROFILES)) up --detach
	$(DEPLOY) health
else
	$(BIN)/bootcamp up $(WEEK)
endif

down: $(if $(COMPOSE),,setup)
	$(if $(COMPOSE),$(DOCKER) $(ALL_PROFILES) down,$(BIN)/bootcamp down)

scale-workers: $(if $(COMPOSE),,setup)
	$(if $(COMPOSE),$(DOCKER) up --detach --no-recreate --no-deps --scale worker=$(N) worker,$(BIN)/bootcamp scale-workers $(N))

restart:
	$(DEPLOY) restart

rebuild:
	$(DOCKER) build
	$(DEPLOY) restart

logs:
	$(DOCKER) logs --tail 100 $(FOLLOW)

logs-%:
	$(DOCKER) logs --tail 100 $(FOLLOW) $*

status:
	$(DOCKER) ps --all

health:
	$(DEPLOY) health

stats:
	docker stats --no-stream $$($(DOCKER) ps --quiet)

backup: $(if $(COMPOSE),,setup)
	$(if $(COMPOSE),$(DEPLOY) backup $(FOLDER),$(BIN)/bootcamp backup $(FOLDER))

restore: $(if $(COMPOSE),,setup)
	$(if $(COMPOSE),$(DEPLOY) restore $(FOLDER),$(BIN)/bootcamp restore $(FOLDER))

load-test: setup
	$(BIN)/python -m bootcamp.bench.load $(if $(UI),--ui)

# JOBS is also the number of test processes, so only a value that was given counts here.
chaos: setup
	$(BIN)/python -m bootcamp.bench.chaos $(if $(filter file,$(origin JOBS)),,--jobs $(JOBS)) \
		$(if $(SEED),--seed $(SEED)) $(if $(MISTAKE),--mistake $(MISTAKE)) $(if $(JSON),--json)

lock: setup
	$(BIN)/uv pip compile --universal --python-version 3.11 pyproject.toml --all-extras --group dev \
		--output-file requirements.lock --no-emit-index-url --no-header --no-annotate

ifdef COMPOSE
clean:
	$(DOCKER) $(ALL_PROFILES) down --volumes --remove-orphans
else
clean: down
	rm -rf $(VENV) .bootcamp
endif
