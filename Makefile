# Two commands do it all: `make lab` opens the lessons, `make test` checks everything. `make` alone lists the rest.

PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
LOCKED := $(VENV)/.locked
READY := $(VENV)/.ready
NPM := node_modules/.ready
WHEELS := build/wheels/.ready
SITE := build/site/.built
BIOME := node_modules/.bin/biome
AIORTC := build/aiortc/.ready
KERNELS := $(patsubst requirements/%.lock,$(VENV)/kernels/%/.ready,$(wildcard requirements/ipykernel-*.lock))

# The hashes in the lock decide what is installed, whatever index or mirror pip is set up to use here. These
# settings decide where to, and would put it somewhere else than in .venv.
unexport PIP_USER PIP_TARGET PIP_PREFIX PIP_ROOT PIP_CONSTRAINT PIP_REQUIREMENT PIP_REQUIRE_VIRTUALENV
unexport PYTHONPATH PYTHONHOME VIRTUAL_ENV
export PIP_DISABLE_PIP_VERSION_CHECK := 1
PIP_INSTALL := $(PY) -m pip install --no-input --no-deps

# A .venv that was moved or copied from elsewhere points to the old place: make it anew.
ifneq ($(shell cat $(LOCKED) 2>/dev/null),$(CURDIR))
.PHONY: $(LOCKED)
endif

.PHONY: help lab site test bench lint format notebooks lock clean chromium firefox kernels npm aiortc
.DEFAULT_GOAL := help

help:  ## list these targets
	@sed -nE 's/^([a-z]+):.*## (.*)/  make \1~\2/p' $(MAKEFILE_LIST) | while IFS='~' read -r target what; do \
	    printf '%-18s%s\n' "$$target" "$$what"; done

# ---- use ----

lab: $(READY)  ## install and open the lessons in JupyterLab (more arguments: make lab ARGS="--port 9000")
	@VENV=$(VENV) tools/lab.sh $(ARGS)

site: $(SITE)  ## build the lessons as a static site, for browsers with nothing installed (see it: p2pchat serve)

# ---- check ----

# Of the targets below, those that the chosen tests need: tests/conftest.py writes them there.
NEEDS := build/.needs

chromium firefox:
	@tools/system_packages.sh $@

kernels: $(KERNELS)

npm: $(NPM)

aiortc: $(AIORTC)

# Modules without I/O, whose branches are all to be tested: PURE of tests/test_layers.py.
PURE := errors messages core trace matchmaking signaling ladder peer.conversation peer.events peer.timeouts servers.limits \
    servers.origins servers.token_bucket sockets.close_reason sockets.loopback sockets.tabs.protocol sockets.text_socket \
    webrtc.browser_types
# Most tests wait for a browser or a server, so two run at once. Each file stays whole, the first ones (browser/)
# take longest.
AT_ONCE := --numprocesses=2 --dist=loadfile --no-loadscope-reorder

test: $(if $(ARGS),$(READY),lint)  ## lint, types, and all tests (ARGS="-k widget" for some, and nothing else)
	@mkdir -p build
	@$(PY) -m pytest $(ARGS) -qq --numprocesses=0 --no-cov --needs=$(NEEDS)
	@needs=$$(cat $(NEEDS)); [ -z "$$needs" ] || $(MAKE) --no-print-directory $$needs
	$(PY) -m pytest $(if $(ARGS),$(ARGS),$(AT_ONCE) $(PURE:%=--cov=p2pchat.%) --cov-fail-under=100)

lint: $(READY) $(NPM)  ## ruff and mypy --strict; biome, for JavaScript and CSS
	$(PY) -m ruff check
	$(PY) -m ruff format --check
	$(PY) -m mypy --strict -p p2pchat -p benchmarks -p tools -p tests.support
	$(PY) -m mypy --strict -p p2pchat --platform emscripten
	$(PY) -m mypy --strict jupyterlite
	$(BIOME) check --error-on-warnings

format: $(READY) $(NPM)  ## lay the code out, and mend what ruff and biome can mend
	$(PY) -m ruff check --fix
	$(PY) -m ruff format
	$(BIOME) check --write

bench: $(SITE) chromium  ## measure, each number beside its reference
	$(PY) -m benchmarks.run $(ARGS)

# ---- maintain ----

notebooks: $(READY)  ## run the lessons and store their outputs (ARGS=notebooks/02_matchmaking.ipynb for one)
	$(PY) tools/notebooks.py $(ARGS)

UV_COMPILE := $(VENV)/lock/bin/uv pip compile --quiet --no-config --generate-hashes --no-emit-index-url --no-annotate \
    --custom-compile-command 'make lock'
COMPILE := $(UV_COMPILE) --universal --python-version 3.11
# The kernel of the site: one Python on one platform. What it has no use for is not fetched.
COMPILE_SITE := $(UV_COMPILE) --python-version 3.14 --python-platform wasm32-pyodide2024 --constraint requirements.lock \
    $(addprefix --no-emit-package ,jedi jupyterlab-widgets parso prompt-toolkit wcwidth widgetsnbextension)

lock: $(READY)  ## pin the dependencies anew (ARGS=--upgrade: the newest of each)
	$(PY) -m venv $(VENV)/lock
	$(VENV)/lock/bin/python -m pip install --quiet uv==0.13.9
	$(COMPILE) --all-extras --group pyproject.toml:build $(ARGS) pyproject.toml -o requirements.lock
	$(COMPILE_SITE) --group pyproject.toml:pyodide $(ARGS) -o requirements/pyodide.lock
	for v in 6.31 7.3; do \
	    echo "ipykernel==$$v.0" | $(COMPILE) --no-deps - -o requirements/ipykernel-$$v.lock || exit 1; done
	sed -n 's/^\(aiortc==[0-9.]*\).*/\1/p' requirements.lock | \
	    $(COMPILE) --no-deps --no-binary aiortc - -o requirements/aiortc-sdist.lock
	printf 'numpy\nsetuptools\n' | $(COMPILE) --no-deps $(ARGS) - -o requirements/aiortc-tests.lock
	@tools/system_packages.sh npm
	npm $(if $(ARGS),update,install) --package-lock-only

clean:  ## remove .venv and whatever was generated
	rm -rf $(VENV) node_modules build dist .bench .coverage .hypothesis .mypy_cache .pytest_cache .ruff_cache test-results
	find . -name __pycache__ -o -name .ipynb_checkpoints | xargs rm -rf

# ---- install; the stamps make the second time quick ----

$(LOCKED): requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "p2pchat needs Python 3.11 or newer, and\
	 $(PYTHON) is `$(PYTHON) --version 2>&1`. Name a newer one: make $(MAKECMDGOALS) PYTHON=python3.13" >&2; exit 1; }
	@echo "Installing JupyterLab, aiortc and what they need into $(VENV): about a minute, this once."
	@$(PYTHON) -m venv --clear $(VENV)
	@PIP="$(PIP_INSTALL)" tools/pip_progress.sh --require-hashes -r requirements.lock
	@$(PY) -m jupyter labextension disable --level=sys_prefix @jupyterlab/apputils-extension:announcements 2>/dev/null
	@pwd -P > $@

$(READY): $(LOCKED) pyproject.toml
	@$(PIP_INSTALL) --quiet --no-build-isolation --editable .
	@echo "Installed."
	@touch $@

# From npm: the runtime of the site, and the linter of JavaScript. The digests in the lock decide what is installed,
# whatever registry npm is set up to use here.
$(NPM): package.json package-lock.json .npmrc
	@tools/system_packages.sh npm
	@echo "Fetching Pyodide and biome from npm."
	@npm ci --silent || { echo "npm could not install what package-lock.json lists. What was wrong: npm ci" >&2; exit 1; }
	@touch $@

$(WHEELS): requirements/pyodide.lock $(LOCKED)
	@echo "Fetching the packages of the site."
	@rm -rf $(@D)
	@PIP="$(PY) -m pip download --no-input --no-deps" tools/pip_progress.sh --quiet --require-hashes --only-binary :all: \
	    --implementation py --abi none --platform any --python-version 3.14 --dest $(@D) -r $<
	@touch $@

# Folders too: theirs is the change when a file in them is gone.
SITE_SOURCES := $(shell find p2pchat/ notebooks/ docs/ jupyterlite/ \( -name __pycache__ -o -name '.*' \) -prune -o -print)

$(SITE): $(READY) $(NPM) $(WHEELS) $(SITE_SOURCES)
	@echo "Building the site: about half a minute."
	@$(PY) -m jupyterlite.build
	@touch $@
	@echo "It is in build/site. $(VENV)/bin/p2pchat serve shows it."

# Older ipykernels, each alone in a folder: a kernel that has the folder on its PYTHONPATH runs with that version.
$(VENV)/kernels/%/.ready: requirements/%.lock $(LOCKED)
	@echo "Installing $* beside, for the tests that run the chat on it."
	@rm -rf $(@D)
	@PIP="$(PIP_INSTALL)" tools/pip_progress.sh --quiet --require-hashes --target $(@D) -r $<
	@touch $@

# aiortc's own tests, which only its source distribution holds, and what they and its setup.py need beside aiortc.
$(AIORTC): requirements/aiortc-sdist.lock requirements/aiortc-tests.lock $(LOCKED)
	@echo "Fetching aiortc's own tests."
	@rm -rf $(@D)
	@PIP="$(PIP_INSTALL)" tools/pip_progress.sh --quiet --require-hashes --only-binary :all: --target $(@D)/packages \
	    -r requirements/aiortc-tests.lock
	@PYTHONPATH=$(CURDIR)/$(@D)/packages PIP="$(PY) -m pip download --no-input --no-deps" tools/pip_progress.sh --quiet \
	    --require-hashes --no-binary :all: --no-build-isolation --dest $(@D) -r $<
	@tar -xzf $(@D)/aiortc-*.tar.gz -C $(@D) --strip-components=1
	@touch $@
