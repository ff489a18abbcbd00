"""The catalogue's classes and functions for Keras, registered as `lossgen>Name` without loading any of them.

A class knows its name; formula, arguments and kernels come from `lossgen.losses` when they are first needed.
"""

from collections.abc import Callable
from typing import Any

import keras

from lossgen.generated import _index
from lossgen.keras.loss import Loss

PACKAGE = "lossgen"  # as lossgen.runtime.registry has it; that module need not be loaded for this one
MODULE = "lossgen.keras"


class StandaloneOf:
    """The class of `lossgen.losses` of a name, as a class attribute that is looked up on use."""

    def __init__(self, name: str):
        self.name = name

    def __get__(self, instance: Any, owner: type) -> type:
        from lossgen import losses

        return getattr(losses, self.name)


class DocumentationOf:
    """The documentation of the standalone class, as that of the class for Keras."""

    def __get__(self, instance: Any, owner: type) -> str | None:
        return owner.standalone_class.__doc__


def new_class(name: str, standalone: Any, module: str) -> type[Loss]:
    """A class for Keras.

    Args:
        standalone: a compiled class, or a `StandaloneOf`.
    """
    body = {"standalone_class": standalone, "__doc__": DocumentationOf(), "__module__": module}
    return type(name, (Loss,), body)


def new_function(name: str, cls: type[Loss]) -> Callable[..., Any]:
    """A function `huber(y_true, y_pred, delta=1.0)`: the loss of every row, in the dtype of the predictions.

    Its own signature and documentation come with `function`, because they need the loss to be loaded.
    """
    handle: list[Callable[..., Any]] = []

    def function(y_true, y_pred, *args, **kwargs):
        if not handle:
            from lossgen.runtime.function import function_of

            handle.append(function_of(cls, name))
        return handle[0](y_true, y_pred, *args, **kwargs)

    function.__name__ = function.__qualname__ = name
    function.__module__ = MODULE
    function.loss_class = cls
    return function


def function(name: str) -> Callable[..., Any]:
    """A function of the catalogue, with its signature and documentation."""
    from lossgen.runtime.function import function_of

    found = FUNCTIONS[name]
    if not hasattr(found, "__signature__"):
        complete = function_of(found.loss_class, name)
        found.__signature__, found.__doc__ = complete.__signature__, complete.__doc__
    return found


CLASSES = {name: new_class(name, StandaloneOf(name), MODULE) for name in _index.CLASSES}
CLASS_OF_MODULE = {module: CLASSES[name] for name, module in _index.CLASSES.items()}
FUNCTIONS = {name: new_function(name, CLASS_OF_MODULE[module]) for name, module in _index.FUNCTIONS.items()}

for _registered in (*CLASSES.values(), *FUNCTIONS.values()):
    keras.saving.register_keras_serializable(PACKAGE)(_registered)
