"""Two lossgens that share a cache, and one that becomes another in its place."""

import random
import shutil
from pathlib import Path

from faults.children import ROOT, ended, started
from faults.counting import Count

PROGRAM = """
import json, lossgen
from faults.losses import computed, FOLDER
from lossgen.runtime.compiling import njit
from lossgen.runtime.helpers_of_trial import through_the_runtime
print(json.dumps([lossgen.__version__, computed(), computed(FOLDER), through_the_runtime(0.5)]))
"""

HELPER = '''"""A function of the runtime that inlines vector math, in a file that no version changes."""

from lossgen.runtime.compiling import njit
from lossgen.runtime.options import FAST
from lossgen.runtime.vector_math import exp


@njit(**FAST)
def through_the_runtime(x):
    return exp(x)
'''


def _install(place: Path) -> None:
    """This lossgen once more, as a wheel would put it there."""
    without = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "lossgen", place / "lossgen", ignore=without)
    shutil.copytree(ROOT / "templates", place / "lossgen" / "templates", ignore=without)
    shutil.copytree(ROOT / "generated", place / "lossgen" / "generated", ignore=without)
    (place / "lossgen" / "runtime" / "helpers_of_trial.py").write_text(HELPER, encoding="utf-8")


def _upgrade(place: Path) -> None:
    """Another version, whose vector math is another, so that code of the wrong version shows."""
    path = place / "lossgen" / "__init__.py"
    path.write_text(path.read_text(encoding="utf-8").replace('"0.1.0"', '"0.2.0"'), encoding="utf-8")
    changed = 0
    for path in sorted((place / "lossgen" / "runtime" / "vector_math").glob("*.py")):
        text = path.read_text(encoding="utf-8")
        if "def exp(" in text:
            path.write_text(text + AFTERWARDS, encoding="utf-8")
            changed += 1
    path = place / "lossgen" / "runtime" / "vector_math" / "__init__.py"
    path.write_text(path.read_text(encoding="utf-8") + AFTERWARDS, encoding="utf-8")
    if not changed:
        raise AssertionError("there is no exp in vector math")


AFTERWARDS = """

from lossgen.runtime.compiling import njit as _njit  # noqa: E402
from lossgen.runtime.options import INLINE as _INLINE  # noqa: E402


@_njit(**_INLINE)
def exp(x):
    return x + x
"""


def shared_by_versions(folder: Path, times: int, random_: random.Random) -> Count:
    """Two versions of lossgen share a cache, by turns and at once; then one is upgraded in its place."""
    count = Count()
    places = {"0.1.0": folder / "first", "0.2.0": folder / "second"}
    for place in places.values():
        _install(place)
    _upgrade(places["0.2.0"])
    expected = {version: _run(place, folder / f"quiet-{version}").result for version, place in places.items()}
    if None in expected.values() or expected["0.1.0"][1] == expected["0.2.0"][1]:
        count.add("preparation", [("failed", f"the versions do not differ: {expected}")])
        return count
    for number in range(times):
        cache = folder / f"cache-{number}"
        for _ in range(2):
            for version, place in places.items():
                count.add(f"{version} by turns", _run(place, cache).failures(expected[version]))
        both = {version: _start(place, folder / f"at-once-{number}") for version, place in places.items()}
        for version, process in both.items():
            count.add(f"{version} at once", ended(process).failures(expected[version]))
        shutil.rmtree(cache)
        shutil.rmtree(folder / f"at-once-{number}")
    site, cache = folder / "site", folder / "cache"
    _install(site)
    count.add("before the upgrade", _run(site, cache).failures(expected["0.1.0"]))
    _upgrade(site)
    count.add("after the upgrade", _run(site, cache).failures(expected["0.2.0"]))
    return count


def _start(place: Path, cache: Path):
    cache.mkdir(mode=0o700, exist_ok=True)
    environment = {"PYTHONPATH": str(place), "LOSSGEN_CACHE_DIR": str(cache), "HOME": str(cache)}
    return started(PROGRAM, environment, place)


def _run(place: Path, cache: Path):
    return ended(_start(place, cache))
