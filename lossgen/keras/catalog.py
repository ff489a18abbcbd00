"""The catalogue's classes and functions for Keras, registered as `lossgen>Name` without loading any of them.

A class knows its name; formula, arguments and kernels come from `lossgen.losses` and `lossgen.penalties` when
they are first needed.
"""

from collections.abc import Callable
from typing import Any

import keras

from lossgen.generated import _index as losses
from lossgen.generated.penalties import _index as penalties
from lossgen.keras.loss import Loss
from lossgen.keras.penalty import Penalty
from lossgen.keras.wrapper import StandaloneOf, Wrapper, new_class

PACKAGE = "lossgen"  # as lossgen.runtime.registry has it; that module need not be loaded for this one
MODULE = "lossgen.keras"


def new_function(name: str, cls: type[Wrapper]) -> Callable[..., Any]:
    """A function `huber(y_true, y_pred, delta=1.0)`: the loss of every row, in the dtype of the predictions.

    Its own signature and documentation come with `function`, because they need the loss to be loaded.
    """
    handle: list[Callable[..., Any]] = []

    def function(*args, **kwargs):
        if not handle:
            from lossgen.runtime.function import function_of

            handle.append(function_of(cls, name))
        return handle[0](*args, **kwargs)

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


def make(index: Any, home: str, base: type[Wrapper]) -> tuple[dict[str, type], dict[str, Callable[..., Any]]]:
    """The classes and functions of a table, by name, registered with Keras."""
    classes = {name: new_class(base, name, StandaloneOf(home, name), MODULE) for name in index.CLASSES}
    class_of = {module: classes[name] for name, module in index.CLASSES.items()}
    functions = {name: new_function(name, class_of[module]) for name, module in index.FUNCTIONS.items()}
    for one in (*classes.values(), *functions.values()):
        keras.saving.register_keras_serializable(PACKAGE)(one)
    return classes, functions


for _base in (Loss, Penalty):  # what rebuilds a class of one's own from the declaration in a saved model
    keras.saving.register_keras_serializable(PACKAGE)(_base)

LOSSES, LOSS_FUNCTIONS = make(losses, "lossgen.losses", Loss)
PENALTIES, PENALTY_FUNCTIONS = make(penalties, "lossgen.penalties", Penalty)
CLASSES = {**LOSSES, **PENALTIES}
FUNCTIONS = {**LOSS_FUNCTIONS, **PENALTY_FUNCTIONS}
