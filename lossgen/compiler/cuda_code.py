"""Assembled functions → what the templates of CUDA code ask for: the same steps, for the threads of a team.

A *team* is a power of two of neighbouring lanes of a warp, or a whole block. Each of its threads takes every
`step`-th column of a row; then the team joins what they have accumulated. Where rows are few and long, a row
is cut into chunks, a block each, and the kernel (*split*) runs once a *phase*: each phase joins what the
earlier ones have left in `partials`, and ends with a sweep of its own.
"""

from dataclasses import dataclass

from .assemble import Assembly, FlatKernel, Kernel, PickStep, RowStep, StoreStep, Sweep, SweepStep
from .schedule import EXPONENT

SLOT_TEXTS = {
    "sum": ("like(p, 0)", "accumulate({slot}, {value})"),
    "max": ("like(p, -inf)", "maximum_of({slot}, {value})"),
    "min": ("like(p, inf)", "minimum_of({slot}, {value})"),
    "index": ("p.size", "lesser({slot}, column if {value} == {of} else p.size)"),
}
"""By kind of slot: its value before the first column, and after a column."""

JOINS = {"sum": "sum", "max": "maximum", "min": "minimum", "index": "first"}
"""By kind of slot: the function that joins it."""


@dataclass(frozen=True)
class Phases:
    """How a kernel runs where rows are cut.

    Args:
        count: how often it runs.
        slots: numbers that each chunk of a row leaves.
    """

    count: int
    slots: int


def phases_of(kernel: Kernel) -> Phases:
    """One for each sweep, and one for the row's loss where that comes after the last sweep."""
    steps = kernel.of_kind(SweepStep)
    after = bool(steps) and bool(steps[-1].sweep.slots)
    return Phases(len(steps) + after, sum(len(step.sweep.slots) for step in steps))


# Parameters ---------------------------------------------------------------------------------------


def kernel_parameters(kernel: Kernel | FlatKernel, assembly: Assembly, split: bool = False) -> list[str]:
    """The arguments of a kernel, in the order that `lossgen.runtime.cuda.variant` says."""
    flat = isinstance(kernel, FlatKernel)
    has_value = bool(kernel.value)
    places = ("columns", "groups", "width") if flat else ("width", "length") if split else ("width", "team")
    total = ("partials", "totals") if split else ("partials",)
    return [
        *(("phase",) if split else ()),
        "labels" if assembly.labels else "y",
        "p",
        *assembly.parameter_names,
        *places,
        "weight",
        "scale",
        *(("ignored",) if assembly.labels else ()),
        *(("value_out",) if has_value else ()),
        *(("vector",) if kernel.output == "hessian_vector_product" else ()),
        *(f"{write}_out" for write in writes_of(kernel)),
        *(total if has_value else ("partials",) if split else ()),
    ]


def writes_of(kernel: Kernel | FlatKernel) -> tuple[str, ...]:
    """The outputs that a kernel writes."""
    return tuple(write for write, _ in kernel.writes) if isinstance(kernel, FlatKernel) else kernel.writes


def setup_lines(kernel: Kernel | FlatKernel, assembly: Assembly, exponents: frozenset[str]) -> list[str]:
    """What does not differ from row to row. Numbers are float64; exponents stay, which may be integers."""
    flat = isinstance(kernel, FlatKernel)
    lines = ["columns = wide(columns)"] if flat else ["columns = wide(width)"] if kernel.uses_columns else []
    for declared, name in zip(assembly.parameters, assembly.parameter_names, strict=True):
        if declared not in assembly.per_class | exponents:
            lines.append(f"{name} = wide({name})")
    return [*lines, *kernel.constants]


def sweep_parameters(sweep: Sweep) -> list[str]:
    """The arguments of a sweep: arrays, where it goes, indices, scalars, its outputs with their scales."""
    outputs = [name for write in sweep.writes for name in (f"{write}_scale", f"{write}_out")]
    indices = [index for _, index in sweep.indices]
    return [*sweep.arrays, "start", "begin", "end", "step", *indices, *sweep.scalars, *outputs]


# Inside a sweep -----------------------------------------------------------------------------------


def cast_scalars(names: tuple[str, ...]) -> list[str]:
    """The scalars that a loop uses in the type of the prediction: all but exponents."""
    return [name for name in names if not name.startswith(EXPONENT)]


def element_arguments(sweep: Sweep, assembly: Assembly) -> list[str]:
    """The arguments of the point function at `column`."""
    indices = dict(sweep.indices)
    arguments = []
    for name in sweep.point_arguments:
        if name in indices:
            arguments.append(f"like(p, column == {indices[name]})")
        elif name in sweep.arrays:
            place = "column" if name in assembly.per_class_names else "start + column"
            arguments.append(loaded(name, place))
        else:
            arguments.append(name)
    return arguments


def loaded(array: str, place: str) -> str:
    """An element of an array in the type of the predictions."""
    return f"load(p, {place})" if array == "p" else f"like(p, load({array}, {place}))"


def slot_text(slot: tuple[str, str, str]) -> dict[str, str]:
    """How a slot starts, where it is while columns are taken, and how one changes it.

    A sum of many float32 loses digits: it is a float64, made of sums over `TURN` columns each.
    """
    name, kind, of = slot
    place = f"{name}_turn" if kind == "sum" else name
    before, each = SLOT_TEXTS[kind]
    initial = "wide(0)" if kind == "sum" else before
    changed = each.format(slot=place, value=f"{name}_element", of=of)
    return {"initial": initial, "place": place, "before": before, "each": changed}


def sums(sweep: Sweep) -> list[tuple[str, str, str]]:
    """The slots of a sweep that are sums."""
    return [slot for slot in sweep.slots if slot[1] == "sum"]


def derived_texts(loop: Sweep | FlatKernel) -> list[tuple[str, str]]:
    """What the point function does not return itself: H·v where the Hessian is diagonal."""
    vector = "like(p, vector_element)" if isinstance(loop, FlatKernel) else loaded("vector", "start + column")
    return [(name, f"hessian*{vector}") for name, _ in loop.derived]


def scaled(sweep: Sweep, write: str) -> str:
    """An output times its scale: 0 where the scale is, whatever the output; where quotients of sums may leave
    the range of the output, also the other way round."""
    scale = f"{write}_scale"
    if sweep.wide:
        return f"select({scale} == 0, like(p, 0), guarded_product({write}, {scale}))"
    return f"guarded_product({scale}, {write})"


def value_text(kernel: Kernel, labels: bool) -> str:
    """A row's loss as it is stored: 0 where its label is ignored."""
    return f"select(is_used, {kernel.value}, wide(0))" if labels else kernel.value


# Steps of a row -----------------------------------------------------------------------------------


def step_lines(kernel: Kernel, assembly: Assembly, split: bool) -> list[str]:
    """Everything between a row's weight and its loss."""
    lines, phase, slot = [], 0, 0
    phases = phases_of(kernel)
    for step in kernel.steps:
        if isinstance(step, RowStep):
            lines.append(_row_line(step, kernel))
        elif isinstance(step, PickStep):
            lines.append(_pick_line(step, assembly))
        elif isinstance(step, SweepStep) and split:
            lines += _phase_lines(step, phase, slot, phases)
            phase, slot = phase + 1, slot + len(step.sweep.slots)
        elif isinstance(step, SweepStep):
            lines += _sweep_lines(step, "team")
        else:
            assert not isinstance(step, StoreStep), "a schedule for CUDA takes no hits out"
    return lines


def _row_line(step: RowStep, kernel: Kernel) -> str:
    narrow = {
        name
        for each in kernel.of_kind(SweepStep)
        for name, kind, _ in each.sweep.slots
        if kind in ("max", "min")
    }
    arguments = [f"wide({name})" if name in narrow else name for name in step.arguments]
    return f"{', '.join(step.results)} = {step.point}({', '.join(arguments)})"


def _pick_line(step: PickStep, assembly: Assembly) -> str:
    assert not step.array, "a schedule for CUDA keeps nothing"
    hits = dict(step.hits)
    arguments = []
    for name in step.elements:
        place = step.index if name in assembly.per_class_names else f"start + {step.index}"
        arguments.append(f"like(p, {step.index} == {hits[name]})" if name in hits else loaded(name, place))
    arguments += [f"like(p, {name})" for name in step.scalars]
    return f"{step.result} = wide({step.point}({', '.join(arguments)}))"


def _sweep_lines(step: SweepStep, team: str) -> list[str]:
    """The call of a sweep, and the team's results from those of its threads."""
    sweep = step.sweep
    arguments = [*sweep.arrays, "start", "begin", "end", "step"]
    arguments += [index for _, index in sweep.indices] + list(step.scalars)
    for write, factor in zip(sweep.writes, step.factors, strict=True):
        arguments += [f"guarded_product(row_scale, {factor})" if factor else "row_scale", f"{write}_out"]
    call = f"{sweep.name}({', '.join(arguments)})"
    if not sweep.slots:
        return [call]
    parts = [f"{name}_part" for name, _, _ in sweep.slots]
    lines = [f"{', '.join(parts)} = {call}"]
    return lines + [_joined(slot, team) for slot in sweep.slots]


def _joined(slot: tuple[str, str, str], team: str) -> str:
    name, kind, _ = slot
    join = f"{JOINS[kind]}_of_team({name}_part, {team})"
    # Where nothing attains the extremum (it is NaN), the last column stands in.
    return f"{name} = lesser({join}, width - 1)" if kind == "index" else f"{name} = {join}"


def _phase_lines(step: SweepStep, phase: int, first: int, phases: Phases) -> list[str]:
    """A sweep in its own phase; in later ones, what it has left."""
    lines = _sweep_lines(step, "step")
    names = [(name, kind) for name, kind, _ in step.sweep.slots]
    if names:
        lines.append("if cuda.threadIdx.x == 0:")
        lines += [
            f"    store(partials, {_place('chunk', number)}, {name})"
            for number, (name, _) in enumerate(names, start=first)
        ]
    if phase < phases.count - 1:
        lines.append("return")
    lines = [f"if phase == {phase}:", *(f"    {line}" for line in lines)]
    for number, (name, kind) in enumerate(names, start=first):
        join = f"joined_{JOINS[kind]}(partials, {_place('row', number)}, {phases.slots}, chunks)"
        lines.append(f"{name} = lesser(int({join}), width - 1)" if kind == "index" else f"{name} = {join}")
    return lines


def _place(of: str, number: int) -> str:
    return f"{of}_place + {number}" if number else f"{of}_place"


# One loop over all elements -----------------------------------------------------------------------


def element_parameters(kernel: FlatKernel) -> list[str]:
    """The arguments of what a flat kernel does at element `i`."""
    value = ["value_out", "value_scale"] if kernel.value else []
    scales = [f"{write}_scale" for write, _ in kernel.writes]
    elements = ["vector_element" if array == "vector" else array for array in kernel.arrays]
    return ["i", *elements, *kernel.casts, "width", "weight", *value, *scales]


def point_arguments(kernel: FlatKernel) -> list[str]:
    """The arguments of the point function there."""
    return ["like(p, y)" if name == "y" else name for name in kernel.point_arguments]


def contributions(kernel: FlatKernel, number: int | None = None) -> list[str]:
    """What an element adds to the loss, and its outputs; with a number, those of one of a group."""
    names = [*(["loss"] if kernel.value else []), *writes_of(kernel)]
    return names if number is None else [f"{name}_{number}" for name in names]


def returned(kernel: FlatKernel) -> list[str]:
    """The same, scaled."""
    outputs = [f"{write}_scale*{write}" for write in writes_of(kernel)]
    return [*(["loss"] if kernel.value else []), *outputs]


def group_names(array: str, size: int) -> list[str]:
    """The elements of a group of an array."""
    return [f"{array}_{number}" for number in range(1, size + 1)]


def group_access(what: str, size: int) -> str:
    """The function that loads or stores a group."""
    return what + {2: "_two", 4: "_four"}[size]


def group_sum(size: int) -> str:
    """What a group adds to the loss."""
    return {2: "loss_1 + loss_2", 4: "(loss_1 + loss_2) + (loss_3 + loss_4)"}[size]


def group_arguments(kernel: FlatKernel, number: int, size: int) -> list[str]:
    """The arguments for one element of a group."""
    place = f"{size}*group" if number == 1 else f"{size}*group + {number - 1}"
    return [place, *(f"{array}_{number}" for array in kernel.arrays), *_fixed_arguments(kernel)]


def tail_arguments(kernel: FlatKernel) -> list[str]:
    """The arguments for an element that stands in no group."""
    loads = ["like(p, load(vector, i))" if name == "vector" else f"load({name}, i)" for name in kernel.arrays]
    return ["i", *loads, *_fixed_arguments(kernel)]


def _fixed_arguments(kernel: FlatKernel) -> list[str]:
    return element_parameters(kernel)[1 + len(kernel.arrays) :]
