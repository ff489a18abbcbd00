"""A declaration → the text of one module that needs only NumPy and Numba."""

import ast
from collections.abc import Sequence
from textwrap import wrap

import lossgen
from lossgen.compiler.module import modules, variant_names
from lossgen.errors import CompileError
from lossgen.export.linker import Linker
from lossgen.export.sources import Source
from lossgen.language.declaration import Declaration

LEFT_OUT = ("arrays", "formulas", "properties", "generated_from")
"""Entries of generated tables that other parts of lossgen read, which an exported module has not."""

LEFT_OUT_OF_CLASSES = ("digest", "generated_from")

OWN = "lossgen.exported."
"""What the names of generated modules begin with while they are linked: a loss may be called `math`."""

MARK = "Exported by lossgen"
"""What the last paragraph of the docstring begins with; only such files are overwritten."""

NOTICE = (
    "This file holds parts of lossgen, which are under the Apache License, Version 2.0 "
    "(http://www.apache.org/licenses/LICENSE-2.0). It needs NumPy and Numba, and no lossgen; keep this "
    "notice."
)
WIDTH = 100


def exported(declaration: Declaration) -> str:
    """The text of the module.

    Raises:
        CompileError: the loss reads extra inputs, which kernels do not take.
    """
    if declaration.extra_inputs:
        raise CompileError(f"{declaration.name} reads extra inputs, which kernels do not take yet.")
    files = {name: text for name, text in modules(declaration).items() if "_cuda_" not in name}
    sources = _sources(declaration, files)
    main = sources[f"{OWN}{declaration.name}"]
    linker = Linker(sources)
    kept = [(main.name, declaration.class_name), (main.name, declaration.name)]
    linker.reach(kept)
    names = linker.names(kept)
    pieces = [
        f"{_rule(module, module in sources)}\n\n{linker.text(module, names)}"
        for module in linker.order(main.name)
    ]
    public = f'__all__ = ["{declaration.class_name}", "{declaration.name}"]'
    parts = [
        _header(declaration, main),
        "from __future__ import annotations",
        linker.imports(names),
        public,
        "\n\n\n".join(pieces),
    ]
    return "\n\n".join(parts) + "\n"


def _sources(declaration: Declaration, files: dict[str, str]) -> dict[str, Source]:
    """The generated modules without what is left out: that of the class is called as the loss."""
    variants = declaration.variants()
    main = f"{OWN}{declaration.name}"
    if len(variants) == 1:
        (text,) = files.values()
        return {main: Source(main, _reduced(text))}
    found = {}
    for name in variant_names(variants):
        module = f"{main}.{name}"
        found[module] = Source(module, _reduced(files[f"{declaration.name}/{name}.py"]))
    package = _reduced(files[f"{declaration.name}/__init__.py"], main)
    return {**found, main: Source(main, package)}


def _reduced(text: str, package: str | None = None) -> str:
    """A generated module without the entries that are left out.

    Args:
        package: name of the package whose modules the table of variants names; they are imported instead.
    """
    lines = text.splitlines()
    edits: dict[int, Sequence[str]] = {}
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, ast.keyword) and node.arg in LEFT_OUT:
            edits |= {number: () for number in range(node.lineno, (node.end_lineno or 0) + 1)}
    classes = [each for each in tree.body if isinstance(each, ast.ClassDef)]
    for node in (statement for each in classes for statement in each.body):
        if not isinstance(node, ast.Assign):
            continue
        name = ast.unparse(node.targets[0])
        if name in LEFT_OUT_OF_CLASSES:
            edits |= {number: () for number in range(node.lineno, (node.end_lineno or 0) + 1)}
        if name == "variants" and package is not None:
            table = ast.literal_eval(node.value)
            edits |= {number: () for number in range(node.lineno, (node.end_lineno or 0) + 1)}
            entries = [
                f"        {key!r}: variant{module.replace('.', '_')}," for key, module in table.items()
            ]
            edits[node.lineno] = ["    variants = {", *entries, "    }"]
            imports = [
                f"from {package}{module} import variant as variant{module.replace('.', '_')}"
                for module in table.values()
            ]
            edits[tree.body[1].lineno] = [*imports, lines[tree.body[1].lineno - 1]]
    return (
        "\n".join(line for number, given in enumerate(lines, 1) for line in edits.get(number, [given])) + "\n"
    )


def _header(declaration: Declaration, main: Source) -> str:
    """The docstring: the formulas of the generated module, what this file is, the notice."""
    written = main.body[0]
    text = "\n".join(main.lines[: written.end_lineno])
    formulas = text.rpartition("\n\n")[0].rstrip()
    mark = (
        f"{MARK} {lossgen.__version__} from {declaration.name}: one thread, NumPy arrays; its results are "
        "those of lossgen, bit for bit."
    )
    return "\n\n".join([formulas, *("\n".join(wrap(each, WIDTH)) for each in (NOTICE, mark))]) + '\n"""'


def _rule(module: str, generated: bool) -> str:
    title = f"{module.removeprefix(OWN)}: generated from the formula" if generated else module
    return f"# {title} ".ljust(WIDTH, "-")
