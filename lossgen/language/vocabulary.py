"""The functions a formula may contain, and what to write instead of those it may not."""

import sympy
from sympy import Basic

from lossgen.language.atoms import ATOMS
from lossgen.language.names import suggestion
from lossgen.language.reductions import REDUCTIONS

SYMPY_FUNCTIONS = (
    sympy.exp, sympy.log, sympy.Abs, sympy.sign, sympy.Max, sympy.Min, sympy.sin, sympy.cos, sympy.atan,
    sympy.sinh, sympy.cosh, sympy.tanh, sympy.erf, sympy.erfc, sympy.loggamma, sympy.polygamma,
)  # fmt: skip
"""SymPy's own functions that the compiler knows. `sqrt` is a power, `digamma(x)` is `polygamma(0, x)`."""

COMPILER_ATOMS = {
    "softmax": "write lg.Softmax(x)",
    "log_softmax": "write lg.LogSoftmax(x)",
    "softmax_complement": "write 1 - lg.Softmax(x)",
}
"""Atoms that take the opaque result of a reduction; a person writes the reduction."""

WRITABLE_ATOMS = {name: atom.function for name, atom in ATOMS.items() if name not in COMPILER_ATOMS}

FUNCTIONS = frozenset({*SYMPY_FUNCTIONS, *REDUCTIONS, *WRITABLE_ATOMS.values()})

ARITHMETIC = (sympy.Add, sympy.Mul, sympy.Pow)
CONDITIONS = (sympy.And, sympy.Or, sympy.Not)

STEP = "write lg.where(condition, a, b) for the steps that are meant"
EVALUATE = "call .doit() on it, or write the result"
LOGICAL = "write the condition with sympy.And, sympy.Or and sympy.Not"
REAL = "inputs and parameters are real; leave it out"
INVERSE = "write it with log, sqrt and atan"

ADVICE = {
    "Sum": "write lg.Sum(expression), which sums over the columns without an index",
    "Product": "write sympy.exp(lg.Sum(sympy.log(expression)))",
    "Integral": EVALUATE, "Derivative": EVALUATE, "Limit": EVALUATE, "Subs": EVALUATE,
    "Heaviside": "write lg.where(x > 0, 1, 0), which says what holds at 0",
    "DiracDelta": "a loss has finite values; leave it out",
    "floor": STEP, "ceiling": STEP, "frac": STEP, "Mod": STEP, "KroneckerDelta": STEP, "Contains": STEP,
    "gamma": "write sympy.exp(lg.lgamma(x)), or lg.lgamma(x) for its logarithm",
    "factorial": "write sympy.exp(lg.lgamma(x + 1)), or lg.lgamma(x + 1) for its logarithm",
    "binomial": "write its logarithm as a difference of lg.lgamma(…)",
    "beta": "write its logarithm as lg.lgamma(a) + lg.lgamma(b) - lg.lgamma(a + b)",
    "polygamma": "only orders 0 and 1 are known: lg.digamma(x), lg.trigamma(x)",
    "tan": "write sympy.sin(x)/sympy.cos(x)", "cot": "write sympy.cos(x)/sympy.sin(x)",
    "sec": "write 1/sympy.cos(x)", "csc": "write 1/sympy.sin(x)",
    "coth": "write 1/sympy.tanh(x)", "sech": "write 1/sympy.cosh(x)", "csch": "write 1/sympy.sinh(x)",
    "asin": INVERSE, "acos": INVERSE, "acot": INVERSE, "atan2": INVERSE,
    "asinh": INVERSE, "acosh": INVERSE, "atanh": INVERSE,
    "re": REAL, "im": REAL, "arg": REAL, "conjugate": REAL,
    "ITE": LOGICAL, "Xor": LOGICAL, "Nand": LOGICAL, "Nor": LOGICAL, "Implies": LOGICAL,
    "Indexed": "y_true and y_pred already stand for the current column; write lg.Sum(…) over all of them",
    **COMPILER_ATOMS,
}  # fmt: skip


def function_advice(expression: Basic) -> str:
    """What to write instead of a function that is not in the language."""
    name = type(expression).__name__
    known = {function.__name__ for function in FUNCTIONS}
    if isinstance(expression, sympy.core.function.AppliedUndef) and name in known:
        prefix = "sympy" if any(name == function.__name__ for function in SYMPY_FUNCTIONS) else "lg"
        return f"SymPy takes it for an undefined function; write {prefix}.{name}(…)"
    if name in ADVICE:
        return ADVICE[name]
    listed = ", ".join(function.__name__ for function in SYMPY_FUNCTIONS)
    close = suggestion(name, known)
    article = close.removeprefix("; ") + " The" if close else "the"
    return f"{article} language has {listed}, sqrt and the functions of lg"
