"""Assembled functions → the text of a module, through the templates.

The templates place text; what they place is decided here: parameter lists, initial values, imports, header.
"""

import re
from functools import cache
from importlib.resources import files

from jinja2 import Environment, FunctionLoader, StrictUndefined

from .assemble import Assembly, Call, FlatKernel, Kernel, Sweep
from .folding import fold
from .printer import ELEMENT_SUFFIX, LADDER_FUNCTIONS, VECTOR_FUNCTIONS

INTRINSICS = ("accumulate", "like", "maximum_of", "minimum_of", "select")

SLOT_TEXTS = {
    "sum": ("0.0", "like(p, 0)", "{block} = accumulate({block}, {value})", "{slot} += {block}"),
    "max": ("like(p, -inf)", "like(p, -inf)", "{block} = maximum_of({block}, {value})", "{slot} = maximum_of({slot}, {block})"),
    "min": ("like(p, inf)", "like(p, inf)", "{block} = minimum_of({block}, {value})", "{slot} = minimum_of({slot}, {block})"),
    "index": ("p.size", "p.size", "{block} = min({block}, start + i if {value} == {of} else p.size)", "{slot} = min({slot}, {block})"),
}
"""By kind of slot: its value before the row, before a block, after a column, after a block."""


@cache
def _environment() -> Environment:
    def source(name: str) -> str:
        return files("lossgen.templates").joinpath(name).read_text(encoding="utf-8")

    environment = Environment(
        loader=FunctionLoader(source), undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True,
        keep_trailing_newline=True, autoescape=False,
    )
    environment.globals.update(
        sweep_parameters=sweep_parameters, block_arrays=block_arrays, element_arguments=element_arguments,
        slot_text=slot_text, step_text=step_text,
    )
    return environment


def render_module(header: str, imports: str, functions: str, variant: str, class_: dict | None) -> str:
    """The text of a module: header, imports, functions, the table of kernels, class and function."""
    text = _environment().get_template("module.jinja").render(
        header=header, imports=imports, functions=functions, variant=variant, class_=class_
    )
    return "\n".join(fold(line) for line in text.splitlines()).rstrip() + "\n"


def render_functions(title: str, assembly: Assembly) -> str:
    """Point functions, sweeps and kernels of one term."""
    environment = _environment()
    module = environment.get_template("functions.jinja").make_module({
        "labels": assembly.labels,
        "kernel_parameters": lambda kernel: kernel_parameters(kernel, assembly),
        "uses_columns": uses_columns,
    })
    rows = [kernel for kernel in assembly.kernels if isinstance(kernel, Kernel)]
    flat = [kernel for kernel in assembly.kernels if isinstance(kernel, FlatKernel)]
    sections = [
        (f"What one element or one row contributes{title}", [module.point(point) for point in assembly.points]),
        (f"One loop over the columns of a row{title}", [module.sweep(sweep) for sweep in assembly.sweeps]),
        (f"Kernels, row by row{title}", [module.rows(kernel) for kernel in rows]),
        (f"Kernels in one loop over all elements{title}", [module.flat(kernel) for kernel in flat]),
    ]
    return "\n\n\n".join(
        "\n\n\n".join([rule(heading), *(str(text).strip() for text in functions)])
        for heading, functions in sections if functions
    )


def rule(heading: str) -> str:
    """A section heading in a module."""
    return f"# {heading} ".ljust(100, "-")


# What the templates ask ---------------------------------------------------------------------------------------


def sweep_parameters(sweep: Sweep) -> list[str]:
    outputs = [name for write in sweep.writes for name in (f"{write}_scale", f"{write}_out")]
    return [*sweep.arrays, *(index for _, index in sweep.indices), *sweep.scalars, *outputs]


def kernel_parameters(kernel: Kernel | FlatKernel, assembly: Assembly) -> list[str]:
    flat = isinstance(kernel, FlatKernel)
    has_value = bool(kernel.value) if flat else kernel.has_value
    writes = [write[0] if flat else write for write in kernel.writes]
    target = "labels" if assembly.labels else "y"
    return [
        target, "p", *assembly.parameter_names, *(("columns",) if flat else ()), "weight", "scale",
        *(("ignored",) if assembly.labels else ()), *(("value_out",) if has_value else ()),
        *(("vector",) if kernel.output == "hessian_vector_product" else ()), *(f"{write}_out" for write in writes),
    ]


def uses_columns(kernel: Kernel) -> bool:
    words = [*kernel.constants, *(argument for step in kernel.steps for argument in step.arguments), kernel.value]
    return any(re.search(r"\bcolumns\b", word) for word in words)


def block_arrays(sweep: Sweep) -> list[str]:
    return list(sweep.arrays)


def element_arguments(loop: Sweep | FlatKernel) -> list[str]:
    """The arguments of the point function at column `start + i`."""
    indices = dict(getattr(loop, "indices", ()))
    arguments = []
    for name in loop.point_arguments:
        if name == "p":
            arguments.append("p_block[i]")
        elif name in loop.arrays:
            arguments.append(f"like(p, {name}_block[i])")
        elif name in indices:
            arguments.append(f"like(p, start + i == {indices[name]})")
        else:
            arguments.append(name)
    return arguments


def slot_text(slot: tuple[str, str, str]) -> dict[str, str]:
    name, kind, of = slot
    initial, block_initial, update, join = SLOT_TEXTS[kind]
    words = {"slot": name, "block": f"{name}_block", "value": name_of_value(name), "of": of}
    return {"initial": initial, "before": block_initial, "each": update.format(**words), "after": join.format(**words)}


def name_of_value(slot: str) -> str:
    return f"{slot}_element"


def step_text(step: Call) -> str:
    left = f"{', '.join(step.results)} = " if step.results else ""
    return f"{left}{step.function}({', '.join(step.arguments)})"


# Imports ------------------------------------------------------------------------------------------------------


def import_lines(text: str, tables: str, with_class: bool) -> str:
    """The imports that the functions in `text` and the tables behind them need."""
    words = set(re.findall(r"[A-Za-z_][A-Za-z_0-9]*", text))
    called = set(re.findall(r"([A-Za-z_][A-Za-z_0-9]*)\(", text))
    named = set(re.findall(r"(Option|Parameter|Term|Variant)\(", tables))
    numba = bool(text)
    defined = set(re.findall(r"^def ([A-Za-z_0-9]+)", text, flags=re.MULTILINE))
    sources = [
        ("lossgen.runtime.intrinsics", [name for name in INTRINSICS if name in called]),
        ("lossgen.runtime.ladder_math", sorted(name for name in LADDER_FUNCTIONS & called if name != "shifted")),
        ("lossgen.runtime.loss", ["Loss", "function_of"] if with_class else []),
        ("lossgen.runtime.options", ["BLOCK", "FAST", "INLINE"] if numba else []),
        ("lossgen.runtime.parameters", [name for name in ("Option", "Parameter") if name in named]),
        ("lossgen.runtime.variant", [name for name in ("Term", "Variant") if name in named]),
        ("lossgen.runtime.vector_math", _imported(VECTOR_FUNCTIONS | {"sqrt", "power"}, called - defined)),
    ]
    lines = ["from math import inf", ""] if "inf" in words else []
    lines += ["from numba import njit", ""] if numba else []
    lines += [f"from {module} import {', '.join(names)}" for module, names in sources if names]
    return "\n".join(lines)


def _imported(functions: frozenset[str], called: set[str]) -> list[str]:
    """The functions that are called, those whose name is the loss's own under another one."""
    aliased = {name: f"{name}{ELEMENT_SUFFIX}" for name in functions}
    return sorted(functions & called) + [f"{name} as {alias}" for name, alias in sorted(aliased.items()) if alias in called]
