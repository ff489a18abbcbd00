"""docs/vector-math.md: the bounds that are promised and the greatest errors that were found."""

from pathlib import Path

import numpy as np

from exhaustive import progress
from exhaustive.bounds import BOUNDS
from exhaustive.work import PIECES

HEAD = """# How accurate vector math is

The elementary functions of the kernels (`lossgen/runtime/vector_math/`) are branch-free and call no library:
LLVM vectorises all of them. Errors are in units in the last place (ulp) of the exact result; those of
subnormal results in the smallest subnormal.

    make exhaustive

measures them and writes this page. It takes hours on two cores and goes on where it was interrupted;
`make test` tries a thousandth.

* **float32**: every one of the 2³² numbers as argument, infinities, NaNs and subnormals among them, against
  float64 functions of NumPy, SciPy and the C library. For `sin` and `cos` every |x| ≤ 1e5.
* **float64**: ten million numbers, a half evenly over all bit patterns, a half where functions bend,
  against double-double arithmetic; the ten thousand worst, and results so small that a pair of floats does
  not hold them, once more against mpmath.

"""
FOOT = """
An empty field was not measured. What the numbers do not say:

* `sin` and `cos` lose accuracy slowly beyond |x| = 1e5; beyond 2⁴⁵ the argument is held there. The result
  always lies between −1 and 1.
* `lgamma` and `digamma` in float64 are given for x > 0. Left of 0, near their zeros, only the absolute error
  is small; `tests/test_vector_math.py` has the bound. In float32 the table is for all x.
* `tests/test_vector_math.py` also holds the bounds of functions of several arguments (powers, products with a
  logarithm), and of those that are not in this table, against mpmath.
"""


def written(folder: Path) -> str:
    """The page, with the proofs of a folder; an empty field for what is not complete."""
    lines = [
        "| function | float32: bound | greatest error | at | float64: bound | greatest error | at | mpmath |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, bound in BOUNDS.items():
        cells = [f"`{name}`"]
        for kind, limit in (("float32", bound.float32), ("float64", bound.float64)):
            proof = progress.load(folder, name, kind)
            complete = len(proof.done) == PIECES[kind]
            cells += [f"{limit:g}" if limit else "", *(_measured(proof, kind) if complete else ("", ""))]
        notes = progress.load(folder, name, "float64").notes
        cells.append(f"{max(notes['mpmath'], notes['tiny']):.3f}" if notes else "")
        lines.append(f"| {' | '.join(cells)} |")
    return HEAD + "\n".join(lines) + "\n" + FOOT


def _measured(proof, kind):
    argument = np.float32(proof.worst.argument) if kind == "float32" else np.float64(proof.worst.argument)
    return f"{proof.worst.ulp:.3f}", str(argument)


def exceeded(folder: Path) -> list[str]:
    """What is complete and beyond its bound."""
    return [
        f"{kind} {name}: {proof.worst.ulp:.3f} ulp at {proof.worst.argument!r}, bound {limit:g}"
        for name, bound in BOUNDS.items()
        for kind, limit in (("float32", bound.float32), ("float64", bound.float64))
        if limit and (proof := progress.load(folder, name, kind)).worst.ulp > limit
    ]
