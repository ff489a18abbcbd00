"""What the doors to the frameworks share for penalties: functions of one tensor."""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from lossgen.generated.penalties._index import FUNCTIONS
from lossgen.runtime.inputs import PREPARATIONS
from lossgen.runtime.penalty import Penalty
from lossgen.runtime.reduction import keeps_losses

REMEMBERED = 64  # penalties, by the arguments that a function was called with


class PenaltyDoor:
    """The penalties of one framework.

    Args:
        module: the module that a person imports, "lossgen.torch.penalties".
        losses_of: the framework's `losses_of`; a penalty is given its input as its target, too.
        array: anything → the framework's tensor.
        join: tensors → one line.
        total, mean: a tensor → a number of the framework.
    """

    def __init__(
        self,
        module: str,
        losses_of: Callable[..., Any],
        array: Callable[[Any], Any],
        join: Callable[[list[Any]], Any],
        total: Callable[[Any], Any],
        mean: Callable[[Any], Any],
    ):
        self.module, self.losses_of, self.array = module, losses_of, array
        self.join, self.total, self.mean = join, total, mean

    def names(self) -> list[str]:
        """The functions of the catalogue."""
        return [*FUNCTIONS]

    def function(self, penalty: Penalty) -> Callable[[Any], Any]:
        """A penalty, shipped or one's own, as a function of a tensor of the framework."""
        summed = self.total if penalty.reduction == "sum" else self.mean

        def function(x: Any) -> Any:
            x = self.array(x)
            if penalty.preparation is not None:
                x = PREPARATIONS[penalty.preparation].apply(x, penalty.axes, self.join)
            rows = self.losses_of(penalty, x, x)
            return rows if keeps_losses(penalty.reduction) or not len(rows.shape) else summed(rows)

        function.__name__ = function.__qualname__ = penalty.name
        function.__doc__ = type(penalty).__doc__
        return function

    def attribute(self, name: str) -> Any:
        """The function of a name of the catalogue: `l1(x, l1=0.01)`.

        Raises:
            AttributeError: the catalogue has none.
        """
        if name not in FUNCTIONS:
            raise AttributeError(f"module {self.module!r} has no attribute {name!r}")
        from lossgen import penalties

        standalone = getattr(penalties, name)

        def made(*args: Any, **kwargs: Any) -> Callable[[Any], Any]:
            return self.function(standalone.loss_class(*args, **kwargs))

        remembered = lru_cache(REMEMBERED, typed=True)(made)

        def function(x: Any, *args: Any, **kwargs: Any) -> Any:
            try:
                found = remembered(*args, **kwargs)
            except TypeError:  # a list among the arguments cannot be remembered
                found = made(*args, **kwargs)
            return found(x)

        function.__name__ = function.__qualname__ = name
        function.__module__, function.__doc__ = self.module, standalone.__doc__
        function.__signature__ = standalone.__signature__
        return function
