"""How well the machine does what a kernel says: its hot loops, counted and shown, as text for a terminal."""

from dataclasses import dataclass

from lossgen.errors import NoGradientError
from lossgen.inspection.loops import (
    Loop,
    hot_loops,
    innermost_loops,
    is_analysed,
    library_calls,
)
from lossgen.inspection.machine_code import (
    MachineCode,
    argument_types,
    check_dtype,
    kernel_of,
    machine_code,
)
from lossgen.runtime.loss import Loss

ITEMSIZE = {"float32": 4, "float64": 8}
VERDICTS = {"vector": "vectorised", "scalar": "not vectorised"}


@dataclass(frozen=True)
class KernelReport:
    """What was found out about one kernel.

    Attributes:
        schedule: how it sees the data: "flat", "rows" or "lanes".
        code: its code; `code.name` is the kernel's.
        loops: its hot loops; none where the machine is not analysed.
        calls: functions of the C library's `math.h` that it calls.
    """

    schedule: str
    code: MachineCode
    loops: tuple[Loop, ...]
    calls: tuple[str, ...]

    @property
    def is_vectorised(self) -> bool:
        """Whether every hot loop computes in vectors and nothing else, and no library function is called."""
        return (
            bool(self.loops)
            and not self.calls
            and all(
                loop.kind == "vector" and not loop.scalar_operations and not loop.calls for loop in self.loops
            )
        )


def kernel_reports(
    loss: Loss,
    output: str = "value_and_gradient",
    dtype: str = "float32",
    schedule: str | None = None,
    weighted: bool = False,
) -> tuple[KernelReport, ...]:
    """Compiles the kernels of one output of a loss, one a term, and looks at their loops.

    Args:
        loss: a compiled loss.
        output: "value", "value_and_gradient", "gradient_and_hessian" or "hessian_vector_product".
        dtype: "float32" or "float64", of targets, predictions and results.
        schedule: "flat", "rows" or "lanes"; None for the first of these that a term has.
        weighted: with one weight a row.

    Raises:
        NoGradientError: the loss is written by hand and has no kernels.
        ParameterError: an argument is none of its choices, or the loss has no such kernel.
    """
    if not loss.is_compiled:
        raise NoGradientError(f"{type(loss).__name__} is written as code, so it has no kernels to look at.")
    check_dtype(dtype)
    reports = []
    for term in loss._plan.terms:
        chosen, kernel = kernel_of(term, schedule, output)
        types = argument_types(term, kernel, chosen, dtype, weighted)
        code = machine_code(kernel, types, ITEMSIZE[dtype])
        loops = hot_loops(innermost_loops(code)) if is_analysed() else ()
        reports.append(KernelReport(chosen, code, loops, library_calls(code)))
    return tuple(reports)


def hot_loops_text(report: KernelReport) -> str:
    """The report and the hot loops' assembly; the whole assembly where the machine is not analysed."""
    code = report.code
    if not is_analysed():
        return f"# {code.name}: not analysed, this machine's instructions are not known\n\n{code.assembly}"
    lines = [f"# {code.name}, predictions of {8 * code.itemsize} bits", *map(_comment, _table(report)), ""]
    for loop in report.loops:
        lines += [_comment(f"{loop.function}: {loop.block}"), *loop.lines, ""]
    return "\n".join(lines)


def _comment(line: str) -> str:
    return f"# {line}".rstrip()


def _table(report: KernelReport) -> list[str]:
    """One line a loop, and one for the library."""
    rows = [("loop", "", "width", "loads", "stores", "spills", "calls")]
    rows += [_row(loop, report.code.itemsize) for loop in report.loops]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join(
            cell.ljust(width) if number < 2 else cell.rjust(width)
            for number, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    ]
    if any(loop.elements for loop in report.loops):
        lines.append("loads and stores in numbers of a vector loop an element, spills and calls an iteration")
    lines.append(f"calls of the C library's math.h: {', '.join(report.calls) or 'none'}")
    return lines


def _row(loop: Loop, itemsize: int) -> tuple[str, ...]:
    width = f"{loop.width} bits" if loop.width else "-"
    moved = [
        f"{size / loop.elements / itemsize:.4g}" if loop.elements else f"{size} bytes"
        for size in (loop.loads, loop.stores)
    ]
    verdict = VERDICTS[loop.kind]
    if loop.kind == "vector" and loop.scalar_operations:
        verdict = f"{verdict}, {loop.scalar_operations} scalar operations"
    return (loop.function, verdict, width, *moved, str(loop.spills), str(loop.calls))
