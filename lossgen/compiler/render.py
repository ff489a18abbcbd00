"""Assembled functions → the text of a module, through the templates.

The templates place text; what they place is decided here: parameter lists, initial values, imports, header.
"""

import re
from functools import cache
from importlib.resources import files

from jinja2 import Environment, FunctionLoader, StrictUndefined

from .assemble import Assembly, FlatKernel, Kernel, PickStep, RowStep, StoreStep, Sweep, SweepStep
from .folding import fold
from .lanes_kernel import lane_kernels, lane_slot_text
from .printer import ELEMENT_SUFFIX, LADDER_FUNCTIONS, VECTOR_FUNCTIONS
from .schedule import EXPONENT
from .split_kernel import chunk_of, split_kernels, split_setup, split_sweep

INTRINSICS = ("accumulate", "like", "maximum_of", "minimum_of", "select")

LANE_FUNCTIONS = {
    "LANES",
    "clear_ignored",
    "load_labels",
    "load_scales",
    "load_tile",
    "store_tile",
    "store_values",
    "sum_of_lanes",
}

SPLIT_FUNCTIONS = {"first_of", "largest_of", "smallest_of", "split_length", "sum_of"}

SLOT_TEXTS = {
    "sum": ("0.0", "like(p, 0)", "{block} = accumulate({block}, {value})", "{slot} += {block}"),
    "max": (
        "like(p, -inf)",
        "like(p, -inf)",
        "{block} = maximum_of({block}, {value})",
        "{slot} = maximum_of({slot}, {block})",
    ),
    "min": (
        "like(p, inf)",
        "like(p, inf)",
        "{block} = minimum_of({block}, {value})",
        "{slot} = minimum_of({slot}, {block})",
    ),
    "index": (
        "p.size",
        "p.size",
        "{block} = min({block}, start + i if {value} == {of} else p.size)",
        "{slot} = min({slot}, {block})",
    ),
}
"""By kind of slot: its value before the row, before a block, after a column, after a block."""


@cache
def environment() -> Environment:
    def source(name: str) -> str:
        return files("lossgen.templates").joinpath(name).read_text(encoding="utf-8")

    made = Environment(
        loader=FunctionLoader(source),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,
    )
    made.globals.update(
        sweep_parameters=sweep_parameters,
        block_arrays=block_arrays,
        element_arguments=element_arguments,
        cast_scalars=cast_scalars,
        scaled=scaled,
        slot_text=slot_text,
        lane_slot_text=lane_slot_text,
    )
    return made


def render_module(header: str, imports: str, functions: str, variant: str, class_: dict | None) -> str:
    """The text of a module: header, imports, functions, the table of kernels, class and function."""
    text = (
        environment()
        .get_template("module.jinja")
        .render(header=header, imports=imports, functions=functions, variant=variant, class_=class_)
    )
    return "\n".join(fold(line) for line in text.splitlines()).rstrip() + "\n"


def render_functions(title: str, assembly: Assembly) -> str:
    """Point functions, sweeps and kernels of one term."""
    templates = environment()
    module = templates.get_template("functions.jinja").make_module(
        {
            "labels": assembly.labels,
            "kernel_parameters": lambda kernel: kernel_parameters(kernel, assembly),
            "steps": lambda kernel, split: [
                line for step in kernel.steps for line in step_lines(step, kernel, assembly, split)
            ],
            "split_setup": split_setup,
        }
    )
    lanes = templates.get_template("lanes.jinja").make_module({"labels": assembly.labels})
    rows = [kernel for kernel in assembly.kernels if isinstance(kernel, Kernel)]
    flat = [kernel for kernel in assembly.kernels if isinstance(kernel, FlatKernel)]
    loops, tiled = lane_kernels(assembly, lambda kernel: kernel_parameters(kernel, assembly))
    split = split_kernels(assembly)
    used = [step.sweep for kernel in rows for step in kernel.of_kind(SweepStep)]
    sweeps = [sweep for sweep in assembly.sweeps if sweep in used]  # others have a form in lanes only
    chunks = [chunk_of(sweep, sweep_parameters(sweep)) for sweep in sweeps] if split else []
    sections = [
        (
            f"What one element or one row contributes{title}",
            [module.point(point) for point in assembly.points],
        ),
        (f"One loop over the columns of a row{title}", [module.sweep(sweep) for sweep in sweeps]),
        (f"Kernels, row by row{title}", [module.rows(kernel) for kernel in rows]),
        (f"One chunk of the columns of a row{title}", [module.chunk(chunk) for chunk in chunks]),
        (
            f"Kernels, row by row in chunks for a team of threads{title}",
            [module.rows(kernel, split=True) for kernel in split],
        ),
        (f"One loop over a tile of rows{title}", [lanes.sweep(loop) for loop in loops]),
        (f"Kernels, tile by tile{title}", [lanes.kernel(kernel) for kernel in tiled]),
        (f"Kernels in one loop over all elements{title}", [module.flat(kernel) for kernel in flat]),
        (
            f"Kernels on a team of threads, chunk by chunk{title}",
            [
                module.team(name)
                for layout, table in kernel_tables(assembly).items()
                if layout != "split"
                for name in table.values()
            ],
        ),
        (
            f"The same in array code, for any framework{title}",
            [module.arrays(each) for each in assembly.in_arrays],
        ),
    ]
    return "\n\n\n".join(
        "\n\n\n".join([rule(heading), *(str(text).strip() for text in functions)])
        for heading, functions in sections
        if functions
    )


def kernel_tables(assembly: Assembly) -> dict[str, dict[str, str]]:
    """For each layout of the data the name of the kernel of each output."""
    rows = {each.output: each.name for each in assembly.kernels if isinstance(each, Kernel)}
    flat = {each.output: each.name for each in assembly.kernels if isinstance(each, FlatKernel)}
    lanes = {each.output: f"{each.stem}_lanes" for each in assembly.in_lanes}
    split = {each.output: each.split_name for each in split_kernels(assembly)}
    return {"rows": rows, "lanes": lanes, "split": split, "flat": flat}


def rule(heading: str) -> str:
    """A section heading in a module."""
    return f"# {heading} ".ljust(100, "-")


# What the templates ask ---------------------------------------------------------------------------


def sweep_parameters(sweep: Sweep) -> list[str]:
    outputs = [name for write in sweep.writes for name in (f"{write}_scale", f"{write}_out")]
    outputs += [f"{sweep.buffer}_out"] if sweep.buffer else []
    return [*sweep.arrays, *(index for _, index in sweep.indices), *sweep.scalars, *outputs]


def kernel_parameters(kernel: Kernel | FlatKernel, assembly: Assembly) -> list[str]:
    flat = isinstance(kernel, FlatKernel)
    has_value = bool(kernel.value) if flat else kernel.has_value
    writes = [write[0] if flat else write for write in kernel.writes]
    target = "labels" if assembly.labels else "y"
    return [
        target,
        "p",
        *assembly.parameter_names,
        *(("columns",) if flat else ()),
        "weight",
        "scale",
        *(("ignored",) if assembly.labels else ()),
        *(("value_out",) if has_value else ()),
        *(("vector",) if kernel.output == "hessian_vector_product" else ()),
        *(f"{write}_out" for write in writes),
    ]


def scaled(write: str, scale: str, wide: bool) -> str:
    """An output times its scale; a scale beyond the range of the output must not meet an output of 0."""
    return f"guarded_product({write}, {scale})" if wide else f"{scale}*{write}"


def cast_scalars(names: tuple[str, ...], wide: bool = False) -> list[str]:
    """The scalars that a loop uses in the dtype of the prediction: all but exponents."""
    return [] if wide else [name for name in names if not name.startswith(EXPONENT)]


def block_arrays(sweep: Sweep) -> list[str]:
    return list(sweep.arrays)


def element_arguments(loop: Sweep | FlatKernel) -> list[str]:
    """The arguments of the point function at column `start + i`."""
    indices = dict(getattr(loop, "indices", ()))
    wide = getattr(loop, "wide", False)
    arguments = []

    def cast(source: str) -> str:
        return f"like(0.0, {source})" if wide else f"like(p, {source})"

    for name in loop.point_arguments:
        if name == "p":
            arguments.append("float(p_block[i])" if wide else "p_block[i]")
        elif name == "kept":
            arguments.append(f"{loop.array}_block[i]")
        elif name in loop.arrays:
            arguments.append(cast(f"{name}_block[i]"))
        elif name in indices:
            arguments.append(cast(f"start + i == {indices[name]}"))
        else:
            arguments.append(name)
    return arguments


def slot_text(slot: tuple[str, str, str], wide: bool) -> dict[str, str]:
    name, kind, of = slot
    initial, block_initial, update, join = SLOT_TEXTS[kind]
    words = {"slot": name, "block": f"{name}_block", "value": name_of_value(name), "of": of}
    return {
        "initial": initial,
        "before": initial if wide else block_initial,
        "each": update.format(**words),
        "after": join.format(**words),
    }


def name_of_value(slot: str) -> str:
    return f"{slot}_element"


def step_lines(
    step: RowStep | PickStep | SweepStep | StoreStep, kernel: Kernel, assembly: Assembly, split: bool
) -> list[str]:
    """One step of a row, for one row; what belongs to the row is float64."""
    per_class = assembly.per_class_names
    if isinstance(step, RowStep):
        narrow = set() if split else _narrow(kernel)
        arguments = [f"float({name})" if name in narrow else name for name in step.arguments]
        return [f"{', '.join(step.results)} = {step.point}({', '.join(arguments)})"]
    if isinstance(step, PickStep):
        arguments = [_element_of_row(name, step, per_class) for name in step.elements]
        arguments += [f"like(p, {name})" for name in step.scalars]
        return [f"{step.result} = float({step.point}({', '.join(arguments)}))"]
    if isinstance(step, StoreStep):
        return [f"{step.write}_out[row, {step.index}] = {'*'.join(step.factors)}"]
    sweep = step.sweep
    arguments = [name if name in per_class else f"{name}[row]" for name in sweep.arrays]
    arguments += [index for _, index in sweep.indices] + list(step.scalars)
    for write, factor in zip(sweep.writes, step.factors, strict=True):
        arguments += [f"row_scale*{factor}" if factor else "row_scale", f"{write}_out[row]"]
    arguments += [f"{sweep.buffer}_out[row]"] if sweep.buffer else []
    if split:
        lines = split_sweep(step, arguments)
    else:
        left = f"{', '.join(sweep.accumulators)} = " if sweep.accumulators else ""
        lines = [f"{left}{sweep.name}({', '.join(arguments)})"]
    # Where nothing attains the extremum (it is NaN), the last column stands in.
    found = [name for name, kind, _ in sweep.slots if kind == "index"]
    return lines + [f"{name} = min({name}, p.shape[1] - 1)" for name in found]


def _narrow(kernel: Kernel) -> set[str]:
    """Row quantities that sweeps return in the dtype of the prediction."""
    slots = [slot for step in kernel.of_kind(SweepStep) for slot in step.sweep.slots]
    return {name for name, kind, _ in slots if kind in ("max", "min")}


def _element_of_row(name: str, step: PickStep, per_class: frozenset[str]) -> str:
    hits = dict(step.hits)
    if name in hits:
        return f"like(p, {step.index} == {hits[name]})"
    if name in per_class:
        return f"like(p, {name}[{step.index}])"
    if name == "kept":
        return f"{step.array}_out[row, {step.index}]"
    return f"p[row, {step.index}]" if name == "p" else f"like(p, {name}[row, {step.index}])"


# Imports ------------------------------------------------------------------------------------------


def import_lines(text: str, tables: str, base: str | None) -> str:
    """The imports that the functions in `text`, the tables behind them and the base of the class need."""
    text = re.sub(r"\bops\.\w+", "", text)  # what a framework provides
    words = set(re.findall(r"[A-Za-z_][A-Za-z_0-9]*", text))
    called = set(re.findall(r"([A-Za-z_][A-Za-z_0-9]*)\(", text))
    named = set(re.findall(r"(Option|Parameter|Properties|Term|Variant)\(", tables))
    numba = bool(text)
    defined = set(re.findall(r"^def ([A-Za-z_0-9]+)", text, flags=re.MULTILINE))
    sources = [
        ("lossgen.runtime.compiling", ["njit"] if numba else []),
        ("lossgen.runtime.intrinsics", [name for name in INTRINSICS if name in called]),
        (
            "lossgen.runtime.ladder_math",
            sorted(LADDER_FUNCTIONS & called),
        ),
        ("lossgen.runtime.lanes", sorted(words & LANE_FUNCTIONS)),
        ("lossgen.runtime.loss", ["Loss", "function_of"] if base == "Loss" else []),
        ("lossgen.runtime.options", ["BLOCK", "FAST", "INLINE"] if numba else []),
        ("lossgen.runtime.parameters", [name for name in ("Option", "Parameter") if name in named]),
        ("lossgen.runtime.penalty", ["Penalty", "function_of"] if base == "Penalty" else []),
        ("lossgen.runtime.properties", ["Properties"] if "Properties" in named else []),
        ("lossgen.runtime.split", sorted(words & SPLIT_FUNCTIONS)),
        ("lossgen.runtime.team", [name for name in ("in_chunks", "in_team") if name in called]),
        ("lossgen.runtime.variant", [name for name in ("Term", "Variant") if name in named]),
        ("lossgen.runtime.vector_math", imported(VECTOR_FUNCTIONS | {"sqrt", "power"}, called - defined)),
    ]
    lines = ["from math import inf", ""] if "inf" in words else []
    lines += ["import numpy as np", ""] if "np" in words else []
    lines += [f"from {module} import {', '.join(names)}" for module, names in sources if names]
    return "\n".join(lines)


def imported(functions: frozenset[str], called: set[str]) -> list[str]:
    """The functions that are called, those whose name is the loss's own under another one."""
    aliased = {name: f"{name}{ELEMENT_SUFFIX}" for name in functions}
    return sorted(functions & called) + [
        f"{name} as {alias}" for name, alias in sorted(aliased.items()) if alias in called
    ]
