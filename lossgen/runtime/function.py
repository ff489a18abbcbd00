"""The function handle of a compiled loss (one loss a row, no reduction) or penalty: the same arguments."""

import inspect
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from lossgen.runtime.construction import BASE_ARGUMENTS, POSITIONAL, snake_case

REMEMBERED = 64  # instances, by the arguments that a function was called with


def function_of(cls: Any, name: str | None = None) -> Callable[..., Any]:
    """The function `huber(y_true, y_pred, delta=1.0, *, axis=-1)` of a class `Huber`.

    It takes the class's own arguments, not `reduction`, `name` and `dtype`, and returns the loss of every
    row; that of a penalty, `l1(x, l1=0.01)`, the number.

    Args:
        cls: a compiled `Loss` or `Penalty`.
        name: name of the function; by default the class's name in snake_case.
    """
    inputs = cls.inputs
    own = [one for one in cls.signature.parameters.values() if one.name not in BASE_ARGUMENTS]
    order = [one.name for one in own if one.kind is POSITIONAL]
    remembered = lru_cache(REMEMBERED, typed=True)(lambda *args, **kwargs: build(args, kwargs))

    def build(args: tuple, kwargs: dict):
        if len(args) > len(order):
            raise TypeError(
                f"{function.__name__}() takes {len(inputs) + len(order)} positional arguments, "
                f"{len(inputs) + len(args)} were given"
            )
        given = dict(zip(order, args, strict=False))
        twice = given.keys() & kwargs.keys()
        if twice:
            raise TypeError(f"{function.__name__}() got multiple values for argument '{twice.pop()}'")
        unknown = kwargs.keys() - {one.name for one in own}
        if unknown:
            raise TypeError(
                f"{function.__name__}{signature} got an unexpected keyword argument '{unknown.pop()}'"
            )
        return cls(**given, **kwargs)

    def made(args: tuple, kwargs: dict):
        try:
            return remembered(*args, **kwargs)
        except TypeError:  # a list among the arguments cannot be remembered
            return build(args, kwargs)

    def of_two(y_true, y_pred, *args, **kwargs):
        return made(args, kwargs).call(y_true, y_pred)

    def of_one(x, *args, **kwargs):
        return made(args, kwargs)(x)

    function = of_two if len(inputs) == 2 else of_one
    signature = inspect.Signature([*(inspect.Parameter(one, POSITIONAL) for one in inputs), *own])
    function.__name__ = function.__qualname__ = name or snake_case(cls.__name__)
    function.__module__ = cls.__module__
    function.__signature__ = signature
    remark = (
        "The function does not reduce: it returns one loss a row. "
        f"See `{cls.__name__}` for the reduced value and the gradient."
        if len(inputs) == 2
        else f"See `{cls.__name__}` for the gradient."
    )
    function.__doc__ = f"{(cls.__doc__ or cls.__name__).strip()}\n\n    {remark}\n"
    function.loss_class = cls
    return function
