"""Exported modules on disk: each a file that only an earlier export may have written."""

import ast
from collections.abc import Iterable
from pathlib import Path

from lossgen.compiler.files import write_atomically
from lossgen.errors import FileError
from lossgen.export.module import MARK, exported
from lossgen.language.declaration import Declaration


def export(declarations: Iterable[Declaration], folder: Path) -> list[Path]:
    """Writes one module a loss, and nothing where one of them cannot be written.

    Raises:
        CompileError: a loss cannot be exported.
        FileError: two have one name, or a file that no export wrote is there.
    """
    files: dict[Path, Declaration] = {}
    for declaration in declarations:
        path = folder / f"{declaration.name}.py"
        if files.setdefault(path, declaration) is not declaration:
            raise FileError(
                f"two losses are called `{declaration.name}`; export them to different folders."
            )
    for place in (folder, *folder.parents):
        if place.exists() and not place.is_dir():
            raise FileError(f"{place} is a file, where a folder is needed; move it.")
    for path in files:
        if (path.exists() or path.is_symlink()) and not is_exported(path):
            raise FileError(
                f"{path} was not written by `lossgen export` and stays as it is; move or delete it, or write "
                "to another folder."
            )
    texts = {path: exported(declaration) for path, declaration in files.items()}
    for path, text in texts.items():
        write_atomically(path, text)
    return [*texts]


def is_exported(path: Path) -> bool:
    """Whether an export wrote the file: the last paragraph of its docstring says so."""
    try:
        docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    except (OSError, UnicodeDecodeError, SyntaxError, ValueError, RecursionError):
        return False
    return not path.is_symlink() and docstring.split("\n\n")[-1].startswith(MARK)
