"""A kernel by rows → its twin in lanes: the same steps for a tile of rows, vectorised across the rows.

The point functions are the same; what was a number of the row becomes an array with one number a lane.
"""

from dataclasses import dataclass

from .assemble import Assembly, Kernel, PickStep, RowStep, Sweep, SweepStep

LANE_OUTPUTS = ("value", "value_and_gradient", "gradient_and_hessian")
"""The kernels that exist in lanes."""

SLOT_TEXTS = {
    "sum": ("0", "{slot}[lane] + {value}"),
    "max": ("-inf", "maximum_of({slot}[lane], {value})"),
    "min": ("inf", "minimum_of({slot}[lane], {value})"),
    "index": ("p.shape[0] - 1", "min({slot}[lane], column if {value} == {of}[lane] else p.shape[0])"),
}
"""By kind of slot: its value before the first column, and after a column."""


@dataclass(frozen=True)
class LaneSweep:
    """A sweep over a tile; `constants` are the scalars that all lanes share."""

    name: str
    sweep: Sweep
    tiles: tuple[str, ...]
    constants: tuple[str, ...]
    parameters: tuple[str, ...]
    arguments: tuple[str, ...]
    wide: bool


@dataclass(frozen=True)
class LaneKernel:
    """The text of a kernel in lanes, part by part."""

    name: str
    parameters: tuple[str, ...]
    constants: tuple[str, ...]
    tiles: tuple[str, ...]
    lanes: tuple[str, ...]
    indices: tuple[str, ...]
    loaded: tuple[str, ...]
    body: tuple[str, ...]
    has_value: bool
    value: str
    writes: tuple[str, ...]
    uses_columns: bool
    wide: bool


def lane_kernels(assembly: Assembly, parameters) -> tuple[list[LaneSweep], list[LaneKernel]]:
    """The kernels in lanes and their loops; `parameters(kernel)` lists a kernel's arguments."""
    sweeps: list[LaneSweep] = []
    made = [_kernel(assembly, kernel, parameters(kernel), sweeps) for kernel in assembly.in_lanes]
    return sweeps, made


def lane_slot_text(slot: tuple[str, str, str]) -> dict[str, str]:
    """How a slot starts and how a column changes it."""
    name, kind, of = slot
    initial, each = SLOT_TEXTS[kind]
    return {"initial": initial, "each": each.format(slot=name, value=f"{name}_element", of=of)}


def _kernel(assembly: Assembly, kernel: Kernel, parameters: list[str], sweeps: list[LaneSweep]) -> LaneKernel:
    lanes, indices, body = [], ["label"] if assembly.labels else [], []
    for step in kernel.steps:
        if isinstance(step, RowStep):
            lanes += step.results
            arguments = ", ".join(_of_lane(name, kernel) for name in step.arguments)
            results = ", ".join(f"{name}[lane]" for name in step.results)
            body += ["for lane in range(LANES):", f"    {results} = {step.point}({arguments})"]
        elif isinstance(step, PickStep):
            # Elements are gathered in a loop of their own: one that gathers does not vectorise.
            gathered = [f"{step.result}_{name}" for name in step.elements]
            lanes += [*gathered, step.result]
            body += ["for lane in range(LANES):"]
            body += [
                f"    {name}[lane] = {_picked(element, step.index, assembly.per_class_names)}"
                for name, element in zip(gathered, step.elements, strict=True)
            ]
            arguments = [f"like(p, {name}[lane])" for name in gathered]
            arguments += [f"like(p, {_of_lane(name, kernel)})" for name in step.scalars]
            body += [
                "for lane in range(LANES):",
                f"    {step.result}[lane] = {step.point}({', '.join(arguments)})",
            ]
        else:
            sweep = step.sweep
            lanes += [name for name, kind, _ in sweep.slots if kind != "index"]
            indices += [name for name, kind, _ in sweep.slots if kind == "index"]
            lanes += [f"{write}_scale" for write in sweep.writes]
            for write, factor in zip(sweep.writes, step.factors, strict=True):
                scaled = f"row_scale[lane]*{_of_lane(factor, kernel)}" if factor else "row_scale[lane]"
                body += ["for lane in range(LANES):", f"    {write}_scale[lane] = {scaled}"]
            body.append(_call(_lane_sweep(assembly, step, kernel, sweeps), step, assembly))
    arrays = {name for step in kernel.of_kind(SweepStep) for name in step.sweep.arrays}
    arrays |= {name for step in kernel.of_kind(PickStep) for name in step.elements}
    loaded = tuple(name for name in ("y", "p", "vector") if name in arrays)
    return LaneKernel(
        f"{kernel.stem}_lanes",
        tuple(parameters),
        kernel.constants,
        (*loaded, *kernel.writes),
        tuple(dict.fromkeys(lanes)),
        tuple(dict.fromkeys(indices)),
        loaded,
        tuple(body),
        kernel.has_value,
        kernel.value,
        kernel.writes,
        kernel.uses_columns,
        _is_wide(kernel),
    )


def _is_wide(kernel: Kernel) -> bool:
    """Whether row quantities are float64 because one of the sweeps is."""
    return any(step.sweep.wide for step in kernel.of_kind(SweepStep))


def _of_lane(name: str, kernel: Kernel) -> str:
    """A row quantity of one lane, as float64; constants and numbers as they are."""
    if name in kernel.constant_names or not name.isidentifier() or name.startswith("constant_"):
        return name
    return f"float({name}[lane])"


def _picked(name: str, index: str, per_class: frozenset[str]) -> str:
    return f"like(p, {name}[{index}[lane]])" if name in per_class else f"{name}_tile[{index}[lane], lane]"


def _lane_sweep(assembly: Assembly, step: SweepStep, kernel: Kernel, sweeps: list[LaneSweep]) -> LaneSweep:
    sweep = step.sweep
    constants = tuple(
        name
        for name, source in zip(sweep.scalars, step.scalars, strict=True)
        if source in kernel.constant_names or not source.isidentifier()
    )
    wide = _is_wide(kernel)
    for known in sweeps:
        if (known.sweep, known.constants, known.wide) == (sweep, constants, wide):
            return known
    tiles = tuple(name for name in sweep.arrays if name not in assembly.per_class_names)
    writes = [name for write in sweep.writes for name in (f"{write}_scale", f"{write}_tile")]
    parameters = (
        *sweep.arrays,
        *(index for _, index in sweep.indices),
        *sweep.scalars,
        *sweep.accumulators,
        *writes,
        *((f"{sweep.buffer}_tile",) if sweep.buffer else ()),
    )
    indices = dict(sweep.indices)
    arguments = []

    def cast(source: str) -> str:
        return f"like(0.0, {source})" if sweep.wide else f"like(p, {source})"

    for name in sweep.point_arguments:
        if name in tiles:
            source = f"{name}_lanes[lane]"
            arguments.append(f"float({source})" if sweep.wide else source)
        elif name == "kept":
            arguments.append(f"{sweep.array}_lanes[lane]")
        elif name in sweep.arrays:
            arguments.append(cast(f"{name}[column]"))
        elif name in indices:
            arguments.append(cast(f"{indices[name]}[lane] == np.int32(column)"))
        elif name in constants:
            arguments.append(name)
        else:
            arguments.append(f"like(p, {name}[lane])" if wide and not sweep.wide else f"{name}[lane]")
    name = f"{sweep.name}_lanes"
    taken = {each.name for each in sweeps}
    while name in taken:
        name = f"{name}_again"
    sweeps.append(LaneSweep(name, sweep, tiles, constants, parameters, tuple(arguments), wide))
    return sweeps[-1]


def _call(loop: LaneSweep, step: SweepStep, assembly: Assembly) -> str:
    sweep = step.sweep
    arguments = [name if name in assembly.per_class_names else f"{name}_tile" for name in sweep.arrays]
    arguments += [index for _, index in sweep.indices] + list(step.scalars) + list(sweep.accumulators)
    arguments += [name for write in sweep.writes for name in (f"{write}_scale", f"{write}_tile")]
    arguments += [f"{sweep.buffer}_tile"] if sweep.buffer else []
    return f"{loop.name}({', '.join(arguments)})"
