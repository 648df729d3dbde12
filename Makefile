# Two commands matter: `make demo` and `make test`. `make help` lists the rest.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
BENCH ?= .venv-bench
STUDY ?= .venv-study
SERVERS ?= .venv-servers
AUDIT ?= .venv-audit
AZURITE ?= .venv-azurite
DEMO_ARGS ?=
FUZZ_SECONDS ?= 600

.DEFAULT_GOAL := help
# What `make test` installs, it installs side by side.
ifeq ($(MAKECMDGOALS),test)
MAKEFLAGS += -j3
endif
.PHONY: help demo test debian test-fast properties bench study fuzz realdata estimation scrapes soak torture ready audit image lint fmt proto screenshots clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or later is needed (PYTHON=python3.12 make …)"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.demo: $(BIN)/python pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[demo]'
	@touch $@

$(VENV)/.test: $(BIN)/python pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[test]'
	@touch $@ $(VENV)/.demo

demo: $(VENV)/.demo ## real model, real flights, three incidents: see what the sidecar notices (DEMO_ARGS="--keep --seconds 120")
	$(BIN)/neural monitor demo --port 0 $(DEMO_ARGS)

$(SERVERS)/.done: pyproject.toml
	$(PYTHON) -m venv $(SERVERS)
	$(SERVERS)/bin/python -m pip install --quiet --disable-pip-version-check -e '.[test-servers]'
	@touch $@

debian:
	@sh tests/debian-packages.sh

# An Azure Blob Storage on this machine. Where it can't be had, the tests that need it skip and say so.
$(AZURITE)/.done: | debian
	@mkdir -p $(AZURITE)
	@npm install --silent --no-audit --no-fund --prefix $(AZURITE) azurite@3 && touch $@ || echo "could not install azurite (tests that need it will skip)"

test: debian $(VENV)/.test $(SERVERS)/.done $(AZURITE)/.done ## everything, against real components (installs Debian packages where it may)
	$(BIN)/python -m pytest -n 2 --dist loadfile -q -m "not alone"
	$(BIN)/python -m pytest -q -m alone

test-fast: $(VENV)/.test ## what needs no server process, in under 90 seconds
	$(BIN)/python -m pytest -n 2 --dist loadfile -q -m "not slow" --ignore=tests/integration --ignore=tests/e2e

properties: $(VENV)/.test ## what must hold for any input, with new examples each time (PROPERTIES_ARGS="--hypothesis-seed=1")
	HYPOTHESIS_PROFILE=new $(BIN)/python -m pytest -n 2 --dist load -q $(PROPERTIES_ARGS) $$(grep -rl --include='test_*.py' 'from hypothesis' tests)

$(BENCH)/.done: pyproject.toml
	$(PYTHON) -m venv $(BENCH)
	$(BENCH)/bin/python -m pip install --quiet --disable-pip-version-check -e '.[bench]'
	@touch $@

bench: $(BENCH)/.done ## measure the hot paths beside their peers; prints a table, writes bench.json
	$(BENCH)/bin/python -m tests.benchmarks --json bench.json

$(VENV)/.fuzz: $(VENV)/.test
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[fuzz]'
	@touch $@

fuzz: $(VENV)/.fuzz ## every reader of foreign bytes under atheris, ten minutes each (FUZZ_SECONDS=600 FUZZ="wire labels")
	FUZZ_SECONDS=$(FUZZ_SECONDS) $(BIN)/python -m tests.fuzz $(FUZZ)

$(STUDY)/.done: pyproject.toml tests/study/peers.txt
	$(PYTHON) -m venv $(STUDY)
	$(STUDY)/bin/python -m pip install --quiet --disable-pip-version-check -e '.[sidecar]' -r tests/study/peers.txt
	@touch $@

study: $(STUDY)/.done ## simulate how far the drift verdicts can be trusted, beside the peers; writes docs/study.md (an hour or so)
	$(STUDY)/bin/python -W ignore -m tests.study all

scrapes: $(VENV)/.test ## five minutes of demo under a real Prometheus: no scrape error, data in every panel and recording rule
	@sh tests/debian-packages.sh
	NEURAL_SCRAPE_SECONDS=300 $(BIN)/python -m pytest -q tests/integration/test_export_prometheus.py -k demo

realdata: $(VENV)/.test ## real records in their own order through a real sidecar; writes docs/real-data.md (some minutes; fetches wheels)
	$(BIN)/python -m tests.realdata

estimation: $(VENV)/.test ## performance without labels beside NannyML, in an environment of its own; writes docs/estimation.md (some minutes)
	$(BIN)/python -m tests.estimation

.venv-soak/.done: pyproject.toml
	$(PYTHON) -m venv .venv-soak
	.venv-soak/bin/python -m pip install --quiet --disable-pip-version-check '.[sidecar]'
	@touch $@

soak: $(VENV)/.test .venv-soak/.done ## half an hour at full speed: memory must stay flat and under 200 MiB (SOAK_ARGS="--minutes 60")
	MALLOC_ARENA_MAX=2 $(BIN)/python -m tests.soak --neural .venv-soak/bin/neural $(SOAK_ARGS)

torture: $(VENV)/.test ## kill -9 at a thousand random moments under load: nothing acknowledged is lost, the verdicts are the same
	$(BIN)/python -m tests.torture $(TORTURE_ARGS)

ready: $(VENV)/.test ## a sidecar with thirty days of state must be ready within two seconds
	$(BIN)/python -m tests.ready $(READY_ARGS)

$(AUDIT)/.done: pyproject.toml
	$(PYTHON) -m venv $(AUDIT)
	$(AUDIT)/bin/python -m pip install --quiet --disable-pip-version-check '.[full]'
	$(PYTHON) -m venv $(AUDIT)/tools
	$(AUDIT)/tools/bin/python -m pip install --quiet --disable-pip-version-check 'cyclonedx-bom[validation]>=7' 'pip-audit>=2.9'
	@touch $@

audit: $(AUDIT)/.done ## what users install: its SBOM (build/sbom.json, CycloneDX), then known vulnerabilities of each package (asks the network; AUDIT_ARGS=--partial)
	@mkdir -p build
	$(AUDIT)/tools/bin/cyclonedx-py environment --validate --of JSON -o build/sbom.json $(AUDIT)/bin/python
	$(AUDIT)/bin/python -m pip freeze --exclude neural-monitoring > build/requirements.txt
	@rm -f build/audit.json; $(AUDIT)/tools/bin/pip-audit --progress-spinner off --no-deps --disable-pip -r build/requirements.txt -f json -o build/audit.json 2>build/audit.log || true
	@$(PYTHON) -m tests.audit build/audit.json build/requirements.txt $(AUDIT_ARGS) || { code=$$?; echo "(pip-audit's own words: build/audit.log)"; exit $$code; }

image: ## the sidecar's image, by docker, podman or buildah, and its size (IMAGE_ARGS="--build-arg EXTRAS=sidecar,grpc")
	@tool=$$(for one in docker podman buildah; do command -v $$one && break; done) || { echo "docker, podman or buildah is needed"; exit 1; }; \
	$$tool build $(IMAGE_ARGS) -f config/Containerfile -t neural-monitoring:0.1.0 . && $$tool images | grep neural-monitoring

lint: $(VENV)/.test ## ruff, mypy strict, pyright, import-linter
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/pyright
	$(BIN)/lint-imports

fmt: $(VENV)/.test ## format and fix what can be fixed by machine
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

proto: $(VENV)/.test ## compile the contract for Python, into build/proto (the tests compile it themselves)
	@mkdir -p build/proto
	$(BIN)/python -m grpc_tools.protoc -Iproto --python_out=build/proto --pyi_out=build/proto proto/neural/capture/v1/capture.proto

screenshots: $(VENV)/.test ## docs/images, from a dashboard with data, in a real browser
	@sh tests/debian-packages.sh
	$(BIN)/python tests/e2e/screenshots.py

clean: ## remove everything that can be made again
	rm -rf $(VENV) $(BENCH) $(SERVERS) $(STUDY) $(AUDIT) $(AZURITE) dist build bench.json .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
