"""Many processes at once, and processes that end before they are done."""

import os
import random
import shutil
import time
from pathlib import Path

from faults.children import Child, forked
from faults.counting import Count
from faults.losses import FOLDER, NEW, OLD, OTHER, SINGLE, computed_in, content, left_over, lost
from lossgen.compiler.build import build
from lossgen.compiler.files import write_atomically

AT_ONCE = 8


def eight_at_once(folder: Path, times: int, random_: random.Random) -> Count:
    """Eight processes compile the same new loss at once."""
    count = Count()
    expected = {each.name: forked(computed_in, folder / "quiet", each).result for each in (SINGLE, FOLDER)}
    for number in range(times):
        declaration = (SINGLE, FOLDER)[number % 2]
        cache = folder / f"cache-{number}"
        forked(computed_in, cache, OTHER)
        before = content(cache)
        begin = time.monotonic() + 0.1
        children = [Child(_at, begin, cache, declaration) for _ in range(AT_ONCE)]
        ends = [child.end() for child in children]
        failures = [each for end in ends for each in end.failures(expected[declaration.name])]
        failures += lost(before, cache)
        entries = [path.name for path in cache.iterdir() if path.name.startswith(declaration.name)]
        if len(entries) != 1 or left_over(cache):
            failures.append(("lost", f"entries {entries}, left over {left_over(cache)}"))
        count.add(f"round {number}", failures, ["processes"] * AT_ONCE)
        shutil.rmtree(cache)
    return count


def _at(begin: float, cache: Path, declaration) -> list[str]:
    time.sleep(max(0.0, begin - time.monotonic()))
    return computed_in(cache, declaration)


def _duration(function, *arguments) -> float:
    begin = time.monotonic()
    forked(function, *arguments)
    return time.monotonic() - begin


def killed_compiling(folder: Path, times: int, random_: random.Random) -> Count:
    """SIGKILL while `lg.compile` and the first call write the cache."""
    count = Count()
    expected = forked(computed_in, folder / "quiet", FOLDER).result
    whole = _duration(computed_in, folder / "timed", FOLDER)
    forked(computed_in, folder / "first", OTHER)
    for number in range(times):
        cache = folder / f"cache-{number}"
        shutil.copytree(folder / "first", cache)
        before = content(cache)
        child = Child(computed_in, cache, FOLDER)
        moment = random_.uniform(0, whole)
        time.sleep(moment)
        child.kill()
        finished = child.end().result is not None
        place = f"after {moment:.3f} s"
        half = left_over(cache)
        _age(cache)
        failures = forked(computed_in, cache, FOLDER).failures(expected) + lost(before, cache)
        # What a killed process left goes when something is stored next.
        forked(computed_in, cache, SINGLE)
        failures += [("lost", f"left over: {name}") for name in left_over(cache)]
        remarks = ["had ended"] if finished else ["left half of something"] if half else []
        count.add(place, failures, remarks)
        shutil.rmtree(cache)
    return count


def _age(folder: Path) -> None:
    """Two days go by for everything that is temporary."""
    then = time.time() - 172_800
    for path in folder.rglob("*"):
        if path.name.startswith(".") or ".tmp." in path.name:
            os.utime(path, (then, then))


def killed_building(folder: Path, times: int, random_: random.Random) -> Count:
    """SIGKILL while `lossgen build -o` replaces the package of an older build."""
    count = Count()
    build(OLD, folder / "old")
    build(NEW, folder / "new")
    old, new = content(folder / "old"), content(folder / "new")
    table = (folder / "new" / "__init__.py").read_text(encoding="utf-8")
    shutil.copytree(folder / "old", folder / "timed")
    slow = _duration(_build_slowly, folder / "timed")
    for number in range(times):
        package = folder / f"package_{number}"
        shutil.copytree(folder / "old", package)
        write_atomically(package / "mine.py", "own = True\n")
        mine = {"mine.py": content(package)["mine.py"]}
        child = Child(_build_slowly, package)
        moment = random_.uniform(0, slow)
        time.sleep(moment)
        child.kill()
        finished = child.end().result is not None
        state = content(package)
        known = [(name, digest) for name, digest in state.items() if Path(name).name[0] != "."]
        half = [
            name for name, digest in known if digest not in (old.get(name), new.get(name), mine.get(name))
        ]
        if "__init__.py" in half and (package / "__init__.py").read_text(encoding="utf-8").startswith(table):
            half.remove("__init__.py")  # the new one, with a remark on what is being deleted
        failures = [("wrong", f"{name} is neither old nor new") for name in half]
        used = forked(_used, package).result
        if used is None or "mixed" in used:
            failures.append(("wrong", f"no import, or a mixture of old and new was used: {used}"))
        _age(package)
        shutil.rmtree(package / "__pycache__", ignore_errors=True)
        shutil.rmtree(package / "faulty_folder" / "__pycache__", ignore_errors=True)
        forked(_build, package)
        if content(package) != {**new, **mine}:
            failures.append(("lost", f"after the next build: {set(content(package)) ^ {*new, *mine}}"))
        changed = {name for name in {*state, *old} - {"mine.py"} if state.get(name) != old.get(name)}
        partly = changed and any(state.get(name) != digest for name, digest in new.items())
        count.add(f"after {moment:.3f} s", failures,
                  ["had ended"] if finished else ["stopped between two files"] if partly else [])  # fmt: skip
        shutil.rmtree(package)
    return count


def _build(package: Path) -> None:
    build(NEW, package)


def _build_slowly(package: Path) -> bool:
    """A build on a disk where each file takes some milliseconds, so that most moments fall between files."""
    replace = os.replace

    def slow(*paths):
        time.sleep(0.02)
        replace(*paths)
        time.sleep(0.02)

    os.replace = slow
    _build(package)
    return True


def _used(package: Path) -> list[str]:
    """What becomes of the variants of the loss in a folder when the package is imported, as it must be."""
    import importlib
    import sys

    from lossgen.errors import StaleModuleError
    from lossgen.runtime.variant import resolve_variant

    sys.path.insert(0, str(package.parent))
    importlib.import_module(package.name)
    try:
        cls = importlib.import_module(f"{package.name}.faulty_folder").FaultyFolder
    except (ImportError, AttributeError):
        return ["refused"]
    found = []
    for entry in cls.variants.values():
        try:
            variant = resolve_variant(entry, cls.table_module, cls.generated_from)
        except (ImportError, StaleModuleError):
            found.append("refused")
        else:
            found.append("whole" if variant.generated_from == cls.generated_from else "mixed")
    return found
