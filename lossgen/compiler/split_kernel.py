"""A kernel by rows → its twin that cuts each row into chunks: the same steps, sweeps on a team of threads.

The sweeps are the same. A *chunk function* runs one over the chunk of an index and leaves what it has
accumulated in `partial`; the kernel joins that in the order of the chunks.
"""

from dataclasses import dataclass

from .assemble import OUTPUTS, Assembly, FlatKernel, Kernel, Sweep, SweepStep

JOINS = {
    "sum": "sum_of(partial, {number})",
    "max": "largest_of(partial, {number})",
    "min": "smallest_of(partial, {number})",
    "index": "first_of(partial, {number}, length, p.shape[1])",
}
"""By kind of slot: the row's from those of its chunks."""


@dataclass(frozen=True)
class Chunk:
    """The text of a chunk function: its sweep's, and where the results go."""

    name: str
    parameters: tuple[str, ...]
    sweep: str
    arguments: tuple[str, ...]
    results: tuple[str, ...]


def split_kernels(assembly: Assembly) -> list[Kernel]:
    """The kernels with a split twin: those of all losses that sweep, where no flat loop does without rows."""
    if any(isinstance(each, FlatKernel) for each in assembly.kernels):
        return []
    return [each for each in assembly.kernels if each.output in OUTPUTS and each.of_kind(SweepStep)]


def chunk_of(sweep: Sweep, parameters: list[str]) -> Chunk:
    """The chunk function of a sweep that takes `parameters`."""
    sliced = {*sweep.arrays, *(f"{write}_out" for write in (*sweep.writes, sweep.buffer))}
    indices = {index for _, index in sweep.indices}
    arguments = [
        f"{name}[chunk]" if name in sliced else f"{name} - index*length" if name in indices else name
        for name in parameters
    ]
    results = tuple(f"partial[index, {number}]" for number in range(len(sweep.slots)))
    return Chunk(
        f"{sweep.name}_chunk",
        ("index", "length", *parameters, *(("partial",) if results else ())),
        sweep.name,
        tuple(arguments),
        results,
    )


def split_setup(kernel: Kernel) -> list[str]:
    """What the kernel prepares before its first row."""
    slots = max(len(step.sweep.slots) for step in kernel.of_kind(SweepStep))
    lines = ["length = split_length(p.shape[1])", "chunks = -(-p.shape[1]//length)"]
    return [*lines, f"partial = np.empty((chunks, {slots}))"] if slots else lines


def split_sweep(step: SweepStep, arguments: list[str]) -> list[str]:
    """One sweep over a row in chunks: the call of the team, and the row's results."""
    sweep = step.sweep
    given = ", ".join(["length", *arguments, *(["partial"] if sweep.slots else [])])
    lines = [f"in_team(team, chunks, {sweep.name}_chunk, ({given}))"]
    for number, (name, kind, _) in enumerate(sweep.slots):
        lines.append(f"{name} = {JOINS[kind].format(number=number)}")
    return lines
