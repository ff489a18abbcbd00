"""What a decorated function's signature declares, and where the function stands."""

import inspect
from collections.abc import Callable
from pathlib import PurePath

from sympy import Symbol

from lossgen.errors import DeclarationError
from lossgen.language.names import check_name
from lossgen.language.parameters import Option, Parameter, argument_of
from lossgen.language.symbols import Input

TARGET_AND_PREDICTION = ("y_true", "y_pred")


def read_signature(
    name: str,
    function: Callable[..., object],
    first: tuple[str, ...] = TARGET_AND_PREDICTION,
    meaning: str = "a loss is a function of target and prediction",
) -> tuple[tuple[Input, ...], dict[str, Parameter | Option]]:
    """The extra inputs and the parameters and options that a function's signature declares.

    Args:
        first: what the first inputs are usually called; the rest are extra ones.
        meaning: what messages say that such a function is.
    """
    inputs: list[str] = []
    arguments: dict[str, Parameter | Option] = {}
    for key, item in inspect.signature(function).parameters.items():
        if item.kind in (item.VAR_POSITIONAL, item.VAR_KEYWORD):
            raise DeclarationError(f"{name}: `{item}` names nothing; write every parameter with its default.")
        if item.default is not item.empty:
            arguments[key] = argument_of(name, key, item.default)
        elif item.kind is item.KEYWORD_ONLY:
            raise DeclarationError(
                f"{name}: the keyword `{key}` has no default; write {key}=1.0, {key}=lg.Parameter(…), "
                f"{key}=False or {key}=lg.Option(…)."
            )
        else:
            inputs.append(key)
    if len(inputs) < len(first):
        raise DeclarationError(f"{name}: {meaning}; write def {name}({', '.join(first)}, …).")
    if first == TARGET_AND_PREDICTION and (inputs[0] == "y_pred" or inputs[1] == "y_true"):
        raise DeclarationError(
            f"{name}: the target comes first; write def {name}(y_true, y_pred, …) instead of "
            f"def {name}({inputs[0]}, {inputs[1]}, …)."
        )
    if first != TARGET_AND_PREDICTION and len(inputs) > len(first):
        extra = inputs[len(first)]
        raise DeclarationError(f"{name}: {meaning} alone; write `{extra}` as a keyword: {extra}=1.0.")
    for key in inputs[len(first) :]:
        check_name(name, "input", key)
    return tuple(Input(key, "extra", Symbol(key, real=True)) for key in inputs[len(first) :]), arguments


def source_of(function: Callable[..., object]) -> str | None:
    """`catalog/regression.py (huber)`: file and function; `None` for what was typed at a prompt."""
    path = PurePath(inspect.getfile(function)) if hasattr(function, "__code__") else PurePath("<unknown>")
    if path.name.startswith("<") or path.suffix != ".py":
        return None
    inside = function.__module__.startswith("lossgen.")
    file = "/".join(path.parts[-2:]) if inside else path.name
    return f"{file} ({function.__name__})"
