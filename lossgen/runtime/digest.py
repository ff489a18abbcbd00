"""The digest of the runtime code that kernels inline: Numba's own cache does not notice when it changes."""

import hashlib
from functools import cache
from pathlib import Path
from typing import Any

from lossgen.errors import StaleModuleError

INLINED = (
    "cuda/compiling.py", "cuda/elements.py", "cuda/intrinsics.py", "cuda/library.py", "cuda/mathematics.py",
    "cuda/reduction.py", "cuda/single.py", "cuda/values.py", "intrinsics.py", "ladder_math.py", "lanes.py",
    "options.py", "split.py", "team/work.py", "tracing.py", "transposition.py", "vector_math",
)  # fmt: skip
"""Files and folders of this package whose functions become part of a compiled kernel."""

LINKING = "own_copies.py"
"""How they become part of it."""


@cache
def runtime_digest() -> str:
    """Eight hexadecimal digits; a generated module carries those it was made with."""
    folder = Path(__file__).parent
    digest = hashlib.sha256()
    for name in (*INLINED, LINKING):
        path = folder / name
        for file in sorted(path.glob("*.py")) if path.is_dir() else [path]:
            digest.update(file.name.encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()[:8]


def check_digest(cls: Any) -> None:
    """Refuses a generated class that was made with another runtime; one written by hand has no digest.

    Raises:
        StaleModuleError: says which command rebuilds the module.
    """
    if cls.digest is None or cls.digest == runtime_digest():
        return
    package = cls.__module__.partition(".")[0]
    command = "lossgen build" if package == "lossgen" else f"lossgen build FILE -o {package}/"
    raise StaleModuleError(
        f"{cls.__module__}.{cls.__qualname__} was generated for another version of lossgen's runtime "
        f"(digest {cls.digest}, now {runtime_digest()}). Rebuild it with `{command}`."
    )
