# One command for everything. Second runs are quick: what needs no doing is not done.

PYTHON  := .venv/bin/python
STAMPS  := build/.stamps
BUILD   := build/editable
JOBS    ?= $(shell nproc)
FUZZ_SECONDS ?= 20
FUZZ    := build/fuzz

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.ONESHELL:
.NOTPARALLEL:
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help
.PHONY: help demo examples test build build-tests tidy test-cpp test-python slurm-test docker-test bench sanitize fuzz wheel docs hooks format clean FORCE

help:  ## This list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

demo: build $(STAMPS)/demo.txt  ## Build, and run the hyperparameter search example
	@$(PYTHON) examples/hyperopt/simple.py --trials 8 --serial

examples: build $(STAMPS)/all.txt  ## Run all examples for long (25 minutes): pictures, examples/RESULTS.md
	@$(PYTHON) examples/run_all.py $(EXAMPLES)

# Of `make test` from a fresh clone on 2 cores. Who goes beyond it looks at the slowest tests.
TEST_MINUTES := 15
started := $(shell date +%s)

test: build tidy test-cpp test-python  ## Build, check the style, and run all tests
	@seconds=$$(($$(date +%s) - $(started)))
	echo "make test: $$((seconds / 60)) min $$((seconds % 60)) s; its budget is $(TEST_MINUTES) min"

# ---- setup ---------------------------------------------------------------------------------------

# A line a phase of what takes time; V=1 shows all that the commands print.
export V
PHASE := ci/phase.sh

$(STAMPS)/system: ci/install_system_packages.sh ci/find_python.sh
	@mkdir -p $(STAMPS)
	$(PHASE) 'System packages' ci/install_system_packages.sh
	touch $@

$(PYTHON): | $(STAMPS)/system
	@$(PHASE) 'Virtual environment' "$$(ci/find_python.sh)" ci/make_venv.py .venv

# Python packages of the build (none), of the demo, and of the tests and linters (all). Of those of a
# first build only the modules that are imported become bytecode, which takes a fifth of the time that
# all of them take; the demo's do so here, beside the compiler, and all before tests use them.
PIP := $(PYTHON) -m pip --disable-pip-version-check
WITH_BYTECODE := env -u PYTHONDONTWRITEBYTECODE $(PYTHON)
REQUIREMENTS := pyproject.toml ci/requirements.py
$(STAMPS)/none.txt $(STAMPS)/demo.txt $(STAMPS)/all.txt: $(STAMPS)/%.txt: $(REQUIREMENTS) $(PYTHON)
	@mkdir -p $(STAMPS)
	$(PYTHON) ci/requirements.py $(filter-out all,$*) > $@.new
	$(PHASE) 'Python packages ($*)' $(PIP) install --no-compile -r $@.new
	case $* in
	  demo) $(WITH_BYTECODE) -c 'import cloudpickle, psutil, sklearn.datasets' ;;
	  all) $(WITH_BYTECODE) -m compileall -q -j $(JOBS) "$(SITE)" > /dev/null || true ;;  # some are of Python 2
	esac
	mv $@.new $@

# ---- build ---------------------------------------------------------------------------------------

# The programs of the package. The editable install remembers the names of compiled files, so that a
# new one asks for a new install.
$(STAMPS)/compiled_files: FORCE
	@mkdir -p $(STAMPS)
	ls cpp/*_main.cc > $@.new
	cmp --quiet $@.new $@ && rm $@.new || mv $@.new $@

# The packages of the demo are fetched while it compiles.
$(STAMPS)/editable: $(STAMPS)/system $(STAMPS)/none.txt $(STAMPS)/compiled_files \
		CMakeLists.txt pyproject.toml $(wildcard cmake/*.cmake)
	@$(MAKE) -s --no-print-directory $(STAMPS)/demo.txt &
	fetching=$$!
	trap 'wait $$fetching || true' EXIT  # nothing goes on in the background when this has failed
	$(PHASE) 'Compile the daemons and the module, install the package' \
	  $(PIP) install --no-deps --no-build-isolation -v -e . \
	  --config-settings cmake.build-type=RelWithDebInfo \
	  --config-settings cmake.define.RAYX_WERROR=ON
	wait $$fetching
	touch $@

# Where the editable install put the compiled files.
SITE = $(shell $(PYTHON) -c 'import sysconfig; print(sysconfig.get_path("platlib"))')

build: $(STAMPS)/editable  ## Compile what is installed: the daemons and the module
	@$(PHASE) 'Compile what has changed' cmake --build $(BUILD) --parallel $(JOBS) --target product
	cmake --install $(BUILD) --prefix "$(SITE)" > /dev/null

$(STAMPS)/tests: $(STAMPS)/editable $(STAMPS)/all.txt
	@$(PHASE) 'System packages of the tests' ci/install_system_packages.sh test
	$(PHASE) 'Configure the tests' cmake -B $(BUILD) -DRAYX_BUILD_TESTS=ON -DRAYX_BUILD_BENCHMARKS=ON .
	touch $@

build-tests: build $(STAMPS)/tests  ## Compile the C++ tests, too
	@$(PHASE) 'Compile the C++ tests' cmake --build $(BUILD) --parallel $(JOBS)

# ---- checks --------------------------------------------------------------------------------------

tidy: build $(STAMPS)/all.txt  ## Check the style: include law, sizes, mirrored tests, formatting, types
	@$(PYTHON) ci/tidy.py

test-cpp: build-tests  ## C++ tests; the microbenchmarks are compiled
	@$(PHASE) 'Compile the microbenchmarks' cmake --build $(BUILD) --parallel $(JOBS) --target benchmarks
	ctest --test-dir $(BUILD) --output-on-failure --parallel $(JOBS)

test-python: build-tests  ## Python and end-to-end tests
	@$(PYTHON) -m pytest --durations=20 --durations-min=4

slurm-test: build $(STAMPS)/tests  ## Run `rayx run` under a real Slurm, which is installed if it is missing
	@$(PHASE) 'System packages of Slurm' ci/install_system_packages.sh slurm
	$(PYTHON) -m pytest tests/e2e/test_slurm.py

docker-test: wheel $(STAMPS)/tests  ## Build the Docker images and use them, with a Docker that is installed if it is missing
	@$(PHASE) 'System packages of Docker' ci/install_system_packages.sh docker
	RAYX_TEST_DOCKER=1 $(PYTHON) -m pytest tests/e2e/test_docker.py

bench: build-tests  ## C++ microbenchmarks, then comparisons with other ways to do the same
	@$(PHASE) 'Compile the microbenchmarks' cmake --build $(BUILD) --parallel $(JOBS) --target benchmarks
	for benchmark in $(BUILD)/benchmarks/*; do
	  [[ -x "$$benchmark" ]] || continue
	  "$$benchmark" --benchmark_min_time=0.2
	done
	$(PYTHON) benchmarks/compare.py

# TSan wants the old, narrower address randomisation where the system has a newer, wider one.
SETARCH = $(shell setarch -R true 2>/dev/null && echo setarch -R)
SANITIZED = -S . -G Ninja -DRAYX_BUILD_TESTS=ON -DRAYX_WERROR=ON -DRAYX_BUILD_PYTHON=OFF

sanitize: build $(STAMPS)/tests  ## C++ tests and an end-to-end test under ASan and UBSan, C++ tests under TSan
	@cmake -B build/asan $(SANITIZED) -DRAYX_SANITIZE=address > /dev/null
	cmake --build build/asan --parallel $(JOBS)
	export ASAN_OPTIONS=detect_leaks=1:strict_string_checks=1:detect_stack_use_after_return=1
	export UBSAN_OPTIONS=print_stacktrace=1
	ctest --test-dir build/asan --output-on-failure --parallel $(JOBS)
	RAYX_BIN_DIR=$(CURDIR)/build/asan/bin $(PYTHON) -m pytest tests/e2e/test_smoke.py
	cmake -B build/tsan $(SANITIZED) -DRAYX_SANITIZE=thread > /dev/null
	cmake --build build/tsan --parallel $(JOBS)
	TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1 \
	  $(SETARCH) ctest --test-dir build/tsan --output-on-failure --parallel $(JOBS)

fuzz: $(STAMPS)/system  ## Run each fuzzer for FUZZ_SECONDS (20), starting from its corpus
	@ci/install_system_packages.sh clang
	version=$$(for v in 14 15 16 17 18 19 20; do \
	  command -v clang++-$$v > /dev/null && echo -$$v && break; done || true)
	cmake -S . -B $(FUZZ) -G Ninja -DRAYX_BUILD_FUZZERS=ON -DRAYX_BUILD_PYTHON=OFF \
	  -DCMAKE_C_COMPILER=clang$$version -DCMAKE_CXX_COMPILER=clang++$$version > /dev/null
	cmake --build $(FUZZ) --parallel $(JOBS) --target fuzzers
	for fuzzer in $(FUZZ)/fuzzers/*; do
	  name=$$(basename "$$fuzzer")
	  seeds=tests/fuzz/corpus/$$name
	  [[ -d "$$seeds" ]] || seeds=
	  mkdir -p $(FUZZ)/corpus/$$name $(FUZZ)/crashes
	  echo "== $$name: $(FUZZ_SECONDS) seconds"
	  "$$fuzzer" -max_total_time=$(FUZZ_SECONDS) -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
	    -verbosity=0 -artifact_prefix=$(FUZZ)/crashes/$$name- $(FUZZ)/corpus/$$name $$seeds || {
	    echo "$$name: found something. Mend it, and keep its input from $(FUZZ)/crashes in tests/fuzz/corpus/$$name."
	    exit 1
	  }
	done

wheel: build $(STAMPS)/all.txt  ## A wheel in build/dist that needs no compiler where it is installed
	@rm -rf build/dist && mkdir -p build/dist/raw
	$(PHASE) 'Pack the wheel' $(PIP) wheel --no-deps \
	  --no-build-isolation -v --wheel-dir build/dist/raw . --config-settings build-dir=$(BUILD) \
	  --config-settings install.strip=true \
	  --config-settings cmake.build-type=RelWithDebInfo \
	  --config-settings cmake.define.RAYX_WERROR=ON
	$(PHASE) 'Name the platform' env PATH="$(CURDIR)/.venv/bin:$$PATH" \
	  $(PYTHON) -m auditwheel repair --wheel-dir build/dist build/dist/raw/*.whl
	rm -rf build/dist/raw
	ls -sh build/dist/*.whl

docs: build $(STAMPS)/all.txt  ## The documentation, into build/docs; a warning is an error
	@rm -rf build/docs
	.venv/bin/sphinx-build --fail-on-warning --keep-going -q -b html -d build/cache/docs docs build/docs
	echo "See build/docs/index.html"

hooks:  ## Let git refuse a commit that the quick style checks refuse
	@git config core.hooksPath ci/hooks

format: $(STAMPS)/all.txt  ## Format C++ and Python, and mend what ruff can mend
	@find cpp tests benchmarks \( -name '*.h' -o -name '*.cc' \) -print0 | xargs -0 -r .venv/bin/clang-format -i
	.venv/bin/ruff check --fix --exit-zero .
	.venv/bin/ruff format .

clean:  ## Remove all that was built, the virtual environment too
	rm -rf build .venv
