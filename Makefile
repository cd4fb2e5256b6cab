# Two commands do everything: `make run` and `make test`. The rest is for developers.
# The distribution's own Python where it is new enough: it is built to be fast. A version manager
# may stand before it in the PATH with one that was built in a hurry and takes half as long again.
PYTHON ?= $(shell /usr/bin/python3 -c 'import sys; print(sys.executable if sys.version_info >= (3, 11) else "python3")' 2>/dev/null || echo python3)
export PYTHON
VENV := .venv
STAMP := $(VENV)/.installed
TEST_STAMP := $(VENV)/.installed-tests
export PYTHONDONTWRITEBYTECODE ?= 1

.PHONY: run test lint bench install install-tests clean

run: $(STAMP)
	@$(VENV)/bin/prepay run

test: $(TEST_STAMP)
	@$(VENV)/bin/python -m pytest -n 2 --dist worksteal
	@echo "The head-end's suite again, on PostgreSQL (without tests for which the database is all one):"
	@$(VENV)/bin/python -m tools.testing.postgresql $(VENV)/bin/python -m pytest -n 2 --dist worksteal \
		-m "not any_database" headend

lint: $(TEST_STAMP)
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy .
	$(VENV)/bin/lint-imports

bench: $(TEST_STAMP)
	@$(VENV)/bin/python -m bench $(ONLY)

install: $(STAMP)
install-tests: $(TEST_STAMP)

$(STAMP): pyproject.toml requirements.lock tools/install/system_packages.sh
	@sh tools/install/system_packages.sh run
	@test -x $(VENV)/bin/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing OpenPrepay into $(VENV) (a minute or so):"
	@sh tools/install/python_packages.sh --editable . --constraint requirements.lock
	@touch $@

$(TEST_STAMP): $(STAMP)
	@sh tools/install/system_packages.sh test
	@echo "Installing the test tools:"
	@sh tools/install/python_packages.sh --editable '.[dev]' --constraint requirements.lock
	@$(VENV)/bin/python -m tools.interpreters
	@touch $@

clean:
	rm -rf $(VENV) build var
