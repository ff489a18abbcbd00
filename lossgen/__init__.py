"""lossgen compiles a loss from its formula: write it once in SymPy, get derivatives and fast kernels.

This module is a table of names that are loaded when they are first used; importing it loads nothing.
"""

from importlib import import_module as _import_module
from typing import TYPE_CHECKING

__version__ = "0.1.0"

_NAMES = {
    "lossgen.language.decorator": ("declare", "loss"),
    "lossgen.language.penalty": ("penalty",),
    "lossgen.language.declaration": ("Declaration", "Term"),
    "lossgen.language.parser": ("parse",),
    "lossgen.language.portable_text": ("from_json", "to_json"),
    "lossgen.language.symbols": ("column_count", "parameter_symbol", "where", "y_pred", "y_true"),
    "lossgen.language.reductions": (
        "Gather", "LogSoftmax", "LogSumExp", "Max", "Mean", "Min", "Softmax", "Sum",
    ),
    "lossgen.language.atoms": (
        "absolute", "bose", "clip", "digamma", "erf", "erfc", "expm1", "expm1mx", "exprel", "greater",
        "hypot1", "hypot1m1", "inside", "keep", "lgamma", "log1mexp", "log1p", "log_cosh", "maximum",
        "minimum", "power", "relu", "sech2", "sigmoid", "signum", "softplus", "sqrt1pm1", "square", "step",
        "trigamma", "unit_hypot", "xdivy", "xlog1py", "xlogy",
    ),
    "lossgen.runtime.parameters": ("Option", "Parameter"),
    "lossgen.runtime.threads": ("get_num_threads", "set_num_threads"),
    "lossgen.runtime.outputs": ("get_output_pool", "set_output_pool"),
    "lossgen.runtime.execution": ("get_execution", "set_execution"),
    "lossgen.compiler.api": ("compile",),
    "lossgen.inspection.verification.verify": ("verify",),
    "lossgen.inspection.curves.plot": ("plot",),
    "lossgen.inspection.explorer.page": ("explore",),
    "lossgen.losses": ("deserialize", "get", "serialize"),
    "lossgen.errors": (
        "CacheWarning", "CommandError", "CompileError", "ConfigError", "ConstantError", "CopyWarning",
        "CurvatureError", "DeclarationError", "DeviceError", "DtypeError", "ExecutionError", "FileError",
        "LabelError", "LimitError", "LossgenError", "MissingLibraryError", "NoGradientError",
        "NoViewError", "ObjectiveError", "ParameterError", "ParseError", "PortableError", "ReductionError",
        "ShapeError", "StaleModuleError", "TargetError", "UnknownLossError", "WeightError",
    ),
}  # fmt: skip
"""Public names by the module that holds them."""

_MODULES = ("errors", "losses", "penalties")
"""Submodules that are reached as attributes."""

_HOMES = {name: module for module, names in _NAMES.items() for name in names}

__all__ = sorted([*_HOMES, *_MODULES])


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def _unknown(name: str) -> str:
    from difflib import get_close_matches

    close = get_close_matches(name, __all__, n=1)
    return f"module 'lossgen' has no attribute {name!r}" + (f"; did you mean {close[0]!r}?" if close else "")


if TYPE_CHECKING:  # the table once more for type checkers and editors; a test compares the two
    # isort: off
    from lossgen import errors as errors, losses as losses, penalties as penalties
    from lossgen.language.decorator import declare as declare, loss as loss
    from lossgen.language.penalty import penalty as penalty
    from lossgen.language.declaration import Declaration as Declaration, Term as Term
    from lossgen.language.parser import parse as parse
    from lossgen.language.portable_text import from_json as from_json, to_json as to_json
    from lossgen.language.symbols import (
        column_count as column_count, parameter_symbol as parameter_symbol, where as where,
        y_pred as y_pred, y_true as y_true,
    )  # fmt: skip
    from lossgen.language.reductions import (
        Gather as Gather, LogSoftmax as LogSoftmax, LogSumExp as LogSumExp, Max as Max,
        Mean as Mean, Min as Min, Softmax as Softmax, Sum as Sum,
    )  # fmt: skip
    from lossgen.language.atoms import (
        absolute as absolute, bose as bose, clip as clip, digamma as digamma, erf as erf,
        erfc as erfc, expm1 as expm1, expm1mx as expm1mx, exprel as exprel, greater as greater,
        hypot1 as hypot1, hypot1m1 as hypot1m1, inside as inside, keep as keep, lgamma as lgamma,
        log1mexp as log1mexp, log1p as log1p, log_cosh as log_cosh, maximum as maximum,
        minimum as minimum, power as power, relu as relu, sech2 as sech2, sigmoid as sigmoid,
        signum as signum, softplus as softplus, sqrt1pm1 as sqrt1pm1, square as square,
        step as step, trigamma as trigamma, unit_hypot as unit_hypot, xdivy as xdivy,
        xlog1py as xlog1py, xlogy as xlogy,
    )  # fmt: skip
    from lossgen.runtime.parameters import Option as Option, Parameter as Parameter
    from lossgen.runtime.threads import (
        get_num_threads as get_num_threads, set_num_threads as set_num_threads,
    )  # fmt: skip
    from lossgen.runtime.outputs import (
        get_output_pool as get_output_pool, set_output_pool as set_output_pool,
    )  # fmt: skip
    from lossgen.runtime.execution import (
        get_execution as get_execution, set_execution as set_execution,
    )  # fmt: skip
    from lossgen.compiler.api import compile as compile
    from lossgen.inspection.verification.verify import verify as verify
    from lossgen.inspection.curves.plot import plot as plot
    from lossgen.inspection.explorer.page import explore as explore
    from lossgen.losses import deserialize as deserialize, get as get, serialize as serialize
    from lossgen.errors import (
        CacheWarning as CacheWarning, CommandError as CommandError, CompileError as CompileError,
        ConfigError as ConfigError, ConstantError as ConstantError, CopyWarning as CopyWarning,
        CurvatureError as CurvatureError, DeclarationError as DeclarationError,
        DeviceError as DeviceError, DtypeError as DtypeError, ExecutionError as ExecutionError,
        FileError as FileError, LabelError as LabelError, LimitError as LimitError,
        LossgenError as LossgenError, MissingLibraryError as MissingLibraryError,
        NoGradientError as NoGradientError, NoViewError as NoViewError, ObjectiveError as ObjectiveError,
        ParameterError as ParameterError, ParseError as ParseError, PortableError as PortableError,
        ReductionError as ReductionError, ShapeError as ShapeError, StaleModuleError as StaleModuleError,
        TargetError as TargetError, UnknownLossError as UnknownLossError, WeightError as WeightError,
    )  # fmt: skip
else:  # unseen by type checkers: they would take every misspelt name for granted

    def __getattr__(name: str):
        if name in _MODULES:
            return _import_module(f"{__name__}.{name}")
        if name not in _HOMES:
            raise AttributeError(_unknown(name))
        value = getattr(_import_module(_HOMES[name]), name)
        globals()[name] = value
        return value
