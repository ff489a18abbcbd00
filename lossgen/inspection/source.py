"""The generated code of a declaration, and the code behind a loss: Python, LLVM, assembly."""

import inspect
import sys

from lossgen.compiler.module import modules, variant_names
from lossgen.errors import ParameterError
from lossgen.inspection.formulas import checked
from lossgen.language.declaration import Declaration
from lossgen.runtime.loss import Loss

KINDS = ("python", "llvm", "asm")


def source(declaration: Declaration, **options) -> str:
    """The text of the generated module; of a loss with several variants the module of the one chosen.

    Args:
        declaration: the loss.
        options: values of the declaration's options; the others have their defaults.

    Raises:
        ParameterError: an option is unknown or has none of its choices.
    """
    files = modules(declaration)
    variants = declaration.variants()
    if len(variants) == 1:
        checked(declaration, options)
        return files[f"{declaration.name}.py"]
    names = variant_names(variants)
    return files[f"{declaration.name}/{names[variants.index(checked(declaration, options))]}.py"]


def source_of(
    loss: Loss,
    kind: str = "python",
    output: str = "value_and_gradient",
    dtype: str = "float32",
    schedule: str | None = None,
) -> str:
    """The code behind a loss: the generated module, or what LLVM makes of one output's kernel.

    Args:
        loss: a compiled loss.
        kind: "python" for the generated module; "llvm" for LLVM's code after optimisation; "asm" for the hot
            loops in this machine's assembly, with a report on them.
        output, dtype, schedule: which kernel, see `kernel_reports`.

    Raises:
        NoGradientError: the loss is written by hand.
        ParameterError: an argument is none of its choices, or the loss has no such kernel.
    """
    if kind not in KINDS:
        raise ParameterError(f"`kind` must be one of {KINDS}. Received: kind={kind!r}")
    if kind == "python":
        return inspect.getsource(sys.modules[_module_of(loss)])
    from lossgen.inspection.kernels import hot_loops_text, kernel_reports

    reports = kernel_reports(loss, output, dtype, schedule)
    return "\n".join(report.code.llvm if kind == "llvm" else hot_loops_text(report) for report in reports)


def _module_of(loss: Loss) -> str:
    """The module that holds the kernels of the loss's variant."""
    kernels = loss._plan_for("source").variant.terms[0].rows
    alone, _ = next(iter(kernels.values()))
    return alone.py_func.__module__
