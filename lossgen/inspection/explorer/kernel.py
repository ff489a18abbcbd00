"""The part of a generated module that a person reads first: its formulas, point functions, hot kernel."""

import ast
from collections.abc import Iterator

HOT = ("value_and_gradient_flat", "value_and_gradient_rows")
"""The kernels that training calls; the first that a module has is shown."""


def hot_kernel(module: str) -> str:
    """The module's docstring and the functions that its kernel of loss and gradient consists of.

    A loss of several terms has a kernel for each. Functions stand in the order of the module, as they are
    written there, decorators included.
    """
    tree = ast.parse(module)
    functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    wanted: set[str] = set()
    for prefix in _prefixes(functions):
        first = next(f"{prefix}{name}" for name in HOT if f"{prefix}{name}" in functions)
        wanted |= set(_reached(first, functions))
    lines = module.splitlines()
    head = tree.body[0]
    shown = [(1, head.end_lineno or 1)] if ast.get_docstring(tree) is not None else []
    shown += [
        (min([node.lineno, *(each.lineno for each in node.decorator_list)]), node.end_lineno or node.lineno)
        for name, node in functions.items()
        if name in wanted
    ]
    return "\n\n\n".join("\n".join(lines[begin - 1 : end]) for begin, end in shown) + "\n"


def _prefixes(functions: dict[str, ast.FunctionDef]) -> tuple[str, ...]:
    """What stands before the names of the kernels: nothing, or `term_1_`, `term_2_` …"""
    every = [name.removesuffix(HOT[1]) for name in functions if name.endswith(HOT[1])]
    return tuple(every)


def _reached(name: str, functions: dict[str, ast.FunctionDef]) -> Iterator[str]:
    """The function and those of the module that it calls."""
    found, left = set(), [name]
    while left:
        current = left.pop()
        if current in functions and current not in found:
            found.add(current)
            left += [node.id for node in ast.walk(functions[current]) if isinstance(node, ast.Name)]
    yield from found
