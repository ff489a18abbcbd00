"""The atoms: functions whose textbook form overflows, cancels or has a kink; ``ATOMS`` is the one table."""

from .atom import ATOMS, Atom, AtomFunction
from .ladder import keep, log_softmax, softmax, softmax_complement
from .powers import (
    hypot1,
    hypot1m1,
    power,
    power_curvature,
    power_log,
    power_slope,
    sqrt1pm1,
    square,
    unit_hypot,
    xdivy,
    xlog1py,
    xlogy,
)
from .selects import absolute, clip, greater, inside, maximum, minimum, relu, signum, step
from .smooth import (
    bose,
    digamma,
    erf,
    erfc,
    expm1,
    expm1mx,
    exprel,
    exprel_curvature,
    exprel_slope,
    lgamma,
    log1mexp,
    log1p,
    log_cosh,
    sech2,
    sigmoid,
    softplus,
    trigamma,
)

__all__ = [
    "ATOMS", "Atom", "AtomFunction", "absolute", "bose", "clip", "digamma", "erf", "erfc", "expm1",
    "expm1mx", "exprel", "exprel_curvature", "exprel_slope", "greater", "hypot1", "hypot1m1", "inside",
    "keep", "lgamma", "log1mexp", "log1p", "log_cosh", "log_softmax", "maximum", "minimum", "power",
    "power_curvature", "power_log", "power_slope", "relu", "sech2", "sigmoid", "signum", "softmax",
    "softmax_complement", "softplus", "sqrt1pm1", "square", "step", "trigamma", "unit_hypot", "xdivy",
    "xlog1py", "xlogy",
]
assert set(__all__) - {"ATOMS", "Atom", "AtomFunction"} == set(ATOMS)
