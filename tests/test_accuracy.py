"""Every catalogue loss keeps the accuracy contract of `accuracy.py`: loss, gradient, Hessian, float32 and float64.

The reference is the declared formula in high precision (`reference.py`); it knows nothing of the compiler.
"""

import numpy as np
import pytest
from accuracy import (
    DOUBLE_MAGNITUDES,
    FLOATS,
    MAGNITUDES,
    element_inputs,
    excess,
    is_elementwise,
    row_inputs,
    tolerance,
)
from cases import Case, cases
from reference import exact

from lossgen import losses

EXCEPTIONS: dict[tuple[str, str], tuple[float, str]] = {}
"""(loss, output) → how many times the allowed error is reached, and why; everything else is at most 1."""

ALL = list(cases())
ELEMENTWISE = [case for case in ALL if is_elementwise(case)]
BY_ROWS = [case for case in ALL if not is_elementwise(case)]
COLUMNS = 3


class Worst:
    """The largest excess of each output, and where it was seen."""

    def __init__(self, case: Case):
        self.case, self.seen, self.undetermined, self.checked = case, {}, 0, 0

    def add(self, output: str, kind, size: float, where):
        key = (output, kind.dtype.name)
        if size > self.seen.get(key, (0.0, ""))[0]:
            self.seen[key] = size, where

    def verdict(self):
        broken = []
        for (output, dtype), (size, where) in self.seen.items():
            limit, _ = EXCEPTIONS.get((self.case.name, output), (1.0, ""))
            if size > limit:
                broken.append(f"{output} {dtype}: {size:.3g} times the allowed error at {where}")
        assert not broken, "\n".join(broken)
        assert self.undetermined <= 0.1 * self.checked, f"{self.undetermined} references of {self.checked} unknown"


def compiled(case: Case):
    """An instance of the generated class that sums the losses, its columns the last axis."""
    keywords = case.keywords
    if "axis" in case.declaration.constructor_arguments():
        keywords["axis"] = -1
    return getattr(losses, case.declaration.class_name)(reduction="sum", **keywords)


def outputs(loss, y, p, vector):
    """All that a loss computes, and the Hessian-vector product, as float64 arrays."""
    gradient, hessian = loss.gradient_and_hessian(y, p)
    found = {
        "value": loss.call(y, p),
        "gradient": loss.gradient(y, p),
        "gradient with Hessian": gradient,
        "hessian": hessian,
        "hessian_vector_product": loss.hessian_vector_product(y, p, vector),
    }
    for array in found.values():
        assert array.dtype == p.dtype
    return {name: array.astype(np.float64) for name, array in found.items()}


def check(case: Case, y, p, kinds, worst: Worst, order: int):
    """Compare every output of these rows with the reference, in each float type."""
    loss = compiled(case)
    vector = np.resize([1.0, -0.5, 2.0], p.shape)
    with np.errstate(all="ignore"):
        found = [outputs(loss, y if case.labels else y.astype(k.dtype), p.astype(k.dtype), vector.astype(k.dtype)) for k in kinds]
    columns = range(p.shape[1])
    for i, (target, row) in enumerate(zip(y, p, strict=True)):
        target = int(target) if case.labels else target
        reference = exact(case.expression, target, row, case.parameters, order=order)
        worst.checked += 1
        if reference is None:
            worst.undetermined += 1
            continue
        where = f"y={np.asarray(target).tolist()} p={row.tolist()}"
        products = reference.hessian_vector(vector[i])
        for kind, got in zip(kinds, found, strict=True):
            compare = lambda output, value, wanted, allowed: worst.add(  # noqa: E731
                output, kind, excess(value, wanted, allowed, kind), f"{where}: {value!r}, exact {float(wanted)!r}"
            )
            compare("value", got["value"][i], reference.value, tolerance(reference, (), target, row, kind))
            for j in columns:
                allowed = tolerance(reference, (j,), target, row, kind)
                for output in ("gradient", "gradient with Hessian"):
                    compare(output, got[output][i, j], reference.gradient[j], allowed)
                entries = [tolerance(reference, (j, k), target, row, kind) for k in columns]
                compare("hessian", got["hessian"][i, j], reference.hessian[j][j], entries[j])
                allowed = sum(abs(v) * e for v, e in zip(vector[i], entries, strict=True))
                product = products[j]
                compare("hessian_vector_product", got["hessian_vector_product"][i, j], product, allowed)


@pytest.mark.parametrize("case", ELEMENTWISE, ids=str)
def test_elementwise_loss(case):
    worst = Worst(case)
    check(case, *element_inputs(case, MAGNITUDES), FLOATS, worst, order=3)
    check(case, *element_inputs(case, DOUBLE_MAGNITUDES), FLOATS[1:], worst, order=3)
    worst.verdict()


@pytest.mark.parametrize("case", BY_ROWS + ELEMENTWISE[:1], ids=str)
def test_loss_of_rows(case):
    worst = Worst(case)
    check(case, *row_inputs(case, COLUMNS, double=False), FLOATS, worst, order=3)
    check(case, *row_inputs(case, COLUMNS, double=True, seed=1), FLOATS[1:], worst, order=3)
    worst.verdict()


@pytest.mark.parametrize("case", [case for case in BY_ROWS if "alpha" not in case.arguments], ids=str)
def test_one_column(case):
    worst = Worst(case)
    check(case, *row_inputs(case, 1, double=False), FLOATS, worst, order=3)
    worst.verdict()


# The contract itself --------------------------------------------------------------------------------------


def test_the_contract_tells_textbook_from_accurate():
    """σ(p) − y returns 0 for a confident right prediction; (1−y)·σ(p) − y·σ(−p) does not."""
    (case,) = [each for each in ALL if str(each) == "binary_crossentropy-from_logits=True"]
    y, p = np.array([[1.0]]), np.array([[20.0]], np.float32)
    reference = exact(case.expression, y[0], p[0], case.parameters, order=3)
    allowed = tolerance(reference, (0,), y[0], p[0], FLOATS[0])
    sigmoid = 1 / (1 + np.exp(-p))
    assert excess((sigmoid - 1)[0, 0], reference.gradient[0], allowed, FLOATS[0]) > 1e6
    assert excess((-np.exp(-p) * sigmoid)[0, 0], reference.gradient[0], allowed, FLOATS[0]) <= 1
