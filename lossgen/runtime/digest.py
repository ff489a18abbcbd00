"""The digest of the runtime code that kernels inline: Numba's own cache does not notice when it changes."""

import hashlib
from functools import cache
from pathlib import Path

INLINED = ("intrinsics.py", "ladder_math.py", "options.py", "tracing.py", "vector_math")
"""Files and folders of this package whose functions become part of a compiled kernel."""


@cache
def runtime_digest() -> str:
    """Eight hexadecimal digits; a generated module carries those it was made with."""
    folder = Path(__file__).parent
    digest = hashlib.sha256()
    for name in INLINED:
        path = folder / name
        for file in sorted(path.glob("*.py")) if path.is_dir() else [path]:
            digest.update(file.name.encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()[:8]
