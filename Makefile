# run      the main job on the example company        test   everything that must hold, in parallel
# check    style, types, dependency rule              bench  every speed that is claimed, beside its peer
# faults   whatever can break, broken at every moment; deep searches (writes docs/faults.md)
# coverage of the core by branch: 98 % at least          mutants  which mistakes in the checks no test of the core notices
# docs     the documentation as a site, into build/site/
# guard    ratios of the bench at reduced size, judged      screenshots  pictures of the console for docs/
# audit    known weaknesses of what the locks name; asks the network
# release  wheel, source, list of contents, checksums (and their signature) into dist/
# install  .venv from the lock                        lock   work the locks out anew
# messages  catalogues of the console's languages
# migration  the first one, from the tables (until the first release)
.PHONY: run install test faults check coverage mutants audit release bench lock migration messages clean docs guard screenshots

VENV ?= .venv
PYTHON ?= python3
BIN := $(VENV)/bin

run: $(VENV)/.installed
	@$(BIN)/syncd run --config config.example.yaml

install: $(VENV)/.installed

# Thousands of small stores are made and thrown away: in memory, where there is room for them.
# Many tests wait for a server or a process: one worker more than there are processors.
WORKERS := $(shell expr $$(getconf _NPROCESSORS_ONLN) + 1)

TEMP := $(shell df -k --output=avail /dev/shm 2>/dev/null | awk 'NR == 2 && $$1 > 4000000 {print "/dev/shm"}')

test: $(VENV)/.tests-installed
	PYTEST_DEBUG_TEMPROOT=$(or $(TEMP),/tmp) $(BIN)/python -m pytest -n $(WORKERS) --dist worksteal $(ARGS)

# The laboratory writes docs/faults.md itself, unless a cell broke the promise or could not be played; the rest goes on in any case.
faults: $(VENV)/.tests-installed
	PYTEST_DEBUG_TEMPROOT=$(or $(TEMP),/tmp) $(BIN)/python -m pytest tests/lab -m "" -p tests.lab.page -n 2 $(ARGS); \
	lab=$$?; SYNCD_DEEP=1 PYTEST_DEBUG_TEMPROOT=$(or $(TEMP),/tmp) $(BIN)/python -m pytest --ignore=tests/lab \
	  -m "long or search" -n $(WORKERS) --dist worksteal $(ARGS) && exit $$lab

check: $(VENV)/.tests-installed
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/bandit --quiet --recursive --configfile pyproject.toml connectors scim mdm syncd

coverage: $(VENV)/.tests-installed
	$(BIN)/python -m pytest tests/syncd/core -n auto --cov=syncd/core --cov-branch --cov-fail-under=98 --cov-report=term-missing:skip-covered

# In an environment of its own, so that it is in no lock; what it reads stands in pyproject.toml.
MUTMUT = .mutants/venv
mutants: $(VENV)/.tests-installed
	@test -x $(MUTMUT)/bin/mutmut || { $(PYTHON) -m venv $(MUTMUT) && \
	  $(MUTMUT)/bin/python -m pip install --quiet --disable-pip-version-check mutmut==3.8.1; }
	@rm -rf mutants
	PYTHONPATH="$$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')" $(MUTMUT)/bin/mutmut run $(ARGS)
	@$(MUTMUT)/bin/mutmut results

# Asks a database of known weaknesses in the network; in an environment of its own, so that it is in no lock.
AUDIT = .audit/venv
audit:
	@test -x $(AUDIT)/bin/pip-audit || { $(PYTHON) -m venv $(AUDIT) && \
	  $(AUDIT)/bin/python -m pip install --quiet --disable-pip-version-check pip-audit==2.10.1; }
	$(AUDIT)/bin/pip-audit --strict --disable-pip --require-hashes -r requirements.lock
	$(AUDIT)/bin/pip-audit --strict --disable-pip --require-hashes -r requirements-container.lock
	$(AUDIT)/bin/pip-audit --strict --disable-pip --require-hashes -r requirements-dev.lock

# A site that fetches nothing from elsewhere; open build/site/index.html.
docs: $(VENV)/.tests-installed
	$(BIN)/python -m tools.site build/site

# Builds what is committed; SIGNING_KEY=FILE signs it.
release: $(VENV)/.tests-installed
	$(BIN)/python -m tools.release dist

bench: $(VENV)/.tests-installed
	$(BIN)/python -m tests.bench $(ARGS)

# Ratios at reduced size, in about a minute: what `make bench` measures did not become three times as dear.
guard: $(VENV)/.tests-installed
	$(BIN)/python -m tests.bench.guard

$(VENV)/.installed: requirements.lock pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "installing into $(VENV) …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

# Servers and readers that tests use: systemd-analyze, an IMAP server, OpenLDAP, Samba as Active Directory, PostgreSQL, PgBouncer, a SCIM
# service on node; ssh-keygen, readers of property lists (a JDK for dd-plist), promtool; wrk, which the benches ask with. Where one is
# missing its tests are skipped, and fail there when CI=true. Debian's npm is only asked for where there is none: it does not go with another node.
DEBIAN = dovecot-imapd openssl procps systemd openssh-client slapd ldap-utils samba-ad-dc samba-ad-provision postgresql pgbouncer \
         chromium libplist-utils libxml2-utils gnustep-base-common libdd-plist-java default-jdk-headless prometheus wrk \
         $(shell command -v npm >/dev/null || echo nodejs npm)
NPM = scim_server_js mdm/npm web/npm
APT = DEBIAN_FRONTEND=noninteractive apt-get -qq -y

$(VENV)/.tests-installed: requirements-dev.lock $(NPM:%=tests/%/package-lock.json) $(VENV)/.installed
	@echo "installing what the tests need …"
	@if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null \
	   && [ "$$(dpkg-query -W -f '$${db:Status-Abbrev}\n' $(DEBIAN) 2>/dev/null | grep -c '^ii')" != $(words $(DEBIAN)) ]; then \
		$(APT) update >/dev/null && $(APT) install --no-install-recommends $(DEBIAN) >/dev/null || \
		echo "could not install $(DEBIAN): the tests that need them are skipped"; fi
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@for of in $(NPM); do mkdir -p $(VENV)/$$of && cp tests/$$of/package*.json $(VENV)/$$of \
	   && npm ci --prefix $(VENV)/$$of --ignore-scripts --no-audit --no-fund --silent \
	   || echo "could not install $(VENV)/$$of with npm: the tests that need it are skipped"; done
	@touch $@

LOCK = pip-compile --quiet --generate-hashes --allow-unsafe --no-header --no-annotate \
       --no-emit-index-url --no-emit-trusted-host --no-emit-find-links
lock:
	$(LOCK) --extra build -o requirements.lock pyproject.toml
	$(LOCK) --extra build --extra postgresql --extra otel -o requirements-container.lock pyproject.toml
	$(LOCK) --extra build --extra dev --extra bench --extra otel -o requirements-dev.lock pyproject.toml

migration: $(VENV)/.tests-installed
	$(BIN)/python -m tests.migration

screenshots: $(VENV)/.tests-installed
	$(BIN)/python -m tests.web.pictures

messages: $(VENV)/.tests-installed
	$(BIN)/python -m tests.messages

clean:
	rm -rf $(VENV) .audit .mutants mutants build *.egg-info .mypy_cache .ruff_cache .hypothesis
