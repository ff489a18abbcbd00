"""`Loss`, the `nn.Module` of every loss, and how a standalone class becomes one."""

import inspect
from collections.abc import Callable
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from lossgen.errors import ParameterError
from lossgen.runtime.construction import make_constructor
from lossgen.runtime.door import Door
from lossgen.runtime.execution import get_execution
from lossgen.runtime.function import function_of
from lossgen.runtime.reduction import keeps_losses
from lossgen.torch import (  # noqa: F401 - the first two register what they define
    cuda_operators,
    derivatives,
    evaluation,
    fused,
    inputs,
)
from lossgen.torch.choice import PLAIN, is_direct, is_readable
from lossgen.torch.operators import MOST, is_of_the_catalogue, make_ready

MODULE = "lossgen.torch"


class Loss(nn.Module):
    """A loss as a module: `loss(y_true, y_pred, sample_weight=None, *, mask=None)`.

    The order is that of Keras and of lossgen everywhere: targets first, unlike torch's own losses.

    A parameter of the loss that is given as an `nn.Parameter`, or as a tensor that requires a gradient, is
    learned; any other tensor is read once. Gradients flow to `y_true`, `sample_weight` and learned parameters
    wherever these require them.
    """

    standalone: ClassVar[type]
    signature: ClassVar[inspect.Signature]
    inputs: ClassVar[tuple[str, ...]]

    def forward(
        self,
        y_true: Tensor,
        y_pred: Tensor,
        sample_weight: Tensor | float | None = None,
        *,
        mask: Tensor | None = None,
    ) -> Tensor:
        """The reduced loss.

        Args:
            y_true: targets in the shape of the predictions; for losses of labels one integer a row.
            y_pred: predictions, (…, columns); on the device of all others.
            sample_weight: None, a number, or a tensor that broadcasts to the losses.
            mask: None, or booleans that broadcast to the losses: rows that count.

        Returns:
            A scalar in the dtype of the predictions; with `reduction="none"` one weighted loss a row.

        Raises:
            ValueError: a shape, dtype, device, label or weight that does not fit; names the argument.
        """
        if torch.compiler.is_compiling() or not (
            self._is_short
            and mask is None
            and type(y_pred) in PLAIN
            and type(y_true) in PLAIN
            and (p_dtype := y_pred.dtype) in inputs.COMPUTED
            and (y_true.dtype is p_dtype or y_true.dtype in inputs.INTEGERS)
            and y_pred.is_cpu
            and y_true.is_cpu
            and y_pred.is_contiguous()
            and y_true.is_contiguous()
            and (sample_weight is None or inputs.is_short_weight(sample_weight, p_dtype))
            and is_direct()
            and get_execution() != "ops"
        ):
            return evaluation.value_of(
                self._loss, y_true, y_pred, sample_weight, mask, self._learned_parameters()
            )
        if not torch.is_grad_enabled() or not (y_pred.requires_grad or y_true.requires_grad):
            return fused.value(y_true, y_pred, sample_weight, None, self._loss)
        if y_true.requires_grad:
            return evaluation.value_of(self._loss, y_true, y_pred, sample_weight, None)
        return fused.value_with_gradient(y_true, y_pred, sample_weight, None, self._loss)

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """The loss of every row, neither weighted nor reduced."""
        return evaluation.losses_of(self._loss, y_true, y_pred, self._learned_parameters())

    def sum_and_weight(
        self,
        y_true: Tensor,
        y_pred: Tensor,
        sample_weight: Tensor | float | None = None,
        *,
        mask: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """The sum of the weighted losses and what a mean divides it by; see `lossgen.torch.global_mean`.

        Arguments are those of a call. Sums over parts of a batch add up to those of the whole batch.

        Returns:
            Two scalars: the sum, in the dtype of the predictions and differentiable, and in float64 the
            number of losses that count, or with `reduction="mean_with_sample_weight"` the sum of their
            weights.
        """
        return evaluation.sum_and_weight_of(
            self._loss, self._sums, y_true, y_pred, sample_weight, mask, self._learned_parameters()
        )

    def get_config(self, portable: bool | None = None) -> dict[str, Any]:
        """Every constructor argument, in types that JSON has; what is learned as it is at present.

        Args:
            portable: whether the declaration is part of it; by default that of losses of one's own.
        """
        learned = {name: inputs.plain_number(getattr(self, name)) for name in self._learned}
        return {**self._loss.get_config(portable), **learned}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "Loss":
        """The loss of a configuration that `get_config` made.

        Raises:
            ConfigError: a key that is no constructor argument; names it.
        """
        made: Loss = DOOR.from_config(config, cls, getattr(cls, "standalone", None))
        return made

    def extra_repr(self) -> str:
        return repr(self._loss).partition("(")[2][:-1]

    def __getattr__(self, name: str) -> Any:
        # Reached where neither the module nor its tables have the name.
        if name in type(self).signature.parameters and name not in self.__dict__.get("_learned", ()):
            return getattr(self.__dict__["_loss"], name)
        return super().__getattr__(name)

    def __setattr__(self, name: str, value: Any) -> None:
        if name in self.signature.parameters and name not in self.__dict__.get("_learned", ()):
            cls = type(self).__name__
            raise AttributeError(
                f"`{name}` of {cls} cannot be changed: make another loss, {cls}({name}={value!r})."
            )
        super().__setattr__(name, value)

    def __reduce__(self):
        # The standalone loss travels, if need be as its declaration; its class leads to this one.
        return _blank, (self._loss,), self.__dict__.copy()

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        for one in (self._loss, self._sums):
            make_ready(one)

    def _initialise(self, values: dict[str, Any]) -> None:
        """Makes the standalone loss, which checks all arguments, and keeps what is learned."""
        own = self.standalone.parameters
        learned = {
            name: value
            for name, value in values.items()
            if name in own and isinstance(value, Tensor) and value.requires_grad
        }
        numbers = {name: inputs.plain_number(value) for name, value in values.items()}
        loss = self.standalone(**{**numbers, "dtype": inputs.dtype_name(values["dtype"])})
        nn.Module.__init__(self)
        self._loss = loss
        self._sums = type(loss)(**{**loss.get_config(portable=False), "reduction": "sum"})
        self._learned = tuple(learned)
        self._is_short = not learned and not keeps_losses(loss.reduction) and loss.dtype is None
        for one in (self._loss, self._sums):
            make_ready(one)
        for name, tensor in learned.items():
            setattr(self, name, tensor)

    def _learned_parameters(self) -> dict[str, Tensor] | None:
        """The learned parameters by name."""
        if not self._learned:
            return None
        return checked_parameters(self.standalone, {name: getattr(self, name) for name in self._learned})


def _blank(standalone: Any) -> Loss:
    """A module for a standalone loss, whose state is about to be set."""
    cls = DOOR.of(type(standalone))
    return cls.__new__(cls)


def make_class(standalone: type) -> type[Loss]:
    """The module class of a standalone one."""
    members = {
        "standalone": standalone,
        "signature": standalone.signature,
        "inputs": standalone.inputs,
        "__doc__": standalone.__doc__,
        "__module__": MODULE if is_of_the_catalogue(standalone) else standalone.__module__,
    }
    cls = type(standalone.__name__, (Loss,), members)
    cls.__init__ = make_constructor(cls)
    return cls


def make_function(cls: type[Loss]) -> Callable[..., Tensor]:
    """The function of a module class: one loss a row; gradients flow to tensors among its arguments."""
    plain = function_of(cls)
    names = list(plain.__signature__.parameters)[2:]

    @torch.compiler.assume_constant_result  # a tracer could not make a loss
    def made_with(**numbers) -> str:
        name = f"{id(cls.standalone)} {sorted(numbers.items())}"
        if name not in _made:
            loss = cls.standalone(**numbers)
            make_ready(loss)
            if len(_made) >= MOST:
                _made.clear()
            _made[name] = loss
        return name

    def function(y_true, y_pred, *args, **kwargs):
        tensors = [one for one in (*args, *kwargs.values()) if isinstance(one, Tensor)]
        if not tensors and not torch.compiler.is_compiling():
            return plain(y_true, y_pred, *args, **kwargs)
        given = {**dict(zip(names, args, strict=False)), **kwargs}
        own = cls.standalone.parameters
        learned = {name: one for name, one in given.items() if isinstance(one, Tensor) and name in own}
        rest = {name: inputs.plain_number(one) for name, one in given.items() if name not in learned}
        loss = _made[made_with(**rest)]
        checked_parameters(cls.standalone, learned)
        return evaluation.losses_of(loss, y_true, y_pred, learned)

    for name in ("__name__", "__qualname__", "__signature__", "__doc__", "loss_class"):
        setattr(function, name, getattr(plain, name))
    function.__module__ = cls.__module__
    return function


_made: dict[str, Any] = {}
"""Standalone losses of functions: what a tracer finds here, it can follow."""


def checked_parameters(standalone: type, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """The tensors, their numbers checked where they can be looked at.

    Raises:
        ParameterError: one has left the range of its parameter, as a step of an optimizer can make it do.
    """
    for name, tensor in tensors.items():
        if not is_readable(tensor):
            continue
        try:
            standalone.parameters[name].check(name, inputs.plain_number(tensor))
        except ParameterError as error:
            raise ParameterError(
                f"{error}. If a step of an optimizer led there, clamp the parameter after each step, or "
                "learn a number without bounds and pass a function of it, such as softplus."
            ) from None
    return tensors


DOOR = Door(MODULE, make_class, make_function)


def serialize(loss: Any) -> dict[str, Any] | str:
    """A loss as plain data: that of the standalone loss, so that every door can read it."""
    from lossgen import losses

    if isinstance(loss, Loss):
        data = losses.serialize(loss._loss)
        return {**data, "config": loss.get_config()}
    return losses.serialize(loss)
