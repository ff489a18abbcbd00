"""Files of the cache that are not what they were, and clocks that are not either."""

import os
import pickle
import random
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from faults.children import forked
from faults.counting import Count
from faults.losses import FOLDER, OTHER, SINGLE, computed_in, content, lost

YEARS = 10 * 365 * 86_400


def _flip(path: Path, random_: random.Random) -> None:
    whole = bytearray(path.read_bytes())
    whole[random_.randrange(len(whole))] ^= 1 << random_.randrange(8)
    path.write_bytes(whole)


def _foreign(path: Path, random_: random.Random) -> None:
    """Another whole file of the same kind in its place: only its name tells."""
    cache = next(parent for parent in path.parents if parent.name == "cache")
    rivals = [each for each in sorted(cache.rglob(f"*{path.suffix}")) if each != path]
    path.write_bytes(random_.choice(rivals).read_bytes() if rivals else b"of somebody else")


def _folder(path: Path, random_: random.Random) -> None:
    path.unlink()
    path.mkdir()


def _link(path: Path, random_: random.Random) -> None:
    path.unlink()
    path.symlink_to("/nowhere")


DAMAGES: dict[str, Callable[[Path, random.Random], object]] = {
    "truncated": lambda path, random_: os.truncate(path, path.stat().st_size // 2),
    "empty": lambda path, random_: os.truncate(path, 0),
    "one bit": _flip,
    "longer": lambda path, random_: path.write_bytes(path.read_bytes() + b"\0" * 64),
    "foreign": _foreign,
    "gone": lambda path, random_: path.unlink(),
    "a folder": _folder,
    "a link": _link,
}


def _bytecode(entry: Path) -> None:
    """What Python would keep beside the modules, had it imported them."""
    import py_compile

    for path in entry.rglob("*.py"):
        py_compile.compile(str(path), doraise=True)


def damaged_files(folder: Path, times: int, random_: random.Random) -> Count:
    """Every file of a cache in turn truncated, emptied, changed, replaced, removed."""
    count = Count()
    pristine = folder / "pristine"
    expected = forked(computed_in, pristine, FOLDER).result
    forked(computed_in, pristine, OTHER)
    (entry,) = (path for path in pristine.iterdir() if path.name.startswith(FOLDER.name))
    _bytecode(entry)
    others = {name: digest for name, digest in content(pristine).items() if name.startswith(OTHER.name)}
    work = [(path.relative_to(pristine), kind) for path in _files(entry) for kind in DAMAGES]
    if times < len(work):
        work = random_.sample(work, times)
    for path, kind in work:
        cache = folder / "cache"
        shutil.copytree(pristine, cache)
        DAMAGES[kind](cache / path, random_)
        end = forked(computed_in, cache, FOLDER)
        again = forked(computed_in, cache, FOLDER)
        failures = end.failures(expected) + again.failures(expected) + lost(others, cache)
        failures += [("lost", f"warned: {text}") for text in again.warned]
        count.add(f"{path} {kind}", failures, [f"{path.suffix.lstrip('.')} files"])
        shutil.rmtree(cache)
    return count


def _files(entry: Path) -> Iterator[Path]:
    yield from sorted(path for path in entry.rglob("*") if path.is_file())


def numba_index(folder: Path, times: int, random_: random.Random) -> Count:
    """Index files of Numba beside the machine code, damaged or of another version."""
    count = Count()
    expected = forked(computed_in, folder / "quiet", SINGLE).result
    kinds = {"nonsense": b"nonsense", "empty": b"", "of another version": pickle.dumps("0.00")}
    for number in range(times):
        cache = folder / f"cache-{number}"
        forked(computed_in, cache, SINGLE)
        kind = list(kinds)[number % len(kinds)]
        stems = {path.name.split(".py3")[0] + ".py3" + path.name.split(".py3")[1].split(".")[0]: path.parent
                 for path in cache.rglob("*.nbc")}  # fmt: skip
        for stem, parent in stems.items():
            (parent / f"{stem}.nbi").write_bytes(kinds[kind])
            (parent / f"{stem}.1.nbc").write_bytes(random_.randbytes(2000))
        failures = forked(computed_in, cache, SINGLE).failures(expected)
        count.add(kind, failures, ["index files"] * len(stems))
        shutil.rmtree(cache)
    return count


def clocks(folder: Path, times: int, random_: random.Random) -> Count:
    """The clock goes back: files of the future, a rebuilt module no younger than its bytecode."""
    count = Count()
    expected = forked(computed_in, folder / "quiet", SINGLE).result
    for number in range(times):
        cache = folder / f"cache-{number}"
        forked(computed_in, cache, SINGLE)
        forked(computed_in, cache, OTHER)
        before = content(cache)
        then = time.time() + (YEARS if number % 2 else -YEARS)
        for path in cache.rglob("*"):
            os.utime(path, (then, then))
        failures = forked(computed_in, cache, SINGLE).failures(expected) + lost(before, cache)
        failures += forked(_while_time_goes_back, cache).failures(expected)
        count.add("files of the future" if number % 2 else "files of the past", failures)
        shutil.rmtree(cache)
        package = folder / f"package_{number}"
        failures = forked(_built_and_used, package, 2).failures([1.0, 2.0])
        failures += forked(_built_and_used, package, 3).failures([1.0, 3.0])
        count.add("a module of another formula, same size and time", failures)
    return count


def _while_time_goes_back(cache: Path) -> list[str]:
    now, real = [2e9], time.time

    def backwards() -> float:
        now[0] -= 3600
        return now[0]

    time.time = backwards
    try:
        return computed_in(cache, FOLDER) and computed_in(cache, SINGLE)
    finally:
        time.time = real


def _built_and_used(package: Path, factor: int) -> list[float]:
    """A package built by a clock that stands still, and what a loss of it gives."""
    import importlib
    import sys

    import lossgen as lg
    from lossgen.compiler.build import build

    build([lg.declare("scaled", lg.Mean(factor * lg.y_pred))], package)
    for path in package.glob("*.py"):
        os.utime(path, (1.7e9, 1.7e9))
    sys.path.insert(0, str(package.parent))
    module = importlib.import_module(package.name)
    loss = module.Scaled()
    return [float(loss([0.0], [0.0])) + 1, float(loss([0.0], [1.0]))]
