"""Whether a compiled loss computes what its declaration says: value, gradient, Hessian, Hessian times vector.

This looks for wrong formulas, not for lost digits: the tolerance is relative to the largest number of a row.
How many digits may be lost is the matter of `test_accuracy.py`.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

import lossgen as lg
from lossgen.inspection.verification.reference import exact
from lossgen.language.declaration import Declaration
from lossgen.runtime.arrays import evaluation as arrays
from lossgen.runtime.arrays.numpy_ops import NumpyOps
from lossgen.runtime.arrays.preparation import prepared


@dataclass(frozen=True)
class Disagreement:
    """One row of one output."""

    output: str
    got: np.ndarray
    wanted: np.ndarray
    options: dict
    target: object
    prediction: np.ndarray

    def __str__(self) -> str:
        inputs = f"y={np.asarray(self.target).tolist()} p={self.prediction.tolist()} {self.options or ''}"
        return f"{self.output}: {self.got.tolist()}, exact {self.wanted.tolist()}, at {inputs}"


def references(declaration: Declaration, options: dict, arguments: dict, y, p, vector) -> list[dict | None]:
    """The exact outputs of each row; None where there are none."""
    symbols = {symbol: arguments[name] for name, symbol in declaration.symbols().items()}
    (term,) = declaration.terms(options)
    rows = []
    for target, prediction, direction in zip(y, p, vector, strict=True):
        label = int(target) if np.ndim(target) == 0 else target
        row = exact(term.expression, label, prediction, symbols, order=2)
        if row is None:
            rows.append(None)
            continue
        hessian = np.array([[float(entry) for entry in line] for line in row.hessian])
        rows.append(
            {
                "value": np.array([float(row.value)]),
                "gradient": np.array([float(entry) for entry in row.gradient]),
                "hessian": np.diagonal(hessian),
                "product": hessian @ direction,
                "size of product": np.abs(hessian) @ np.abs(direction),
            }
        )
    return rows


def outputs_of(cls, arguments: dict, y, p, vector) -> dict[str, np.ndarray]:
    """All that the class computes, unreduced, one line a row."""
    loss, total = cls(reduction=None, **arguments), cls(reduction="sum", **arguments)
    value, gradient = loss.value_and_gradient(y, p)
    again, hessian = loss.gradient_and_hessian(y, p)
    scene = NumpyOps, loss._plan, *prepared(NumpyOps, loss._plan, y, p)
    ones = np.ones_like(value)
    return {
        "value in array code": arrays.losses(*scene)[:, None],
        "gradient in array code": arrays.gradient(*scene, ones),
        "product in array code": arrays.product(*scene, ones, vector),
        "value": value[:, None],
        "value alone": loss(y, p)[:, None],
        "gradient": gradient,
        "gradient with hessian": again,
        "hessian": hessian,
        "product": total.hessian_vector_product(y, p, vector),
    }


def disagreements(
    declaration: Declaration, arguments: dict, inputs, tolerance: float = 1e-9, cls: type | None = None
) -> Iterator[Disagreement]:
    """Rows of any variant that differ from the reference; `inputs` gives (y, p) for some options.

    `cls` is what is tested, by default what the declaration compiles to.
    """
    cls = cls or lg.compile(declaration)
    for options in declaration.variants():
        y, p = inputs(options)
        vector = np.cos(np.arange(p.size)).reshape(p.shape).astype(p.dtype)
        wanted = references(declaration, options, arguments, y, p, vector)
        with np.errstate(all="ignore"):
            got = outputs_of(cls, {**options, **arguments}, y, p, vector)
        for output, rows in got.items():
            kind = output.split()[0]
            for row, right in enumerate(wanted):
                if right is None or not np.isfinite(right[kind]).all():
                    continue
                size = np.abs(right.get(f"size of {kind}", right[kind])).max()
                size = max(size, 1e-3 * np.abs(right["value"]).max(), 1e-6)
                if not np.allclose(rows[row], right[kind], rtol=tolerance, atol=tolerance * size):
                    yield Disagreement(output, rows[row], right[kind], options, y[row], p[row])
