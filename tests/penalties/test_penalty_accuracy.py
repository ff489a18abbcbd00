"""Every penalty keeps the accuracy contract: value, gradient, Hessian times a vector.

The reference is the declared formula in 50 digits and more. Every input is one row, whatever
the penalty's axis. What comes before the formula (differences) is tested in `test_penalty_calls.py`.
"""

import numpy as np
import pytest
from accuracy import MAGNITUDES, row_inputs
from cases import Case
from test_accuracy import wanted

from lossgen import penalties
from lossgen.catalog import PENALTIES
from lossgen.inspection.verification.contract import FLOATS, Float, excess
from lossgen.inspection.verification.reference import exact
from lossgen.runtime.penalty import Penalty

SETTINGS = {
    "l1": ({"l1": 0.5}, {"l1": 0.0}),
    "l2": ({"l2": 0.5}, {"l2": 0.0}),
    "l1_l2": ({"l1": 0.5, "l2": 0.25}, {"l1": 0.5}, {"l2": 0.5}),
    "entropy": ({"weight": 0.5}, {"weight": -1.0}),
    "kl_sparsity": ({"rho": 0.25, "weight": 0.5}, {"rho": 0.75, "weight": 2.0}),
    "total_variation": ({"weight": 0.5},),
}
"""Sums of powers of two, so that float32 kernels receive them exactly."""


def excused(case: Case, output: str, kind: Float, allowed):
    """The allowed error where the contract is known not to hold; docs/accuracy.md says the same in words."""
    if case.name == "kl_sparsity" and output == "value":
        return 10 * allowed  # the two logarithms cancel where the mean is close to rho
    if case.name == "entropy" and case.options["from_logits"] and output != "value":
        return allowed + 8 * kind.ulp(4 * case.arguments["weight"])  # a difference, of the size of the weight
    return allowed


CASES = [
    Case(declaration, options, arguments)
    for declaration in PENALTIES
    for options in declaration.variants()
    for arguments in SETTINGS[declaration.name]
]
VECTOR = np.array([1.0, -0.5, 2.0])


def penalty_of(case: Case) -> Penalty:
    """The penalty of the formula alone."""
    cls = getattr(penalties, case.declaration.class_name)
    if cls.preparation is not None:
        cls = type(cls.__name__, (cls,), {"preparation": None, "axes": ()})
    return cls(**case.keywords)


def rows_of(case: Case, columns: int, double: bool) -> np.ndarray:
    """Ordinary, tied, saturated, tiny and huge rows; a single column of each magnitude."""
    if columns > 1:
        return row_inputs(case, columns, double)[1]
    values = np.array(MAGNITUDES, np.float32).astype(float)
    low, high = case.bounds("prediction")
    values = np.concatenate([values, -values, [0.0, -0.0]])
    return values[(values >= low) & (values <= high)][:, None]


def is_beside_a_kink(case: Case, x: np.ndarray) -> bool:
    """Whether the floats of the float type do not tell on which side an element is."""
    return case.name == "entropy" and bool(np.isclose(x, 1e-7, rtol=1e-6, atol=0).any())


@pytest.mark.parametrize("columns", [1, 3])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_penalty(case, columns):
    penalty, zeros = penalty_of(case), np.zeros(columns)
    for kind in FLOATS:
        worst = 0, ""
        for x in rows_of(case, columns, double=kind.dtype == np.float64):
            x = x.astype(kind.dtype)
            row = exact(case.expression, zeros, x, case.parameters, order=3)
            if row is None or is_beside_a_kink(case, x):
                continue
            vector = VECTOR[:columns].astype(kind.dtype)
            with np.errstate(all="ignore"):
                value, gradient = penalty.value_and_gradient(x)
                product = penalty.hessian_vector_product(x, vector)
                values = [value, penalty(x)]
            found = {"value": values, "gradient": gradient, "hessian_vector_product": product}
            for output, array in found.items():
                assert array[0].dtype == kind.dtype
                for j, got in enumerate(array):
                    index = () if output == "value" else (j,)
                    right, allowed = wanted(case, row, output, index, zeros, x, VECTOR[:columns], kind)
                    size = excess(float(got), right, excused(case, output, kind, allowed), kind)
                    place = f"{output}{list(index)} {kind.dtype} at x={x.tolist()}: {got!r}, not {right}"
                    worst = max(worst, (size, place))
        assert worst[0] <= 1, worst[1]


def test_a_wrong_penalty_would_be_found():
    case = next(each for each in CASES if each.name == "l2")
    row = exact(case.expression, np.zeros(1), [3.0], case.parameters, order=3)
    right, allowed = wanted(case, row, "gradient", (0,), np.zeros(1), np.array([3.0]), None, FLOATS[0])
    assert excess(float(right) * (1 + 1e-5), right, allowed, FLOATS[0]) > 1
    assert row.value == case.arguments["l2"] * 9
