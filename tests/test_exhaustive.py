"""A thousandth of `make exhaustive`: every function of one argument, evenly over all bit patterns."""

import numpy as np
import pytest
from exhaustive import progress
from exhaustive.bounds import BOUNDS
from exhaustive.double_checks import CHECKS, check
from exhaustive.errors import float32_errors, float64_errors
from exhaustive.references import REFERENCES
from exhaustive.sweep import NUMBERS, Worst, sweep

STRIDE = 997  # a prime: all patterns of the lowest bits


def test_every_function_has_bounds():
    assert set(REFERENCES) == set(BOUNDS)
    assert set(CHECKS) == {name for name, bound in BOUNDS.items() if bound.float64}


@pytest.mark.parametrize("name", REFERENCES)
def test_float32(name):
    worst = sweep(name, 0, NUMBERS, STRIDE)
    assert worst.ulp <= BOUNDS[name].float32, worst


@pytest.mark.parametrize("name", CHECKS)
def test_float64(name):
    worst, notes = check(name, count=10_000, confirmed=20)
    assert worst.ulp <= BOUNDS[name].float64, worst
    assert max(notes["mpmath"], notes["tiny"]) <= BOUNDS[name].float64
    assert notes["mpmath"] == pytest.approx(worst.ulp, rel=1e-6)  # both references agree


def measured32(found, exact):
    errors = np.empty(len(found))
    float32_errors(np.array(found, np.float32), np.array(exact), errors)
    return errors.tolist()


def test_errors_are_counted_in_units_of_the_exact_result():
    inf, nan, largest = np.inf, np.nan, float(np.finfo(np.float32).max)
    assert measured32([1 + 2.0**-23, 1, 0.5, 2.0**-149], [1, 1, 0.5 - 2.0**-25, 0]) == [1, 0, 1, 1]
    assert measured32([nan, inf, inf, largest], [nan, inf, largest, 1e300]) == [0, 0, 1, 1]
    assert measured32([nan, 1.0, inf], [1.0, nan, 1.0])[:2] == [inf, inf]
    assert measured32([inf], [1.0])[0] > 1e30
    errors = np.empty(3)
    float64_errors(np.array([1.0, 1.0, nan]), np.array([1.0, 1.0, 1.0]), np.array([0, 2.0**-54, 0]), errors)
    assert errors.tolist() == [0, 0.25, inf]


def test_a_proof_is_written_whole_and_is_of_one_code(tmp_path, monkeypatch):
    proof = progress.load(tmp_path, "exp", "float32")
    proof.add(3, Worst(0.7, 1.5), {})
    proof.add(1, Worst(0.6, 2.5), {"samples": 1})
    progress.save(tmp_path, "exp", "float32", proof)
    assert progress.load(tmp_path, "exp", "float32") == proof
    assert (proof.done, proof.worst) == ([1, 3], Worst(0.7, 1.5))
    (tmp_path / "float32-log.json").write_text("{")
    assert progress.load(tmp_path, "log", "float32").done == []
    monkeypatch.setattr(progress, "source_digest", lambda name: "other code")
    assert progress.load(tmp_path, "exp", "float32").done == []
