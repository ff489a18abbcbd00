"""What must hold for an example, second stage: what the kernels compute, in float64 and in float32.

Less is asked of formulas that lose digits as they are written: they are rounded in the same places.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
import sympy
from mpmath import mp, mpf

import lossgen as lg
from lossgen.compiler.driver import Derived, derive
from lossgen.runtime.loss import Loss

from .checks import LARGEST, Finding, Scene, computed, wanted_outputs
from .example import Case
from .outputs import loss_outputs, penalty_outputs


@dataclass(frozen=True)
class Kind:
    """A float type of kernels, and what is asked of them.

    digits  of the type, to which formulas are rounded to see what they lose
    tolerance  relative, beside 64 times what they lose; `largest` is what is compared at most
    """

    name: str
    digits: int
    tolerance: float
    largest: mpf

    @property
    def stage(self) -> str:
        """What a finding is called."""
        return f"kernel in {self.name}"

    def case(self, case: Case) -> Case:
        """The case at inputs that the type can hold; parameters stay what they are."""
        if case.targets.dtype.kind == "i":
            targets = case.targets
        else:
            targets = case.targets.astype(self.name).astype(float)
        return replace(case, targets=targets, predictions=case.predictions.astype(self.name).astype(float))


DOUBLE = Kind("float64", 53, 1e-9, LARGEST)
SINGLE = Kind("float32", 24, 1e-4, mpf(10) ** 30)


def wrong_kernels(
    case: Case, cls: type | None = None, counts: Counter | None = None, kind: Kind = DOUBLE
) -> Iterator[Finding]:
    """Outputs of the compiled class that differ from the reference, where the formula keeps its digits.

    Args:
        cls: what is tested, by default what the declaration compiles to.
        counts: of outputs that were compared, and of rows that were not.
        kind: float type that the kernels compute with.
    """
    counts = Counter() if counts is None else counts
    case = kind.case(case)
    declaration = case.declaration
    cls = cls or lg.compile(declaration)
    for options in declaration.variants():
        terms = list(zip(declaration.terms(options), derive(declaration, options), strict=True))
        got = kernel_outputs(cls, {**options, **case.arguments}, case, kind.name)
        for number, (y, p) in enumerate(zip(case.targets, case.predictions, strict=True)):
            totals: dict[str, tuple[list, list]] = {}
            for term, derived in terms:
                scene = one_scene(case, options, term.expression, derived, y, p)
                right, rounded = wanted_outputs(scene), rounded_outputs(scene, kind.digits)
                if right is None or rounded is None:
                    counts[f"skipped: {kind.name} rows whose formula does not evaluate"] += 1
                    break
                for name, (key, slot) in NAMES.items():
                    exact_values, nearby = right[key, slot], rounded[key, slot]
                    before = totals.get(name, ([0] * len(exact_values), [0] * len(nearby)))
                    totals[name] = (
                        [a + b for a, b in zip(before[0], exact_values, strict=True)],
                        [a + b for a, b in zip(before[1], nearby, strict=True)],
                    )
            else:
                for output, rows in got.items():
                    wanted, nearby = totals[output.split()[0]]
                    if any(abs(each) > kind.largest for each in wanted):
                        counts[f"skipped: {kind.name} kernels out of range"] += 1
                        continue
                    counts[f"{kind.name} kernels compared"] += 1
                    yield from differing(output, rows[number], wanted, nearby, options, y, p, kind)


NAMES = {
    "value": ("value", "value"),
    "gradient": ("value_and_gradient", "gradient"),
    "hessian": ("gradient_and_hessian", "hessian"),
    "product": ("hessian_vector_product", "product"),
}
"""Kernel and output of what `outputs` calls so."""


def one_scene(case: Case, options: Mapping, expression: sympy.Expr, derived: Derived, y, p) -> Scene:
    symbols = case.declaration.symbols()
    parameters = {symbols[name]: value for name, value in case.arguments.items()}
    y = int(y) if derived.labels else tuple(map(float, y)) if np.ndim(y) else (0.0,) * len(p)
    vector = tuple(np.cos(np.arange(len(p))).tolist())
    return Scene(case.declaration, options, expression, derived, parameters, y, tuple(map(float, p)), vector)


def rounded_outputs(scene: Scene, digits: int = DOUBLE.digits) -> dict[tuple[str, str], list] | None:
    """What the derived formulas give when each operation is rounded to the digits of a float type."""
    with mp.workprec(digits):
        try:
            return {key: computed(scene, *key) for key in NAMES.values()}
        except (ArithmeticError, ValueError, StopIteration):
            return None


def kernel_outputs(
    cls: type, arguments: dict, case: Case, dtype: str = "float64"
) -> dict[str, list[np.ndarray]]:
    """All that the class computes, a line a row."""
    outputs = loss_outputs if issubclass(cls, Loss) else penalty_outputs
    targets = case.targets if case.targets.dtype.kind == "i" else case.targets.astype(dtype)
    predictions, row_vector = case.predictions.astype(dtype), lambda n: np.cos(np.arange(n)).astype(dtype)
    with np.errstate(all="ignore"):
        if not case.is_joint and issubclass(cls, Loss):
            vector = np.tile(row_vector(predictions.shape[1]), (len(predictions), 1))
            found = outputs(cls, arguments, targets, predictions, vector)
            return {name: list(rows) for name, rows in found.items()}
        found = {}
        for y, p in zip(targets, predictions, strict=True):
            one = outputs(cls, arguments, y[None], p[None], row_vector(len(p))[None])
            for name, rows in one.items():
                found.setdefault(name, []).append(np.ravel(rows))
        return found


def differing(
    output: str, got, wanted: list, nearby: list, options, y, p, kind: Kind = DOUBLE
) -> Iterator[Finding]:
    """The finding, if numbers differ by more than rounding explains."""
    size = max([abs(each) for each in wanted] + [mpf(10) ** -6])
    lost = max(abs(a - b) for a, b in zip(wanted, nearby, strict=True))
    allowed = 64 * lost + kind.tolerance * size
    for one, right in zip(np.ravel(got).tolist(), wanted, strict=True):
        if not (np.isfinite(one) and abs(mpf(one) - right) <= allowed):
            yield Finding(kind.stage, output, mpf(one), right, options, y, p)
            return
