"""The function handle of a compiled loss: the same arguments, one loss a row, no reduction."""

import inspect
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from lossgen.runtime.construction import BASE_ARGUMENTS, POSITIONAL, snake_case

REMEMBERED = 64  # instances, by the arguments that a function was called with


def function_of(cls: Any, name: str | None = None) -> Callable[..., Any]:
    """The function `huber(y_true, y_pred, delta=1.0, *, axis=-1)` of a class `Huber`.

    It takes the class's own arguments, not `reduction`, `name` and `dtype`, and returns the loss of every
    row.

    Args:
        cls: a compiled `Loss`.
        name: name of the function; by default the class's name in snake_case.
    """
    own = [one for one in cls.signature.parameters.values() if one.name not in BASE_ARGUMENTS]
    order = [one.name for one in own if one.kind is POSITIONAL]
    remembered = lru_cache(REMEMBERED, typed=True)(lambda *args, **kwargs: build(args, kwargs))

    def build(args: tuple, kwargs: dict):
        if len(args) > len(order):
            raise TypeError(
                f"{function.__name__}() takes {2 + len(order)} positional arguments, "
                f"{2 + len(args)} were given"
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

    def function(y_true, y_pred, *args, **kwargs):
        try:
            instance = remembered(*args, **kwargs)
        except TypeError:  # a list among the arguments cannot be remembered
            instance = build(args, kwargs)
        return instance.call(y_true, y_pred)

    inputs = [inspect.Parameter(one, POSITIONAL) for one in ("y_true", "y_pred")]
    signature = inspect.Signature([*inputs, *own])
    function.__name__ = function.__qualname__ = name or snake_case(cls.__name__)
    function.__module__ = cls.__module__
    function.__signature__ = signature
    function.__doc__ = (
        f"{(cls.__doc__ or cls.__name__).strip()}\n\n    The function does not reduce: it returns one loss a "
        f"row. See `{cls.__name__}` for the reduced value and the gradient.\n"
    )
    function.loss_class = cls
    return function
