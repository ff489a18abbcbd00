"""Every catalogue loss keeps the accuracy contract, in every output and float type.

The reference is the declared formula in high precision; it knows nothing of the compiler.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import pytest
from accuracy import DOUBLE_MAGNITUDES, MAGNITUDES, element_inputs, is_elementwise, row_inputs
from cases import Case, cases
from limits import is_known
from mpmath import mp, mpf

from lossgen import losses
from lossgen.inspection.verification.contract import FLOATS, Float, excess, neighbours, tolerance
from lossgen.inspection.verification.reference import Exact, exact
from lossgen.language.reductions import LogSoftmax, Softmax

ALL = list(cases())
ELEMENTWISE = [case for case in ALL if is_elementwise(case)]
BY_ROWS = [case for case in ALL if not is_elementwise(case)]
COLUMNS = 3
PRODUCT = "hessian_vector_product"


@dataclass(frozen=True)
class Miss:
    """One number that misses the contract: `size` times the allowed error."""

    size: float
    output: str
    kind: Float
    got: float
    exact: float
    target: object
    prediction: np.ndarray
    index: tuple[int, ...]
    vector: np.ndarray

    def __str__(self) -> str:
        place = f"y={np.asarray(self.target).tolist()} p={self.prediction.tolist()}"
        return (
            f"{self.output}{list(self.index)} {self.kind.dtype}: {self.got!r}, exact {self.exact!r}, "
            f"{self.size:.3g} times the allowed error, at {place}"
        )

    def is_beside_a_jump(self, case: Case) -> bool:
        """Whether the number is right on the other side of a kink that is at most one ulp away."""
        for target, prediction in neighbours(self.target, self.prediction, self.kind):
            row = reference(case, target, prediction)
            if row is None:
                continue
            right, allowed = wanted(
                case, row, self.output, self.index, target, prediction, self.vector, self.kind
            )
            jumps = excess(float(right), mpf(self.exact), allowed, self.kind) > 2
            if jumps and excess(self.got, right, allowed, self.kind) <= 1:
                return True
        return False


def compiled(case: Case):
    """An instance of the generated class that sums the losses, its columns the last axis."""
    keywords = case.keywords
    if "axis" in case.declaration.constructor_arguments():
        keywords["axis"] = -1
    return getattr(losses, case.declaration.class_name)(reduction="sum", **keywords)


def outputs(loss, y, p, vector) -> dict[str, np.ndarray]:
    """All that a loss computes, as float64 arrays."""
    gradient, hessian = loss.gradient_and_hessian(y, p)
    found = {
        "value": loss.call(y, p),
        "gradient": loss.gradient(y, p),
        "gradient with Hessian": gradient,
        "hessian": hessian,
        PRODUCT: loss.hessian_vector_product(y, p, vector),
    }
    assert all(array.dtype == p.dtype for array in found.values())
    return {name: array.astype(np.float64) for name, array in found.items()}


def reference(case: Case, target, prediction) -> Exact | None:
    """The exact loss of one row and its derivatives."""
    sums = not is_elementwise(case)
    return exact(case.expression, target, prediction, case.parameters, order=3, sums=sums)


def wanted(case: Case, row: Exact, output: str, index, target, prediction, vector, kind: Float):
    """The exact number and the error that is allowed."""
    hard = case.hard_targets
    if output == PRODUCT:
        entries = row.hessian[index[0]]
        errors = [tolerance(row, (*index, k), target, prediction, kind, hard) for k in range(row.columns)]
        allowed = sum(abs(v) * e for v, e in zip(vector, errors, strict=True))
        if not all(map(kind.holds, entries)):
            allowed = mp.inf
        number = sum(h * mpf(v) for h, v in zip(entries, vector, strict=True))
    else:
        number = row.jet.derivative(*index)
        allowed = tolerance(row, index, target, prediction, kind, hard)
    if output in ("hessian", PRODUCT) and not is_elementwise(case):
        size = max(abs(h) for line in row.hessian for h in line)
        size = max(size, max(map(abs, row.gradient)) ** 2 / (abs(row.value) or mp.inf))
        size = max(size, 1) if case.expression.has(Softmax, LogSoftmax) else size
        allowed += 4 * mp.sqrt(row.columns) * kind.ulp(size) * max(map(abs, vector))
    return number, allowed


def misses(case: Case, y, p, kinds) -> Iterator[Miss]:
    """The numbers that miss the contract, of every output and float type."""
    loss = compiled(case)
    vector = np.resize([1.0, -0.5, 2.0], p.shape)
    with np.errstate(all="ignore"):
        found = [
            outputs(loss, y if case.labels else y.astype(k.dtype), p.astype(k.dtype), vector.astype(k.dtype))
            for k in kinds
        ]
    unknown = 0
    for i, (target, prediction) in enumerate(zip(y, p, strict=True)):
        target = int(target) if case.labels else target
        row = reference(case, target, prediction)
        if row is None:
            unknown += 1
            continue
        for kind, arrays in zip(kinds, found, strict=True):
            for output, array in arrays.items():
                for place in [()] if output == "value" else [(j,) for j in range(row.columns)]:
                    index = place * 2 if output == "hessian" else place
                    right, allowed = wanted(case, row, output, index, target, prediction, vector[i], kind)
                    got = float(array[(i, *place)])
                    size = excess(got, right, allowed, kind)
                    if size > 1:
                        place = (target, prediction, index, vector[i])
                        yield Miss(size, output, kind, got, float(right), *place)
    assert unknown <= 0.1 * len(p), f"{unknown} references of {len(p)} are unknown"


def worst(case: Case, found: Iterable[Miss]) -> list[Miss]:
    """The largest miss of each output and float type that is neither a kink's nor a known limit."""
    kept = {}
    for miss in sorted(found, key=lambda miss: -miss.size):
        key = miss.output, miss.kind
        if key not in kept and not is_known(case, miss) and not miss.is_beside_a_jump(case):
            kept[key] = miss
    return list(kept.values())


def check(case: Case, *inputs) -> None:
    """Raise for what misses the contract on these (targets, predictions, float types)."""
    real = worst(case, [miss for y, p, kinds in inputs for miss in misses(case, y, p, kinds)])
    assert not real, "\n".join(map(str, real))


@pytest.mark.parametrize("case", ELEMENTWISE, ids=str)
def test_elementwise_loss(case):
    check(
        case,
        (*element_inputs(case, MAGNITUDES), FLOATS),
        (*element_inputs(case, DOUBLE_MAGNITUDES), FLOATS[1:]),
    )


@pytest.mark.parametrize("case", BY_ROWS + ELEMENTWISE[:1], ids=str)
def test_loss_of_rows(case):
    check(
        case,
        (*row_inputs(case, COLUMNS, double=False), FLOATS),
        (*row_inputs(case, COLUMNS, double=True, seed=1), FLOATS[1:]),
    )


@pytest.mark.parametrize("case", [case for case in BY_ROWS if "alpha" not in case.arguments], ids=str)
def test_one_column(case):
    check(case, (*row_inputs(case, 1, double=False), FLOATS))


# The contract itself --------------------------------------------------------------------------------------


def test_the_contract_tells_textbook_from_accurate():
    """σ(p) − y returns 0 for a confident right prediction; (1−y)·σ(p) − y·σ(−p) does not."""
    (case,) = [each for each in ALL if str(each) == "binary_crossentropy-from_logits=True"]
    y, p = np.array([1.0]), np.array([20.0], np.float32)
    row = reference(case, y, p)
    _, allowed = wanted(case, row, "gradient", (0,), y, p, None, FLOATS[0])
    sigmoid = 1 / (1 + np.exp(-p))
    assert excess((sigmoid - 1)[0], row.gradient[0], allowed, FLOATS[0]) > 1e5
    assert excess((-np.exp(-p) * sigmoid)[0], row.gradient[0], allowed, FLOATS[0]) <= 1
