"""The CUDA kernels of a loss as a table for a terminal: what they take of a GPU, and how long at best."""

from collections.abc import Iterable

from lossgen.errors import MissingLibraryError
from lossgen.inspection.cuda.assembler import assembler_version
from lossgen.inspection.cuda.facts import facts_of
from lossgen.inspection.cuda.kernels import kernels_of
from lossgen.inspection.cuda.model import DEVICES, seconds
from lossgen.inspection.cuda.prediction import Prediction, prediction
from lossgen.inspection.machine_code import check_dtype
from lossgen.runtime.loss import Loss

UNKNOWN = "-"
HEADINGS = ("output", "schedule", "registers", "shared", "occupancy", "bytes", "operations")
SHAPE = (16_384, 1_024)


def report(
    loss: Loss,
    dtype: str = "float32",
    capability: tuple[int, int] = (9, 0),
    shape: tuple[int, int] = SHAPE,
) -> str:
    """What is known about the CUDA kernels of a loss on a machine without a GPU.

    Args:
        loss: a compiled loss.
        dtype: "float32" or "float64", of targets, predictions and results.
        capability: compute capability that they are compiled for, (8, 0) or (9, 0).
        shape: rows and columns of the predictions.

    Raises:
        NoGradientError: the loss is written by hand and has no kernels.
        CompileError: it was generated without CUDA kernels.
        MissingLibraryError: Numba cannot import CUDA, or the simulator is in its place.
    """
    from lossgen.runtime.cuda.toolchain import SIMULATED

    check_dtype(dtype)
    if SIMULATED:
        raise MissingLibraryError(
            "NUMBA_ENABLE_CUDASIM is set: the simulator has no kernels to look at; unset it"
        )
    kernels = kernels_of(loss)
    missing, predictions = "", []
    for kernel in kernels:
        facts = None
        if not missing:
            try:
                facts = facts_of(kernel, dtype, capability)
            except MissingLibraryError as error:
                missing = str(error)
        predictions.append(prediction(kernel, dtype, *shape, facts))
    dotted = ".".join(map(str, capability))
    made = f"registers, occupancy and operations are not known: {missing}"
    if not missing:
        made = f"compiled for compute capability {dotted}, assembled by ptxas {assembler_version()}"
    lines = [f"{type(loss).__name__}: CUDA kernels, {dtype}, {shape[0]}×{shape[1]} predictions", made, ""]
    return "\n".join([*lines, *table(predictions, capability), "", *notes()]) + "\n"


def table(predictions: Iterable[Prediction], capability: tuple[int, int]) -> list[str]:
    """One line a kernel under one of headings."""
    rows = [(*HEADINGS, *(device.name for device in DEVICES))]
    rows += [_row(one, capability) for one in predictions]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            cell.ljust(width) if number < 2 else cell.rjust(width)
            for number, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def notes() -> list[str]:
    """What the columns of the table mean."""
    return [
        "bytes: an element, if caches serve all but the first access (in brackets: if they serve none)",
        "operations: PTX instructions an element, all branches counted",
        "times: the least possible, from the bandwidth of the memory and the operations a cycle:",
        *(f"  {device.name}: {device.source}" for device in DEVICES),
    ]


def _row(one: Prediction, capability: tuple[int, int]) -> tuple[str, ...]:
    bytes_moved = f"{one.least_bytes:g}"
    if one.most_bytes != one.least_bytes:
        bytes_moved += f" ({one.most_bytes:g})"
    times = (duration(seconds(device, one.work(device))) for device in DEVICES)
    if one.facts is None:
        known = (UNKNOWN, UNKNOWN, UNKNOWN, bytes_moved, UNKNOWN)
    else:
        used = one.facts.resources
        spilled = f" + {used.stack} B stack" if used.stack else ""
        known = (
            f"{used.registers}{spilled}",
            f"{used.shared} B",
            f"{one.occupancy(capability):.0%}",
            bytes_moved,
            f"{one.facts.per_element('operations'):.0f}",
        )
    return (one.kernel.output, one.kernel.schedule, *known, *times)


def duration(time: float) -> str:
    """Seconds with a unit and three digits: "60.1 µs"."""
    unit, factor = ("ms", 1e3) if time >= 1e-3 else ("µs", 1e6)
    return f"{time * factor:.3g} {unit}"
