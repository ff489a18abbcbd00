"""The table next to the built-in losses: its units, its formulas, a row of it, and what the document says."""

from pathlib import Path

import mpmath
import numpy as np
import pytest
from requiring import require

for library in ("xgboost", "lightgbm", "catboost", "sklearn"):
    require(library, "the table of boosters")

from benchmarks import boosters  # noqa: E402
from benchmarks.booster_pairs import FORMULAS, PAIRS, ulps  # noqa: E402

DOCUMENT = (Path(__file__).parents[2] / "docs" / "boosting.md").read_text("utf-8")


@pytest.mark.parametrize("kind", FORMULAS)
def test_hessians_of_the_formulas_are_the_slopes_of_their_gradients(kind):
    parameter, step = mpmath.mpf("1.3"), mpmath.mpf(10) ** -20
    with mpmath.workdps(50):
        for y, p in ((1.5, 0.25), (0.5, -0.75), (3.0, 0.125)):
            gradient, hessian = FORMULAS[kind](mpmath.mpf(y), mpmath.mpf(p), parameter)
            slope = (FORMULAS[kind](mpmath.mpf(y), p + step, parameter)[0] - gradient) / step
            flat = kind in ("MeanAbsoluteError", "Quantile")
            assert slope == (0 if flat else pytest.approx(hessian, rel=1e-15))


def test_units():
    right = np.array([mpmath.mpf(1), mpmath.mpf(-3)], object)
    found = np.array([1 + 2**-22, -3], np.float32)
    assert ulps(found, right, right) == pytest.approx(2)
    assert ulps(found, right, right + mpmath.mpf(2) ** -20) == pytest.approx(0.25)
    assert ulps(found, right + mpmath.mpf(2) ** -23, right) == pytest.approx(1)


@pytest.mark.parametrize(("booster", "place"), [("LightGBM", 6), ("XGBoost", 7)])
def test_rows_of_the_document_are_what_comes_out(booster, place):
    cells = boosters.row_of(PAIRS[booster][place], booster)
    (line,) = [each for each in DOCUMENT.splitlines() if each.startswith(f"| {' | '.join(cells[:3])} |")]
    said = [cell.strip() for cell in line.strip("|").split("|")]
    assert said[6] == cells[6]
    assert cells[7] == said[7] == "100.0%" and cells[8] == said[8] == "1.0000"
    assert cells[4] == said[4] and float(cells[5]) == pytest.approx(float(said[5]), rel=0.01)


def test_the_document_has_every_pair():
    for booster, pairs in PAIRS.items():
        for pair in pairs:
            assert f"| {booster} | {pair.name} | {pair.loss[0]}(" in DOCUMENT
