"""Modules imported from text that was checked, not from what lies on the disk by the time of the import.

Python would take the bytecode that it finds beside a file, and nothing tells whether that is of this text.
Losses that no folder can keep are imported the same way.
"""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.abc import InspectLoader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_loader
from pathlib import Path
from types import ModuleType

from lossgen.runtime.compiled import IN_MEMORY

from .files import cuda_name

NOWHERE = Path(__file__)
"""The folder of modules that are kept in no folder. It is a file, so that nobody can put anything into it."""


@dataclass(frozen=True)
class Source:
    """The text of a module and the file that it came from, or would be in."""

    text: str
    path: str

    @property
    def is_package(self) -> bool:
        """Whether it is the module of a loss with variants."""
        return Path(self.path).name == "__init__.py"


class Texts(MetaPathFinder, InspectLoader):
    """Finds and loads modules by the texts that were given to it."""

    def __init__(self) -> None:
        self.sources: dict[str, Source] = {}

    def add(self, name: str, loss: str, folder: Path, files: Mapping[str, str]) -> None:
        """Makes the files of a loss the module `name` and what belongs to it.

        Args:
            name: the full name of the module of the loss.
            loss: the name of the loss, of which the files are called.
            folder: where the files are, or `NOWHERE`.
            files: text by path relative to the folder, as `modules` makes it.
        """
        package = f"{loss}/__init__.py"
        main = package if package in files else f"{loss}.py"
        for path, text in files.items():
            if path == main:
                module = name
            elif path == cuda_name(main):
                parent, _, stem = name.rpartition(".")
                module = f"{parent}.{cuda_name(stem)}"
            else:
                module = f"{name}.{Path(path).stem}"
            self.sources[module] = Source(text, str(folder / path))

    def find_spec(self, fullname: str, path: object = None, target: object = None) -> ModuleSpec | None:
        """The specification of a module whose text is known."""
        source = self.sources.get(fullname)
        if source is None:
            return None
        spec = spec_from_loader(fullname, self, origin=source.path, is_package=source.is_package)
        spec.has_location = True
        return spec

    def is_package(self, fullname: str) -> bool:
        """Whether modules can stand in the module."""
        return self.sources[fullname].is_package

    def get_source(self, fullname: str) -> str:
        """The text, which tracebacks and `inspect` show, too."""
        return self.sources[fullname].text

    def get_code(self, fullname: str):
        """The text, compiled."""
        source = self.sources[fullname]
        return compile(source.text, source.path, "exec", dont_inherit=True)


texts = Texts()
"""All modules of losses that this process compiled or found in its cache."""


def start() -> None:
    """Lets Python import them."""
    if texts not in sys.meta_path:
        sys.meta_path.insert(0, texts)
    if IN_MEMORY not in sys.modules:
        package = ModuleType(IN_MEMORY)
        package.__path__ = []
        sys.modules[IN_MEMORY] = package
