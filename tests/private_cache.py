"""A cache of compiled losses for tests alone."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

from lossgen.compiler.cache import cache_folder


@contextmanager
def private_cache(folder: Path | str) -> Iterator[Path]:
    """Keeps what is compiled in this folder for as long as the context lasts."""
    with patch.dict("os.environ", LOSSGEN_CACHE_DIR=str(folder)):
        cache_folder.cache_clear()
        try:
            yield cache_folder()
        finally:
            cache_folder.cache_clear()
