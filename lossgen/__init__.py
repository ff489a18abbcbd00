"""lossgen compiles a loss from its formula: write it once in SymPy, get derivatives and fast kernels.

This module is a table of names that are loaded when they are first used; importing it loads nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING

__version__ = "0.1.0"

NAMES = {
    "lossgen.language.decorator": ("loss", "declare"),
    "lossgen.language.declaration": ("Declaration", "Term"),
    "lossgen.language.parser": ("parse",),
    "lossgen.language.symbols": ("y_true", "y_pred", "column_count", "parameter_symbol", "where"),
    "lossgen.language.reductions": (
        "Sum", "Mean", "Max", "Min", "LogSumExp", "Softmax", "LogSoftmax", "Gather",
    ),
    "lossgen.runtime.parameters": ("Parameter", "Option"),
    "lossgen.compiler.api": ("compile",),
    "lossgen.losses": ("get", "serialize", "deserialize"),
    "lossgen.errors": (
        "LossgenError", "DeclarationError", "ParseError", "CompileError", "ParameterError", "ReductionError",
        "ShapeError", "WeightError", "LabelError", "DtypeError", "UnknownLossError", "ConfigError",
        "StaleModuleError", "NoGradientError", "MissingLibraryError",
    ),
}  # fmt: skip
"""Public names by the module that holds them."""

MODULES = ("losses", "errors")
"""Submodules that are reached as attributes."""

HOMES = {name: module for module, names in NAMES.items() for name in names}


def __getattr__(name: str):
    if name in HOMES:
        value = getattr(import_module(HOMES[name]), name)
    elif name in MODULES:
        return import_module(f"lossgen.{name}")
    else:
        raise AttributeError(f"module 'lossgen' has no attribute {name!r}")
    globals()[name] = value
    return value
