"""Generated files: how they are called, and written so that a reader never sees half of one."""

import contextlib
import os
import tempfile
import time
from pathlib import Path

MARK = "lossgen-"  # of temporary files: no editor and no person calls theirs so
ABANDONED = 60  # seconds after which a temporary file is one that a killed process left


def write_atomically(path: Path, text: str) -> None:
    """Writes to a temporary name in the same folder, then renames.

    Bytecode of what was there goes: Python tells it from that of the new text by size and whole seconds only,
    and clocks go back.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.{MARK}")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
        os.chmod(temporary, 0o644)
        for bytecode in (path.parent / "__pycache__").glob(f"{path.stem}.*.pyc"):
            bytecode.unlink(missing_ok=True)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def clear_abandoned(path: Path) -> None:
    """Removes what processes left that were killed while they wrote this file."""
    for temporary in path.parent.glob(f".{path.name}.{MARK}????????"):
        with contextlib.suppress(OSError):
            if abs(time.time() - temporary.stat().st_mtime) > ABANDONED:
                temporary.unlink()


def write_tree(folder: Path, files: dict[str, str]) -> None:
    """Writes every file of a package, by path relative to its folder."""
    for name, text in files.items():
        write_atomically(folder / name, text)


def cuda_name(module: str) -> str:
    """The file of the kernels for a GPU, by that of a variant: `huber.py` → `_cuda_huber.py`."""
    folder, slash, name = module.rpartition("/")
    return f"{folder}{slash}_cuda_{name}"
