"""`Penalty`, the base of every penalty for Keras: a regularizer of weights and activities, for `add_loss`."""

from typing import Any, ClassVar

import keras
from keras import ops

from lossgen.keras import backend
from lossgen.keras.wrapper import Wrapper, checked_dtype


class Penalty(Wrapper, keras.regularizers.Regularizer):
    """A penalty that was compiled from its formula, as a regularizer of Keras.

    Pass it as `kernel_regularizer=`, `activity_regularizer=` …, or call it: `layer.add_loss(penalty(x))`. The
    classes of `lossgen.keras` and what `lossgen.keras.compile` makes are subclasses; their arguments are
    those of the class of the same name in `lossgen.penalties`, and every argument is part of the
    configuration. A parameter may be a `keras.Variable`, as for a `Loss`.

    Args:
        name: name of the instance.
        dtype: what the result has: a name, a `keras.DTypePolicy`, or None for the dtype of the input.
            float16 and bfloat16 are computed in float32 and cast at the end.
    """

    inputs: ClassVar[tuple[str, ...]] = ("x",)

    def __init__(self, *args: Any, **kwargs: Any):
        values = self._bound(args, kwargs)
        self.dtype = checked_dtype(values.pop("dtype"))
        self._wrap(values)

    def __call__(self, x: Any) -> Any:
        """The penalty of a tensor.

        Returns:
            A tensor of rank 0; with `reduction="none"` one penalty a row.

        Raises:
            ValueError: a shape or dtype that does not fit.
        """
        from lossgen.runtime.penalty import check_scopes

        standalone = self.standalone
        values, result = backend.computable("x", x, self.dtype)
        if standalone.preparation is None:
            check_scopes(tuple(values.shape), standalone._plan.scopes)
        else:
            values = prepared(standalone, values)
        penalties = backend.losses_of(standalone, values, values, self.learnable, target_gradient=False)
        reduction = standalone.reduction
        if len(penalties.shape) and reduction not in (None, "none"):
            penalties = ops.sum(penalties) if reduction == "sum" else ops.mean(penalties)
        return ops.cast(penalties, result)

    def get_config(self, portable: bool | None = None) -> dict[str, Any]:
        """Every constructor argument, in types that JSON has; a learnable one as the number it is now."""
        return super().get_config(portable) | {"dtype": self.dtype}


def prepared(standalone: Any, values: Any) -> Any:
    """What the formula reads, made of the input by the linear step that the penalty has."""
    from lossgen.runtime.inputs import PREPARATIONS, check_axes_of

    check_axes_of(tuple(values.shape), standalone.axes)
    step = PREPARATIONS[standalone.preparation]
    return step.apply(
        values, standalone.axes, lambda parts: ops.concatenate([ops.reshape(part, (-1,)) for part in parts])
    )
