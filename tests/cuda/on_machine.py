"""Runs a CUDA kernel on the PTX machine, and the CPU kernel of the same output on the same data."""

from dataclasses import dataclass, field

import numpy as np
from ptx_machine import DeviceArray, Machine

from lossgen.cli.finding import instance, named
from lossgen.inspection.cuda.ptx import read_kernel

OUTPUTS = ("gradient_out", "hessian_out", "product_out")


@dataclass
class Data:
    """What a kernel is given: rows × columns, and of it what is None or not there for some."""

    y: np.ndarray
    p: np.ndarray
    vector: np.ndarray | None = None
    weight: np.ndarray | None = None
    scale: float = 0.5
    ignored: int = -1
    parameters: tuple | None = None


@dataclass
class Outcome:
    """The arrays that a kernel has written, its total, and what it did to the arrays on the machine."""

    arrays: dict[str, np.ndarray]
    total: float | None
    memory: dict[str, DeviceArray] = field(default_factory=dict)


def group_of(array: np.ndarray) -> int:
    """How many elements flat kernels read at once."""
    return 2 if array.dtype == np.float64 else 4


def on_machine(
    made: dict, data: Data, grid: int, threads: int, team: int = 1, length: int = 0, **how
) -> Outcome:
    """Runs a compiled kernel.

    Args:
        made: what `compiled_elsewhere` returned for it.
        data: its arrays.
        grid: number of blocks; of a split kernel that follows from `length`.
        threads: of a block.
        team: threads that share a row.
        length: columns of a chunk.
        how: "offset", bytes by which arrays are not aligned; "groups", how many groups are read at once.
    """
    machine = Machine()
    rows, columns = data.p.shape
    chunks = -(-columns // length) if length else 1
    given = _on_machine(machine, made, data, how.get("offset", 0))
    partials = np.full(rows * chunks * made["slots"] if length else grid, np.nan)
    given |= {
        "columns": float(columns), "width": columns, "team": team, "length": length,
        "groups": how.get("groups", data.p.size // group_of(data.p)),
        "scale": data.scale, "ignored": data.ignored,
        "partials": machine.put(partials, "partials"), "totals": machine.put(np.full(rows, np.nan), "totals"),
    }  # fmt: skip
    kernel = read_kernel(made["ptx"])
    for phase in range(made["phases"]):
        given["phase"] = phase
        blocks = (chunks, rows) if length else grid
        machine.launch(kernel, blocks, threads, *(given[name] for name in made["arguments"]))
    written = [name for name in (*OUTPUTS, "value_out") if isinstance(given.get(name), DeviceArray)]
    sums = "totals" if "totals" in made["arguments"] else "partials"
    total = float(machine.get(given[sums]).sum()) if made["output"].startswith("value") else None
    memory = {name: array for name, array in given.items() if isinstance(array, DeviceArray)}
    return Outcome({name: machine.get(given[name]) for name in written}, total, memory)


def _on_machine(machine: Machine, made: dict, data: Data, offset: int) -> dict:
    """The arrays and the parameters, by the names of the kernel's arguments."""
    term = term_of(made)
    parameters = data.parameters or term.scalars
    arithmetic = data.p.dtype if data.p.dtype == np.float64 else np.dtype(np.float32)
    given: dict = {
        name: machine.put(value.astype(arithmetic), name) if isinstance(value, np.ndarray) else value
        for name, value in zip(term.values, parameters, strict=True)
    }
    given["labels" if term.labels else "y"] = machine.put(
        data.y.reshape(-1), "y", 0 if term.labels else offset
    )
    given["p"] = machine.put(data.p.reshape(-1), "p", offset)
    if data.vector is not None:
        given["vector"] = machine.put(data.vector.reshape(-1), "vector", offset)
    given["weight"] = None
    if made["weighted"]:
        given["weight"] = machine.put(data.weight.astype(arithmetic), "weight")
    given["value_out"] = None
    if made["unreduced"]:
        given["value_out"] = machine.put(np.zeros(data.p.shape[0], data.p.dtype), "value_out")
    for name in OUTPUTS:
        if name in made["arguments"]:
            given[name] = machine.put(np.zeros(data.p.size, data.p.dtype), name, offset)
    return given


def term_of(made: dict):
    """The bound term of the loss; losses of one term only."""
    loss = instance(named(made["loss"]), made["options"])
    (term,) = loss._plan_for("source").terms
    return term


def on_host(made: dict, data: Data) -> Outcome:
    """What the CPU kernels by rows compute; of half precision in float32."""
    term = term_of(made)
    y, p, vector = (
        array.astype(np.float32) if array is not None and array.dtype == np.float16 else array
        for array in (data.y, data.p, data.vector)
    )
    weight = data.weight.astype(p.dtype) if made["weighted"] else None
    rest = (data.ignored,) if term.labels else ()
    value_out = np.zeros(p.shape[0], p.dtype) if made["unreduced"] else None
    kernel, _ = term.rows[made["output"]]
    arrays = {name: np.zeros_like(p) for name in OUTPUTS if name in made["arguments"]}
    if made["output"].startswith("value"):
        rest = (*rest, value_out)
    elif vector is not None:
        rest = (*rest, vector)
    parameters = data.parameters or term.scalars
    total = kernel(y, p, *parameters, weight, data.scale, *rest, *arrays.values())
    if value_out is not None:
        arrays["value_out"] = value_out
    return Outcome({name: array.reshape(-1) for name, array in arrays.items()}, total)
