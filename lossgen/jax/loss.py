"""The losses that a person meets: a class and a function for JAX of each standalone class."""

import inspect
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, ClassVar, Self

import jax
import numpy as np

from lossgen.errors import WeightError
from lossgen.jax import reduction
from lossgen.jax.inputs import array
from lossgen.jax.reduction import Settings
from lossgen.runtime import loss as standalone_loss
from lossgen.runtime.construction import BASE_ARGUMENTS, POSITIONAL, snake_case
from lossgen.runtime.execution import get_execution
from lossgen.runtime.threads import get_num_threads

REMEMBERED = 64  # instances, by the arguments that a function was called with


class Loss:
    """A loss for JAX: `loss(y_true, y_pred, sample_weight=None)`, differentiable with respect to `y_pred`.

    An instance is a pure function with settings: it is hashable, equal to another with the same settings, and
    static where JAX flattens it. Constructor arguments are those of the standalone class.

    Attributes:
        standalone: the loss of `lossgen.losses` that it stands for.
    """

    loss_class: ClassVar[type[standalone_loss.Loss]]

    def __init__(self, *args: Any, **kwargs: Any):
        self.standalone = self.loss_class(*args, **kwargs)
        self.reduction = self.standalone.reduction
        config = {name: one for name, one in self.get_config(portable=False).items() if name != "name"}
        self._key = self.loss_class, repr(sorted(config.items()))
        self._hash = hash(self._key)

    def __call__(
        self,
        y_true: Any,
        y_pred: Any,
        sample_weight: Any = None,
        *,
        mask: Any = None,
        parameters: Mapping[str, Any] | None = None,
        target_gradient: bool = False,
    ) -> jax.Array:
        """The reduced loss.

        Args:
            y_true: targets in the shape of the predictions; for losses of labels one integer a row.
            y_pred: predictions, (…, columns).
            sample_weight: None, a number, or an array that broadcasts to the losses. Gradients reach it.
            mask: None, or booleans that broadcast to the losses: rows that count.
            parameters: arrays of rank 0 (or one number a column, where the loss takes that) in place of the
                numbers of the constructor; gradients reach them. They are not checked against their range.
            target_gradient: whether gradients reach `y_true`; otherwise it is a constant.

        Returns:
            An array of rank 0; with `reduction="none"` one weighted loss a row.

        Raises:
            ValueError: a shape, dtype or weight that does not fit, while tracing; names the argument. A label
                that names no column is found when the program runs on the CPU (`INVALID_ARGUMENT`); in array
                code its loss is NaN.
        """
        settings, weight = self._settings(sample_weight, target_gradient)
        y_true, y_pred, mask = array("y_true", y_true), array("y_pred", y_pred), _mask(mask)
        return reduction.value(settings, y_true, y_pred, weight, mask, _arrays(parameters))

    def sum_and_weight(
        self,
        y_true: Any,
        y_pred: Any,
        sample_weight: Any = None,
        *,
        mask: Any = None,
        parameters: Mapping[str, Any] | None = None,
        target_gradient: bool = False,
    ) -> tuple[jax.Array, jax.Array]:
        """The sum of the weighted losses, and what a mean divides it by.

        For data that lies on several devices: add both with `jax.lax.psum`, then divide. The second is the
        number of losses that are neither masked nor ignored; with `reduction="mean_with_sample_weight"` the
        sum of their weights.
        """
        settings, weight = self._settings(sample_weight, target_gradient)
        y_true, y_pred, mask = array("y_true", y_true), array("y_pred", y_pred), _mask(mask)
        return reduction.sum_and_weight(settings, y_true, y_pred, weight, mask, _arrays(parameters))

    def losses(
        self,
        y_true: Any,
        y_pred: Any,
        *,
        parameters: Mapping[str, Any] | None = None,
        target_gradient: bool = False,
    ) -> jax.Array:
        """The loss of every row, neither weighted nor reduced."""
        settings, _ = self._settings(None, target_gradient)
        y_true, y_pred = array("y_true", y_true), array("y_pred", y_pred)
        return reduction.losses(settings, y_true, y_pred, _arrays(parameters))

    def _settings(self, sample_weight: Any, target_gradient: bool) -> tuple[Settings, Any]:
        """What is static, and the weight that is not."""
        factor, weight = 1.0, sample_weight
        if isinstance(sample_weight, int | float):
            factor, weight = float(sample_weight), None
        elif weight is not None:
            weight = array("sample_weight", weight)
        return Settings(self, get_execution(), get_num_threads(), bool(target_gradient), factor), weight

    def get_config(self, portable: bool | None = None) -> dict[str, Any]:
        """Every constructor argument, in types that JSON has.

        Args:
            portable: whether the declaration is part of it; by default that of losses of one's own.
        """
        return self.standalone.get_config(portable)

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """The loss of a configuration that `get_config` made."""
        from lossgen.jax import _door

        return _door.from_config(config, cls, getattr(cls, "loss_class", None))

    def __getattr__(self, name: str) -> Any:
        if name in ("standalone", "_key", "_hash") or name.startswith("__"):  # not there yet: being copied
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        if name in self.loss_class.sealed or name in ("name", "formula", "gradient_formula", "source"):
            return getattr(self.standalone, name)
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def __reduce__(self) -> tuple[Any, ...]:
        return _of_standalone, (self.standalone,)  # which travels as a declaration, if it is one's own

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Loss) and self._key == other._key

    def __hash__(self) -> int:
        return self._hash

    def __repr__(self) -> str:
        return f"lossgen.jax.{self.standalone!r}"


def _of_standalone(loss: standalone_loss.Loss) -> Loss:
    """The loss for JAX that stands for an instance."""
    from lossgen.jax import _door

    return _door.of(type(loss))(**loss.get_config(portable=False))


def make_class(standalone: type[standalone_loss.Loss]) -> type[Loss]:
    """The class for JAX of a standalone one."""
    members = {
        "loss_class": standalone,
        "__doc__": standalone.__doc__,
        "__module__": "lossgen.jax",
        "__signature__": standalone.signature,
    }
    return jax.tree_util.register_static(type(standalone.__name__, (Loss,), members))


def make_function(cls: type[Loss]) -> Callable[..., jax.Array]:
    """The function of a class: the same arguments, one loss a row, no reduction."""
    standalone = cls.loss_class
    own = [one for one in standalone.signature.parameters.values() if one.name not in BASE_ARGUMENTS]
    inputs = [inspect.Parameter(one, POSITIONAL) for one in ("y_true", "y_pred")]
    option = inspect.Parameter("target_gradient", inspect.Parameter.KEYWORD_ONLY, default=False)
    signature = inspect.Signature([*inputs, *own, option])
    remembered = lru_cache(REMEMBERED, typed=True)(cls)

    def function(*args: Any, **kwargs: Any) -> jax.Array:
        given = signature.bind(*args, **kwargs).arguments
        y_true, y_pred = given.pop("y_true"), given.pop("y_pred")
        target_gradient = given.pop("target_gradient", False)
        traced = {
            name: value
            for name, value in given.items()
            if name in standalone.parameters and isinstance(value, jax.Array)
        }
        numbers = {name: value for name, value in given.items() if name not in traced}
        try:
            loss = remembered(**numbers)
        except TypeError:  # a list among the arguments cannot be remembered
            loss = cls(**numbers)
        return loss.losses(y_true, y_pred, parameters=traced or None, target_gradient=target_gradient)

    function.__name__ = function.__qualname__ = snake_case(cls.__name__)
    function.__module__ = "lossgen.jax"
    function.__signature__ = signature
    function.__doc__ = (
        f"{(standalone.__doc__ or standalone.__name__).strip()}\n\n    The function does not reduce: it "
        "returns one loss a row. A parameter that is a JAX array gets a gradient, and so does `y_true` with "
        f"`target_gradient=True`. See `{cls.__name__}` for the reduced value.\n"
    )
    function.loss_class = cls
    return function


def _mask(value: Any) -> Any:
    """The mask as an array.

    Raises:
        WeightError: it holds NaN; where that cannot be seen, because it is being traced, the loss is NaN.
    """
    if value is None:
        return None
    found = array("mask", value)
    if not isinstance(found, jax.core.Tracer) and found.dtype.kind == "f" and np.isnan(found).any():
        raise WeightError("`mask` must hold booleans or numbers. Received: mask with NaN")
    return found


def _arrays(parameters: Mapping[str, Any] | None) -> dict[str, Any] | None:
    return {name: array(name, value) for name, value in parameters.items()} if parameters else None
