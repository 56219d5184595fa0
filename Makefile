# Three commands matter: `make demo`, `make install` and `make test`. All need only Python 3.11 or newer, make and a package
# index. SPEED=5 plays the demo five times as fast; GATEWAY_PORT and the like are heeded.
PYTHON ?= python3
UV := .uv/bin/uv
export UV_PYTHON_DOWNLOADS := never
export UV_LINK_MODE := copy
# Tests start programs hundreds of times: none of them has to be compiled each time.
unexport PYTHONDONTWRITEBYTECODE
# Programs of the group `lint`, as locked, in an environment of their own.
LINT := $(UV) run --quiet --locked --isolated --only-group lint

.PHONY: install demo programs screenshots test recipes check audit sbom dist disttest image image-name bench soak bench-quick chaos lock clean

install: .venv/.synced

.venv/.synced: pyproject.toml uv.lock | $(UV)
	$(UV) sync --quiet --locked --all-extras --python $(PYTHON)
	@touch $@

$(UV): bootstrap.py
	@$(PYTHON) bootstrap.py .uv

demo: install
	@.venv/bin/gateway demo $(if $(SPEED),--speed $(SPEED))

# EFFORT=20 tries twenty times as many examples of what may happen, and others in each run.
test: install programs
	.venv/bin/python -m pytest -n auto --dist loadfile --no-loadscope-reorder

# Some tests need a real program: a browser, a Redis, a Prometheus, proxies. Where Debian's packages can be installed, they
# are; elsewhere the tests that lack theirs are skipped, and say so.
programs:
	@$(PYTHON) tests/programs.py

# Builds the applications of client/recipes and tries them in the browser. Needs Node 20.19 or newer, npm and its registry, too.
recipes: install programs
	.venv/bin/python -m pytest client/recipes

# The pictures in docs/images, taken from the demo; a few minutes.
screenshots: install programs
	.venv/bin/python -m tests.browser.screenshots docs/images

check: install
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/lint-imports
	$(UV) lock --quiet --check
	.venv/bin/python audit.py licences
	.venv/bin/python release.py check
	$(LINT) hadolint Dockerfile
	$(LINT) check-jsonschema --quiet --builtin-schema vendor.github-workflows .github/workflows/*.yml
	$(LINT) check-jsonschema --quiet --builtin-schema vendor.gitlab-ci .gitlab-ci.yml
	$(LINT) check-jsonschema --quiet --builtin-schema vendor.dependabot .github/dependabot.yml
	$(LINT) zizmor --quiet --offline --pedantic .github

# Licences are read from what is installed. Known vulnerabilities are asked of the package index; it says if it couldn't.
audit: install
	.venv/bin/python audit.py licences
	.venv/bin/python audit.py vulnerabilities $(UV)

# What runs, as a CycloneDX bill of materials, from the lock file and its hashes.
sbom: dist/sbom.cdx.json

dist/sbom.cdx.json: uv.lock pyproject.toml | $(UV)
	@mkdir -p $(@D)
	$(UV) export --quiet --locked --no-dev --all-extras --preview-features sbom-export --format cyclonedx1.5 --output-file $@ > /dev/null

# The wheel and the source distribution that it is made of, with the bill of materials beside them.
dist: dist/sbom.cdx.json | $(UV)
	rm -f dist/*.whl dist/*.tar.gz
	$(UV) build --quiet --out-dir dist

# All tests that aren't about the sources, against the wheel in dist/, installed alone.
disttest: install programs
	.venv/bin/python -m tests.wheel dist/*.whl

# The image, of this very commit, under the name that k8s/ gives it. IMAGE=… is another name, ENGINE=podman another builder.
ENGINE ?= docker
VERSION = $(shell sed -n 's/^__version__ = "\(.*\)"/\1/p' gateway/__init__.py)
IMAGE ?= registry.example.org/argocd-sse-gateway:$(VERSION)

image:
	$(ENGINE) build --build-arg VERSION=$(VERSION) --build-arg REVISION=$$(git rev-parse HEAD) --tag $(IMAGE) .

image-name:
	@echo $(IMAGE)

# Everything, measured here and now beside other hubs: twenty minutes. docs/performance.md says how to read it.
bench: install
	.venv/bin/python -m benchmarks $(SCENARIOS)

# The ratios of one run, in a minute; it fails where one is over its budget.
bench-quick: install
	.venv/bin/python -m benchmarks quick

# Three gateways on a real Redis, 300 clients, 50 events a second, a fault every ten seconds: five minutes.
chaos: install programs
	.venv/bin/python -m tests.chaos

# An hour of 500 who come and go: whether memory stays flat, and nothing is left over. SECONDS=600 is shorter.
soak: install
	.venv/bin/python -m benchmarks.soak $(SECONDS)

lock: $(UV)
	$(UV) lock

clean:
	rm -rf .venv .uv .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
