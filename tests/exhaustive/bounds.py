"""The bounds on the error of functions of one argument, in units in the last place."""

from typing import NamedTuple


class Bound(NamedTuple):
    """For float32 over all arguments; for float64 over samples, None where only float32 is tried."""

    float32: float
    float64: float | None = None


BOUNDS = {
    "exp": Bound(1, 1),
    "exp2": Bound(1, 1),
    "expm1": Bound(1, 1.2),
    "log": Bound(1, 1),
    "log2": Bound(1, 1),
    "log1p": Bound(1, 1),
    "log1mexp": Bound(1.1, 1),
    "softplus": Bound(1, 1.5),
    "log_sigmoid": Bound(1, 1.5),
    "sigmoid": Bound(1.6, 1.6),
    "tanh": Bound(1.5, 1.5),
    "cbrt": Bound(1, 1),
    "sin": Bound(1, 1),
    "cos": Bound(1, 1),
    "atan": Bound(2, 2),
    "erf": Bound(1, 1),
    "erfc": Bound(1, 1.5),
    "lgamma": Bound(1, 1.5),
    "digamma": Bound(2, 1.5),
    "trigamma": Bound(1, 1.5),
    "sigmoid_slope": Bound(2.5),
    "sech2": Bound(2.5),
    "bose": Bound(2.3),
    "sinh": Bound(2.5),
    "cosh": Bound(1.5),
    "log_cosh": Bound(2),
    "exprel": Bound(2),
    "hypot1": Bound(1),
    "hypot1m1": Bound(3),
    "unit_hypot": Bound(2),
    "sqrt1pm1": Bound(2.3),
    "sqrt": Bound(0.5),
    "square": Bound(0.5),
}
