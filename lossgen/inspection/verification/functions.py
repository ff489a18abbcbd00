"""The functions of a formula on jets: their textbook meaning, with the subgradients that are declared."""

from mpmath import mp, mpf

from lossgen.inspection.verification import jets
from lossgen.inspection.verification.jets import Jet


def negative(jet: Jet) -> Jet:
    return Jet(jet.space, {monomial: -coefficient for monomial, coefficient in jet.coefficients.items()})


def constant_like(jet: Jet, value) -> Jet:
    return jet.space.constant(mpf(value))


def added(*arguments: Jet) -> Jet:
    result = arguments[0]
    for argument in arguments[1:]:
        result = result + argument
    return result


def multiplied(*arguments: Jet) -> Jet:
    result = arguments[0]
    for argument in arguments[1:]:
        result = result * argument
    return result


def raised(base: Jet, exponent: Jet) -> Jet:
    if exponent.is_constant:
        return base.compose(jets.power_of(exponent.value))
    return (exponent * base.compose(jets.logarithm)).compose(jets.exponential)


def reciprocal(x: Jet) -> Jet:
    return x.compose(jets.power_of(-1))


def with_slopes(value: Jet, *pairs) -> Jet:
    """The kinked function's value, and slope·(argument − its value) for each argument."""
    result = constant_like(value, value.value)
    for slope, argument in pairs:
        moved = {m: slope * c for m, c in argument.coefficients.items() if m and slope}
        result = result + Jet(value.space, moved)
    return result


def absolute(x: Jet) -> Jet:
    return with_slopes(constant_like(x, abs(x.value)), (mp.sign(x.value), x))


def clip(x: Jet, low: Jet, high: Jet) -> Jet:
    value = max(low.value, min(x.value, high.value))
    inside = low.value <= x.value <= high.value
    return with_slopes(constant_like(x, value), (int(inside), x))


def maximum(*arguments: Jet) -> Jet:
    """The last of the largest, so that a tie of (x, 0) has the slope of the 0."""
    largest = max(argument.value for argument in arguments)
    return next(argument for argument in reversed(arguments) if argument.value == largest)


def minimum(*arguments: Jet) -> Jet:
    return negative(maximum(*map(negative, arguments)))


def elementwise_max(*arguments: Jet) -> Jet:
    """SymPy's Max sorts its arguments: at a tie, one without derivative wins."""
    return maximum(*sorted(arguments, key=lambda jet: jet.is_constant))


def indicator(condition):
    return lambda *arguments: constant_like(arguments[0], int(condition(*(each.value for each in arguments))))


def guarded_product(function):
    """x·f(y) with 0·f = 0, whatever f is."""
    return lambda x, y: constant_like(x, 0) if not x.coefficients else x * function(y)


def composed(taylor):
    return lambda x: x.compose(taylor)


FUNCTIONS = {
    "Add": added,
    "Mul": multiplied,
    "Pow": raised,
    "power": raised,
    "exp": composed(jets.exponential),
    "log": composed(jets.logarithm),
    "cosh": composed(jets.hyperbolic_cosine),
    "sinh": composed(jets.hyperbolic_sine),
    "tanh": lambda x: x.compose(jets.hyperbolic_sine) * reciprocal(x.compose(jets.hyperbolic_cosine)),
    "sin": composed(jets.sine),
    "cos": composed(jets.cosine),
    "atan": composed(jets.arc_tangent),
    "erf": composed(jets.error_function),
    "erfc": composed(jets.error_function_complement),
    "lgamma": composed(jets.polygamma_of(-1)),
    "loggamma": composed(jets.polygamma_of(-1)),
    "digamma": composed(jets.polygamma_of(0)),
    "trigamma": composed(jets.polygamma_of(1)),
    "polygamma": lambda n, x: x.compose(jets.polygamma_of(int(n.value))),
    "exprel": composed(jets.exponential_moment_of(0)),
    "exprel_slope": composed(jets.exponential_moment_of(1)),
    "exprel_curvature": composed(jets.exponential_moment_of(2)),
    "xlogy": guarded_product(composed(jets.logarithm)),
    "xlog1py": guarded_product(lambda y: (y + constant_like(y, 1)).compose(jets.logarithm)),
    "xdivy": guarded_product(reciprocal),
    "Abs": absolute,
    "absolute": absolute,
    "sign": lambda x: constant_like(x, mp.sign(x.value)),
    "signum": lambda x: constant_like(x, mp.sign(x.value)),
    "relu": lambda x: x if x.value > 0 else constant_like(x, 0),
    "step": indicator(lambda x: x > 0),
    "clip": clip,
    "inside": indicator(lambda x, low, high: low <= x <= high),
    "greater": indicator(lambda a, b: a > b),
    "maximum": maximum,
    "minimum": minimum,
    "Max": elementwise_max,
    "Min": lambda *arguments: negative(elementwise_max(*map(negative, arguments))),
    "keep": lambda x: x,
}
