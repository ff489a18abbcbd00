"""Modules as what a linker sees: their top-level definitions, what each refers to, and where names stand."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from importlib.util import find_spec
from pathlib import Path

PACKAGE = "lossgen."

Target = tuple[str, str]
"""A module and a name in it; of another library, a name "" stands for the module itself."""


@dataclass(frozen=True)
class Reference:
    """A name of a module where it is used: its place in the source, how long it is, and what it means."""

    line: int
    start: int
    end: int
    target: Target


@dataclass
class Source:
    """A module.

    Args:
        name: its name, under which others import from it.
        text: its source.
    """

    name: str
    text: str
    lines: list[str] = field(init=False)
    definitions: dict[str, ast.stmt] = field(init=False, default_factory=dict)
    imports: dict[str, Target] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self.lines = self.text.splitlines()
        self.body = ast.parse(self.text).body
        for statement in self.body:
            for name in bound_names(statement):
                self.definitions[name] = statement
            if isinstance(statement, ast.Import | ast.ImportFrom):
                self.imports.update(imported(statement, self.name))

    def references(self, statement: ast.stmt) -> list[Reference]:
        """What the statement refers to outside of itself, at each place."""
        found = []
        for node, name in global_names(statement):
            target = self.meaning(name)
            if target is None:
                continue
            end = node.end_col_offset
            if isinstance(node, ast.Attribute):
                if target[0].startswith(PACKAGE) and target[1] == "":
                    target = target[0], node.attr
                else:
                    node = node.value
                    end = node.end_col_offset
            found.append(Reference(node.lineno, node.col_offset, end, target))
        return found

    def meaning(self, name: str) -> Target | None:
        """What a global name of the module stands for; None for Python's own."""
        if name in self.definitions:
            return self.name, name
        return self.imports.get(name)

    def excerpt(self, statement: ast.stmt) -> tuple[int, int]:
        """The first and the last line of a statement, with its decorators, the remarks above and below it."""
        decorators = getattr(statement, "decorator_list", [])
        first = min([statement.lineno, *(each.lineno for each in decorators)])
        while first > 1 and self.lines[first - 2].startswith("#") and not is_title(self.lines[first - 2]):
            first -= 1
        last = statement.end_lineno or first
        place = self.body.index(statement) + 1
        if isinstance(statement, ast.Assign | ast.AnnAssign) and place < len(self.body):
            after = self.body[place]
            if isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant):
                last = after.end_lineno or last
        return first, last


def is_title(line: str) -> bool:
    """Whether a remark is the title of a section."""
    return line.rstrip().endswith("----")


@cache
def source_of(module: str) -> Source:
    """The source of a module of lossgen."""
    spec = find_spec(module)
    assert spec is not None and spec.origin is not None
    return Source(module, Path(spec.origin).read_text(encoding="utf-8"))


def bound_names(statement: ast.stmt) -> Iterator[str]:
    """The names that a top-level statement defines."""
    if isinstance(statement, ast.FunctionDef | ast.ClassDef):
        yield statement.name
    elif isinstance(statement, ast.Assign):
        for target in statement.targets:
            yield from (node.id for node in ast.walk(target) if isinstance(node, ast.Name))
    elif isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
        yield statement.target.id


def imported(statement: ast.Import | ast.ImportFrom, module: str) -> Iterator[tuple[str, Target]]:
    """The names that an import binds, and what they mean."""
    if isinstance(statement, ast.Import):
        for alias in statement.names:
            yield (
                alias.asname or alias.name.partition(".")[0],
                (
                    alias.name if alias.asname else alias.name.partition(".")[0],
                    "",
                ),
            )
        return
    assert not statement.level, f"{module} has a relative import"
    origin = statement.module or ""
    for alias in statement.names:
        target = origin, alias.name
        if f"{origin}.".startswith(PACKAGE) and is_module(f"{origin}.{alias.name}"):
            target = f"{origin}.{alias.name}", ""
        yield alias.asname or alias.name, target


@cache
def is_module(name: str) -> bool:
    """Whether there is a module of that name."""
    try:
        return find_spec(name) is not None
    except ModuleNotFoundError:
        return False


# Which names are global ---------------------------------------------------------------------------------

Scope = frozenset[str]


def global_names(statement: ast.stmt) -> Iterator[tuple[ast.Name | ast.Attribute, str]]:
    """Every use of a name that is not local where it stands; of `module.name` the whole attribute."""
    yield from _walk(statement, frozenset())


def _walk(node: ast.AST, local: Scope) -> Iterator[tuple[ast.Name | ast.Attribute, str]]:
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        if node.value.id not in local:
            yield node, node.value.id
        return
    if isinstance(node, ast.Name):
        if node.id not in local:
            yield node, node.id
        return
    if isinstance(node, ast.FunctionDef | ast.Lambda):
        outside = [*node.args.defaults, *(each for each in node.args.kw_defaults if each is not None)]
        outside += getattr(node, "decorator_list", [])
        arguments = all_arguments(node.args)
        outside += [each.annotation for each in arguments if each.annotation is not None]
        if isinstance(node, ast.FunctionDef) and node.returns is not None:
            outside.append(node.returns)
        for each in outside:
            yield from _walk(each, local)
        body = node.body if isinstance(node.body, list) else [node.body]
        inner = local | {each.arg for each in arguments} | frozenset(stored(body))
        for each in body:
            yield from _walk(each, inner)
        return
    if isinstance(node, ast.ClassDef):
        for each in (*node.decorator_list, *node.bases, *node.keywords):
            yield from _walk(each, local)
        named = local | frozenset(stored(node.body))
        for each in node.body:  # names of the class are not seen by its methods
            yield from _walk(each, local if isinstance(each, ast.FunctionDef) else named)
        return
    if isinstance(node, ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp):
        inner = local | frozenset(
            name.id
            for generator in node.generators
            for name in ast.walk(generator.target)
            if isinstance(name, ast.Name)
        )
        for each in ast.iter_child_nodes(node):
            yield from _walk(each, inner)
        return
    for each in ast.iter_child_nodes(node):
        yield from _walk(each, local)


def all_arguments(arguments: ast.arguments) -> list[ast.arg]:
    """Every argument of a function."""
    others = [each for each in (arguments.vararg, arguments.kwarg) if each is not None]
    return [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, *others]


def stored(body: list[ast.AST]) -> Iterator[str]:
    """The names that a function binds in its own body, not in functions inside it."""
    waiting = list(body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node.name
            continue
        if isinstance(node, ast.Lambda | ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp):
            continue
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        if isinstance(node, ast.ExceptHandler) and node.name:
            yield node.name
        assert not isinstance(node, ast.Import | ast.ImportFrom), "a linked function imports"
        waiting.extend(ast.iter_child_nodes(node))
