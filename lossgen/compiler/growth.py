"""How large derivatives may grow: a product has as many terms in its gradient as it has factors, and the
square of that in its Hessian, so that a formula within the limits could keep the compiler busy for minutes.
"""

from itertools import islice

from lossgen.errors import LimitError
from lossgen.language.limits import MAXIMUM_DERIVED, nodes

from .differentiate import Derivative


def bounded(loss: str, what: str, derivative: Derivative) -> Derivative:
    """The derivative, if the stages that follow take seconds at most.

    Args:
        what: which one it is, in words.

    Raises:
        LimitError: it is too large.
    """
    rungs = [rung.summand for rung in derivative.ladder.rungs]
    expressions = [*rungs, *{derivative.expression, derivative.textbook}]
    every = (node for expression in expressions for node in nodes(expression))
    if next(islice(every, MAXIMUM_DERIVED, None), None) is not None:
        raise LimitError(
            f"{loss}: {what} has more than {MAXIMUM_DERIVED} numbers, symbols and operations; nest and "
            "multiply fewer parts, or split the loss into several, and add their values."
        )
    return derivative
