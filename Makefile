# Needs Python 3.11 or newer and make; everything else is installed into .venv.
#
#   make demo     a loss of one's own, compiled, shown and trained on real data
#   make test     lint, freshness of generated/, the wheel and its types, all tests
#   make bench    lossgen next to torch, JAX, Keras and scikit-learn, in minutes; make bench-all: every case
#   make bench-boosting  objectives of boosters and whole trainings next to NumPy's and the built-in ones
#   make bench-doors  lossgen in torch and JAX next to their own, in two minutes
#   make bench-cuda  lossgen on a GPU next to torch and Liger; make cuda-table: the table in docs/cuda.md, no GPU needed
#   make booster-table  losses of boosters next to the built-in ones, as in docs/boosting.md
#   make exhaustive  accuracy of vector math over all float32 numbers (hours, goes on where it was)
#   make faults   what may go wrong around the cache and builds, done on purpose and counted, in minutes
#   make coverage   which lines and branches of language, compiler and runtime the tests run, in more than an hour
#   make fuzz N=10000  random declarations, compiled, against their formulas in high precision; goes on where it
#                 was interrupted
#   make mutation  which test notices when a rule of the compiler is left out or altered
#   make verification  the report of `lossgen verify --quick` on the catalogue: docs/verification.md, in minutes
#   make regression-update  record the results of every loss anew; make golden-update: the generated text of a dozen
#   make docs     these pages as HTML, with a page a loss and the gallery: docs/_build/html/index.html
#   make build    rebuild generated/ from lossgen/catalog/
#   make lint     ruff only
#   make clean    remove .venv and everything that was built

PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)
BIN := .venv/bin
JOBS ?= 2
N ?= 1000
PYTEST = $(BIN)/python -m pytest -q -n $(JOBS) --dist loadgroup --durations=15

.PHONY: demo test bench bench-all bench-boosting bench-doors bench-cuda cuda-table booster-table exhaustive coverage faults fuzz mutation verification regression-update golden-update docs build lint clean

demo: .venv/demo.stamp
	$(BIN)/python examples/demo.py

test: lint
	$(BIN)/lossgen build --check
ifdef PYTEST_ARGS
	$(PYTEST) $(PYTEST_ARGS)
else   # in two runs: a process keeps the machine code of everything that it tested, some gigabytes
	$(PYTEST) --ignore-glob='tests/test_*'
	$(PYTEST) --ignore-glob='tests/*/*'
endif

bench: .venv/bench.stamp
	$(BIN)/python -m benchmarks $(BENCH_ARGS)
	$(BIN)/python -m benchmarks.boosting

bench-boosting: .venv/bench.stamp
	$(BIN)/python -m benchmarks.boosting $(BENCH_ARGS)

bench-all: .venv/bench.stamp
	$(BIN)/python -m benchmarks --all --resume $(BENCH_ARGS)

bench-doors: .venv/bench.stamp
	$(BIN)/python -m benchmarks --no-costs --seconds 5 --peers "lossgen torch,torch,torch.compile,lossgen jax,jax" \
		--only 'mean_squared_error 32×10' --only 'binary_crossentropy from_logits 32×10' \
		--only 'mean_squared_error 1M' --only 'mean_squared_error 16M' --only 'huber 1M' --only 'huber 16M' \
		--only 'binary_crossentropy from_logits 1M' --only 'binary_crossentropy from_logits 16M' \
		--only '*categorical_crossentropy from_logits 100000×10' \
		--output benchmarks/results/doors.json $(BENCH_ARGS)

bench-cuda: .venv/bench.stamp
	$(BIN)/python -m benchmarks.cuda $(BENCH_ARGS)

cuda-table: .venv/test.stamp
	$(BIN)/python -m benchmarks.cuda_table

booster-table: .venv/test.stamp
	$(BIN)/python -m benchmarks.boosters

exhaustive: .venv/test.stamp
	PYTHONPATH=tests $(BIN)/python -m exhaustive $(EXHAUSTIVE_ARGS)

# Doors of frameworks are left out: what they run of these packages other tests run, too.
coverage: .venv/test.stamp
	$(BIN)/python -m coverage erase
	$(BIN)/python -m coverage run -m pytest -q -n $(JOBS) --dist loadgroup $(COVERAGE_ARGS) tests \
		--ignore=tests/keras_door --ignore=tests/tf_keras_door --ignore=tests/tensorflow_door --ignore=tests/jax_door
	$(BIN)/python -m coverage combine -q
	$(BIN)/python tests/coverage_figures.py

faults: .venv/test.stamp
	PYTHONPATH=tests $(BIN)/python -m faults $(FAULTS_ARGS)

fuzz: .venv/test.stamp
	PYTHONPATH=tests $(BIN)/python -m fuzz $(N) $(FUZZ_ARGS)

mutation: .venv/test.stamp
	PYTHONPATH=tests $(BIN)/python -m mutation $(MUTATION_ARGS)

regression-update: .venv/test.stamp
	PYTHONPATH=tests $(BIN)/python -m regression --update

golden-update: .venv/test.stamp
	PYTHONPATH=tests $(BIN)/python -m golden

verification: .venv/test.stamp
	$(BIN)/lossgen verify --quick --markdown docs/verification.md $(VERIFY_ARGS)

docs: .venv/docs.stamp
	$(BIN)/python -m sphinx -b html -n -W --keep-going -q docs docs/_build/html
	@echo "docs/_build/html/index.html"

build: .venv/demo.stamp
	$(BIN)/lossgen build

lint: .venv/test.stamp
	$(BIN)/ruff check

clean:
	rm -rf .venv build dist demo_output docs/_build docs/losses docs/gallery docs/changelog.md docs/reference/commands.md *.egg-info .pytest_cache .ruff_cache .mypy_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/python.stamp:
	@test -n "$(PYTHON)" || { echo "lossgen needs Python 3.11 or newer; set PYTHON=/path/to/python3" >&2; exit 1; }
	$(PYTHON) -m venv .venv
	touch $@

# The demo gets by without torch and Keras; the tests need both.
.venv/demo.stamp: .venv/python.stamp pyproject.toml setup.py constraints.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[demo]"
	touch $@

.venv/test.stamp: .venv/demo.stamp
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[test]"
	touch $@

.venv/docs.stamp: .venv/demo.stamp
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[docs]"
	touch $@

.venv/bench.stamp: .venv/demo.stamp
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[bench]"
	touch $@
