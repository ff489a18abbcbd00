"""What must hold for an example, first stage: the formula of every output.

What the compiler derived is evaluated in arbitrary precision, so that every difference is a wrong formula.
The second stage runs the kernels, see `kernels`.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import sympy
from mpmath import mp, mpf

from lossgen.compiler.driver import Derived, derive
from lossgen.inspection.verification.jets import Undetermined
from lossgen.inspection.verification.reference import Exact, Row, exact
from lossgen.language.declaration import Declaration
from lossgen.language.penalty import PenaltyDeclaration

from .example import Case
from .lowered_values import LoweredRow

PRECISIONS = (60, 420, 1300)
AGREEMENT = mpf(10) ** -18
STEP = mpf(10) ** -60
"""Of a parameter, for differences at 400 digits."""

LARGEST, SMALLEST = mpf(10) ** 300, mpf(10) ** -60
"""Beyond them numbers are not compared, or only in absolute terms."""


@dataclass(frozen=True)
class Finding:
    """One number that differs from the reference."""

    stage: str
    output: str
    got: object
    wanted: object
    options: Mapping
    target: object
    prediction: object

    def __str__(self) -> str:
        got, wanted = (
            mp.nstr(each, 15) if not isinstance(each, str) else each for each in (self.got, self.wanted)
        )
        place = f"y={np.asarray(self.target).tolist()} p={np.asarray(self.prediction).tolist()}"
        return f"{self.stage}, {self.output}: {got}, exact {wanted}, at {place} {dict(self.options) or ''}"


@dataclass(frozen=True)
class Scene:
    """One row (or one tensor that is a row) of one term of one variant."""

    declaration: Declaration
    options: Mapping
    expression: sympy.Expr
    derived: Derived
    parameters: Mapping[sympy.Symbol, object]
    y: object
    p: tuple
    vector: tuple


def scenes(case: Case) -> Iterator[Scene]:
    """All rows of all terms of all variants."""
    declaration = case.declaration
    symbols = declaration.symbols()
    parameters = {symbols[name]: value for name, value in case.arguments.items()}
    for options in declaration.variants():
        derived = derive(declaration, options)
        for term, each in zip(declaration.terms(options), derived, strict=True):
            for y, p in zip(case.targets, case.predictions, strict=True):
                y = int(y) if each.labels else tuple(map(float, y)) if np.ndim(y) else (0.0,) * len(p)
                vector = tuple(np.cos(np.arange(len(p))).tolist())
                yield Scene(
                    declaration, options, term.expression, each, parameters, y, tuple(map(float, p)), vector
                )


# Formulas -------------------------------------------------------------------------------------------------


def wrong_formulas(case: Case, counts: Counter | None = None) -> Iterator[Finding]:
    """Outputs whose derived formula has another value than the reference, in arbitrary precision.

    Args:
        counts: of outputs that were compared, and that were not, by reason.
    """
    counts = Counter() if counts is None else counts
    for scene in scenes(case):
        wanted = wanted_outputs(scene)
        if wanted is None:
            counts["skipped: rows without a value"] += 1
            continue
        derived = sum(name.startswith("gradient_to_") for name in scene.derived.lowered)
        counts["skipped: derivatives by parameters at a kink"] += derived - sum(
            name.startswith("gradient_to_") for name, _ in wanted
        )
        for (kernel, output), right in wanted.items():
            if any(abs(each) > LARGEST for each in right):
                counts["skipped: out of range"] += 1
                continue
            counts["formulas compared"] += 1
            yield from compared(scene, kernel, output, right)


def compared(scene: Scene, kernel: str, output: str, wanted: list) -> Iterator[Finding]:
    """The finding, if the value does not settle to the one that is wanted."""
    for digits in PRECISIONS:
        with mp.workdps(digits):
            try:
                got = computed(scene, kernel, output)
            except (ArithmeticError, ValueError, StopIteration) as error:
                worst = f"{type(error).__name__}: {error}", wanted[0]
                continue
            size = max([abs(each) for each in wanted] + [SMALLEST])
            if all(distance(*pair) <= AGREEMENT * size for pair in zip(got, wanted, strict=True)):
                return
            worst = max(zip(got, wanted, strict=True), key=lambda pair: distance(*pair))
    yield Finding("formula", f"{output} of {kernel}", *worst, scene.options, scene.y, scene.p)


def distance(one, two):
    """How far a number is from the right one; infinitely far where it is none."""
    return abs(one - two) if mp.isfinite(one) else mp.inf


def computed(scene: Scene, kernel: str, output: str) -> list:
    """An output of what the compiler derived, as a list of numbers."""
    lowered = scene.derived.lowered[kernel]
    row = LoweredRow(lowered, scene.y, scene.p, scene.parameters, scene.vector)
    found = row.output(output)
    if output == "value":
        return [found]
    parameter = output.removeprefix("gradient_to_")
    scalar = parameter != output and parameter in {symbol.name for symbol in scene.parameters}
    if scalar and not isinstance(scene.parameters[scene.declaration.symbols()[parameter]], tuple):
        return found[:1] if parameter not in scene.declaration.per_class else [sum(found)]
    return found


def wanted_outputs(scene: Scene) -> dict[tuple[str, str], list] | None:
    """The exact outputs by kernel and name; None where the formula has no value."""
    row = exact(scene.expression, scene.y, scene.p, scene.parameters, order=2, sums=False)
    if row is None:
        return None
    with mp.workdps(PRECISIONS[0]):  # products of what is read are rounded
        return read(scene, row)


def read(scene: Scene, row: Exact) -> dict[tuple[str, str], list]:
    """The outputs that an exact row holds, and the derivatives by parameters."""
    columns = range(row.columns)
    diagonal = [row.hessian[i][i] for i in columns]
    product = [sum(h * v for h, v in zip(line, scene.vector, strict=True)) for line in row.hessian]
    wanted = {
        ("value", "value"): [row.value],
        ("value_and_gradient", "value"): [row.value],
        ("value_and_gradient", "gradient"): row.gradient,
        ("gradient_and_hessian", "gradient"): row.gradient,
        ("gradient_and_hessian", "hessian"): diagonal,
        ("hessian_vector_product", "product"): product,
    }
    for name in scene.derived.lowered:
        if name == "gradient_to_y_true" and not isinstance(scene.declaration, PenaltyDeclaration):
            wanted[name, name] = target_gradient(row)
        elif name.startswith("gradient_to_") and name != "gradient_to_y_true":
            change = parameter_gradient(scene, scene.declaration.symbols()[name.removeprefix("gradient_to_")])
            if change is not None:
                wanted[name, name] = change
    return wanted


def target_gradient(row: Exact) -> list:
    """dL/dy at each column."""
    return [row.jet.derivative(row.columns + j) for j in range(row.columns)]


def parameter_gradient(scene: Scene, parameter: sympy.Symbol) -> list | None:
    """dL/d(parameter), one a column where the argument has one a column, by differences; None at a kink."""
    moved = sympy.Symbol("moved", real=True)
    value = scene.parameters[parameter]
    columns = len(scene.p)
    steps = [tuple(i == j for j in range(columns)) for i in range(columns)]
    steps = steps if isinstance(value, tuple) else [(True,) * columns]
    expression = scene.expression.xreplace({parameter: moved})
    found = []
    with mp.workdps(400):
        for step in steps:
            sides = []
            for sign in (1, 0, -1):
                row = Row(scene.y, scene.p, scene.parameters, 0, False, {})
                values = value if isinstance(value, tuple) else (value,) * columns
                row.per_column[moved] = [
                    row.space.constant(mpf(each) + (sign * STEP if one else 0))
                    for each, one in zip(values, step, strict=True)
                ]
                if parameter.name not in scene.declaration.per_class:
                    row.constants[moved] = row.per_column.pop(moved)[0]
                try:
                    sides.append(row.loss(expression).value)
                except (Undetermined, ZeroDivisionError):
                    return None
            after, at, before = sides
            if abs(after - 2 * at + before) > STEP * AGREEMENT:
                return None
            found.append((after - before) / (2 * STEP))
    return found
