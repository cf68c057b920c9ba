# Each target does its own set-up; the only things it needs are Python 3.11+, git, make and openssl.
.DEFAULT_GOAL := help
.PHONY: help demo up test test-all lint format build deploy destroy package lock generate mutants benchmark variants faults clean
PYTHON ?= python3
PORT ?= 4566
UV := $(or $(shell command -v uv),.tools/bin/uv)
RUN := .venv/bin/python
PYTEST := $(RUN) -m pytest -n $(or $(WORKERS),3) --dist worksteal
RIGHT_PYTHON = $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11+ is needed, not " + sys.version)'
export PYTHONPATH := $(CURDIR)
unexport PYTHONDONTWRITEBYTECODE  # each of the many processes would compile this project again

help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

demo: build ## Watch a stolen client certificate being accepted, revoked and refused, on the embedded AWS
	@$(RUN) -m infra.local.lab.demo

up: build ## Keep the embedded AWS running in the foreground (PORT, default 4566); Ctrl-C ends it
	@$(RUN) -m infra.local.lab.up --port $(PORT)

test: build .tools/sam/.ready ## Run all tests but the slow ones; TESTS=crl runs those with crl in their path or name
	@$(PYTEST) $(or $(if $(TESTS),$(or $(wildcard $(TESTS)),-k '$(TESTS)')),-m 'not slow')

# Both layers run, whether or not the first one fails; functions/ runs in this process in the first one alone.
test-all: build .tools/sam/.ready ## Run all tests; those of functions/ must reach each of its lines and branches
	@$(PYTEST) --cov=functions tests/functions; functions=$$?; $(PYTEST) --ignore tests/functions && exit $$functions

lint: .venv/.ready .tools/sam/.ready .tools/checkov/.ready ## Check style, types, template and state machine
	@$(RUN) -m infra.tools.lint

format: .venv/.ready ## Format the code and the state machine
	@$(RUN) -m ruff format . && $(RUN) -m ruff check --fix . && $(RUN) -m infra.tools.definition

build: .venv/.ready ## Build the Lambda zip and both layers
	@$(RUN) -m infra.build

generate: build ## Write again what is generated: the README's blocks, pictures and schemas
	@$(RUN) -m infra.tools.generate

# Without PYTHONPATH, which names the files that are not changed.
mutants: .venv/.ready .tools/mutation/.ready ## Change the CRL checks, precedence and verdicts a thousand times, and list what no test notices
	@env -u PYTHONPATH .tools/mutation/bin/mutmut run && env -u PYTHONPATH .tools/mutation/bin/mutmut results

variants: .venv/.ready ## Judge 20,000 variants of a CA and its CRL, as openssl verify does
	@RANDOM_VARIANTS=20000 $(PYTEST) -q tests/functions/pki/test_bundle_checks.py

faults: build ## Put one fault into each call of an execution, in about an hour (a sample is in make test)
	@FAULT_CELLS=all $(PYTEST) -q -s tests/statemachine/failures/test_fault_matrix.py

benchmark: build ## Measure a CRL of 500,000 entries, and a list of 10,000 serials
	@$(RUN) -m tests.benchmarks.crl
	@$(RUN) -m tests.benchmarks.serial_list

# Make passes PARAMETERS on in the environment, so that no shell reads its quotes and brackets.
WHERE = $(if $(STACK),--stack $(STACK)) $(if $(REGION),--region $(REGION))

deploy: build .tools/sam/.ready ## Deploy the stack to AWS (STACK, REGION, TURN_ON_CRL=yes, PARAMETERS="Name=Value …")
	@$(RUN) -m infra.deploy up $(WHERE) $(if $(TURN_ON_CRL),--turn-on-crl)

destroy: .venv/.ready .tools/sam/.ready ## Remove the stack from AWS (STACK, REGION, YES=1); its buckets stay
	@$(RUN) -m infra.deploy down $(WHERE) $(if $(YES),--yes)

package: build ## Write the template and its files, with checksums, for deployments without this repository
	@$(RUN) -m infra.package

lock: $(UV) ## Lock the dependencies by version and hash
	@UV=$(UV) sh infra/tools/lock.sh

clean: ## Remove everything that was built or installed
	rm -rf .venv .tools .embedded build mutants .coverage* .mypy_cache .pytest_cache .ruff_cache .hypothesis

.tools/bin/uv: requirements-uv.txt
	@$(RIGHT_PYTHON)
	@echo "Getting uv ..."
	@$(PYTHON) -m pip install --quiet --disable-pip-version-check --root-user-action=ignore --require-hashes --upgrade --target .tools -r $< || \
		{ $(PYTHON) -m venv .tools && .tools/bin/python -m pip install --quiet --require-hashes -r $<; }

.venv/.ready: requirements.txt Makefile | $(UV)
	@$(RIGHT_PYTHON)
	@echo "Setting up .venv ..."
	@test -x .venv/bin/python || $(UV) venv --quiet --python $(PYTHON) .venv
	@$(UV) pip sync --quiet --compile-bytecode --python .venv/bin/python --require-hashes requirements.txt
	@printf '#!/bin/sh\nPYTHONPATH="$(CURDIR)" exec "$(CURDIR)/.venv/bin/python" -m infra.cli.commands "$$@"\n' > .venv/bin/revocation
	@chmod +x .venv/bin/revocation
	@touch $@

.tools/%/.ready: requirements-%.txt | $(UV)
	@$(RIGHT_PYTHON)
	@echo "Setting up .tools/$* ..."
	@test -x .tools/$*/bin/python || $(UV) venv --quiet --python $(PYTHON) .tools/$*
	@$(UV) pip sync --quiet --python .tools/$*/bin/python --require-hashes $<
	@touch $@
