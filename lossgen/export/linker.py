"""Definitions of many modules as one text: what is reached from some roots, in the order of imports.

Texts are copied line by line, remarks included, and only names that stand for something else in the new
module are written anew: those of which two modules have one each, and those reached through a module.
Top-level statements that are no definitions are left behind, so a linked module must not need them.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from lossgen.export.sources import PACKAGE, Source, Target, source_of

SUBSTITUTES: dict[Target, Target] = {
    ("lossgen.runtime.compiling", "njit"): ("lossgen.export.substitutes", "njit"),
    ("lossgen.runtime.loss", "Loss"): ("lossgen.export.base", "Loss"),
    ("lossgen.runtime.penalty", "Penalty"): ("lossgen.export.penalty", "Penalty"),
    ("lossgen.runtime.loss", "function_of"): ("lossgen.runtime.function", "function_of"),
    ("lossgen.runtime.penalty", "function_of"): ("lossgen.runtime.function", "function_of"),
    ("lossgen.runtime.variant", "Term"): ("lossgen.export.base", "Term"),
    ("lossgen.runtime.variant", "Variant"): ("lossgen.export.base", "Variant"),
    ("lossgen.runtime.plan", "Plan"): ("lossgen.export.base", "Plan"),
    ("lossgen.runtime.threads", "team"): ("lossgen.export.substitutes", "team"),
    ("lossgen.runtime.outputs", "new_output"): ("lossgen.export.substitutes", "new_output"),
    ("lossgen.runtime.dtypes", "unmasked_array"): ("lossgen.export.substitutes", "unmasked_array"),
    ("lossgen.runtime.copies", "warn_of_copies"): ("lossgen.export.substitutes", "warn_of_copies"),
}
"""What stands in place of a definition that needs other libraries, threads, or the cache on disk."""


@dataclass
class Linker:
    """What is linked, and under which names.

    Args:
        own: sources that are no modules of lossgen, by name: the generated modules of a loss.
    """

    own: Mapping[str, Source]
    reached: set[Target] = field(default_factory=set)
    modules: list[str] = field(default_factory=list)

    def source(self, module: str) -> Source:
        """The source of a module."""
        return self.own.get(module) or source_of(module)

    def target(self, target: Target) -> Target:
        """What is linked for a target: through imports of imports, and with its substitute."""
        while True:
            if target in SUBSTITUTES:
                return SUBSTITUTES[target]
            module, name = target
            if module not in self.own and not module.startswith(PACKAGE):
                return target
            source = self.source(module)
            if not name or name in source.definitions:
                return target
            target = source.imports[name]

    def reach(self, targets: Iterable[Target]) -> None:
        """Adds targets and all that they refer to."""
        waiting = [self.target(each) for each in targets]
        while waiting:
            target = waiting.pop()
            if target in self.reached:
                continue
            self.reached.add(target)
            module, name = target
            if self.is_linked(module):
                assert name, f"{module} is used as a value"
                source = self.source(module)
                for each in source.references(source.definitions[name]):
                    waiting.append(self.target(each.target))

    def is_linked(self, module: str) -> bool:
        """Whether the text of a module is copied."""
        return module in self.own or module.startswith(PACKAGE)

    # Names ----------------------------------------------------------------------------------------------

    def names(self, kept: Iterable[Target]) -> dict[Target, str]:
        """A name for everything that is reached: its own, unless another definition has it.

        Args:
            kept: definitions that keep their names in any case.
        """
        kept = set(kept)
        counts = Counter(plain_name(each) for each in self.reached)
        names = {each: plain_name(each) for each in self.reached}
        for each in sorted(self.reached - kept):
            if counts[plain_name(each)] > 1:
                module = each[0].rpartition(".")[2]
                names[each] = f"{module}_{plain_name(each).lstrip('_')}"
        twice = [name for name, count in Counter(names.values()).items() if count > 1]
        assert not twice, f"several definitions are called {twice}"
        return names

    # Text -----------------------------------------------------------------------------------------------

    def imports(self, names: Mapping[Target, str]) -> str:
        """The imports of other libraries."""
        whole: list[str] = []
        parts: dict[str, list[str]] = {}
        for module, name in sorted(each for each in self.reached if not self.is_linked(each[0])):
            written = names[module, name]
            if name:
                parts.setdefault(module, []).append(name + (f" as {written}" if written != name else ""))
            else:
                whole.append(f"import {module}" + (f" as {written}" if written != module else ""))
        return "\n".join(
            [*whole, *(f"from {module} import {', '.join(each)}" for module, each in parts.items())]
        )

    def order(self, root: str) -> list[str]:
        """The modules that something is reached in, each after those that it imports from."""
        found: list[str] = []
        seen: set[str] = set()

        def visit(module: str) -> None:
            if module in seen:
                return
            seen.add(module)
            source = self.source(module)
            targets = {self.target(each) for each in source.imports.values() if self.is_wanted(each)}
            for other in sorted({each[0] for each in targets if self.is_linked(each[0])}):
                visit(other)
            found.append(module)

        visit(root)
        linked = {module for module, _ in self.reached if self.is_linked(module)}
        assert linked <= set(found), f"{linked - set(found)} cannot be placed"
        return [module for module in found if module in linked]

    def is_wanted(self, target: Target) -> bool:
        """Whether an import leads to something that is reached."""
        module, name = target
        if not self.is_linked(module):
            return False
        if not name:
            return any(each[0] == module for each in self.reached)
        return self.target(target) in self.reached

    def text(self, module: str, names: Mapping[Target, str]) -> str:
        """What is reached in a module, under its new names."""
        source = self.source(module)
        text = ""
        for statement in source.body:
            wanted = [name for name, each in source.definitions.items() if each is statement]
            if not any((module, name) in self.reached for name in wanted):
                continue
            changes: dict[int, list[tuple[int, int, str]]] = {}
            for each in source.references(statement):
                changes.setdefault(each.line, []).append(
                    (each.start, each.end, names[self.target(each.target)])
                )
            header = getattr(statement, "name", None)
            if header is not None and names[module, header] != header:
                line = source.lines[statement.lineno - 1]
                start = len(line[: line.index(header, line.index(" "))].encode())
                place = start, start + len(header), names[module, header]
                changes.setdefault(statement.lineno, []).append(place)
            first, last = source.excerpt(statement)
            numbered = enumerate(source.lines[first - 1 : last], first)
            written = "\n".join(changed(line, changes.get(number, [])) for number, line in numbered)
            between = "\n\n\n" if header is not None or text.startswith(("def", "class")) else "\n\n"
            text += (between if text else "") + written
        return text


def plain_name(target: Target) -> str:
    """What a target is called where it comes from."""
    module, name = target
    return name or {"numpy": "np"}.get(module, module)


def changed(line: str, changes: Iterable[tuple[int, int, str]]) -> str:
    """The line with other names at some places, which count in bytes."""
    text = line.encode()
    for start, end, name in sorted(set(changes), reverse=True):
        text = text[:start] + name.encode() + text[end:]
    return text.decode()
