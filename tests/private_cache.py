"""A cache of compiled losses for tests alone."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

from lossgen.compiler import cache


@contextmanager
def private_cache(folder: Path | str) -> Iterator[Path | None]:
    """Keeps what is compiled in this folder, if it can be used, for as long as the context lasts."""
    with patch.dict("os.environ", LOSSGEN_CACHE_DIR=str(folder)):
        forget()
        try:
            yield cache.cache_folder()
        finally:
            forget()


def forget() -> None:
    """As in a new process: which folder is the cache, and what was warned of."""
    cache.cache_folder.cache_clear()
    cache._say.cache_clear()
