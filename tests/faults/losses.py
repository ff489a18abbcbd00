"""The losses that trials compile, what a process computes with them, and what a folder holds."""

import hashlib
import os
from pathlib import Path

import numpy as np
import sympy as sp

import lossgen as lg
from lossgen.compiler import cache

Y = np.array([[0.0, 0.25, 1.0], [1.0, 0.5, 0.0]])
P = np.array([[0.5, -1.0, 2.0], [0.1, 3.0, -0.75]])


def welsch(y_true, y_pred, *, width=lg.Parameter(2.0, positive=True)):
    """One module, whose kernels hold vector math of the runtime."""
    return lg.Mean(1 - sp.exp(-((y_pred - y_true) ** 2) / width))


def steep(y_true, y_pred, *, squared=False):
    """A folder with a module for each variant."""
    return lg.Mean(sp.exp(y_pred - y_true)) ** (2 if squared else 1)


SINGLE = lg.loss(name="faulty_single")(welsch)
FOLDER = lg.loss(name="faulty_folder")(steep)
OTHER = lg.declare("faulty_other", lg.Mean((lg.y_pred - lg.y_true) ** 2))
"""Compiled in every cache before a trial; its files must be there afterwards."""


def steeper(y_true, y_pred, *, squared=False):
    """What the loss in a folder was in an older build."""
    return lg.Mean((y_pred - y_true) ** (4 if squared else 2))


OLD = [lg.loss(name="faulty_folder")(steeper), OTHER, SINGLE]
NEW = [SINGLE, FOLDER, OTHER.renamed("faulty_third")]
"""The losses of a package before and after a build."""


def computed(declaration=SINGLE) -> list[str]:
    """Loss and gradient of every variant as exact texts, compiled by this process or found in its cache."""
    cls = lg.compile(declaration)
    found = []
    for options in declaration.variants():
        value, gradient = cls(**options).value_and_gradient(Y, P)
        found += [number.hex() for number in (float(value), *gradient.ravel().tolist())]
    return found


def computed_in(folder: Path | str, declaration=SINGLE) -> list[str]:
    """The same with this folder as the cache; for a process that has compiled nothing yet."""
    os.environ["LOSSGEN_CACHE_DIR"] = str(folder)
    cache.cache_folder.cache_clear()
    return computed(declaration)


def content(folder: Path) -> dict[str, str]:
    """A digest of every file by its path, links and folders by what they are."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_symlink():
            found[name] = f"link to {os.readlink(path)}"
        elif path.is_file():
            found[name] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def lost(before: dict[str, str], folder: Path) -> list[tuple[str, str]]:
    """Files that are gone or changed, for `Count.add`."""
    after = content(folder)
    return [("lost", f"{name} {'is changed' if name in after else 'is gone'}")
            for name, digest in before.items() if after.get(name) != digest]  # fmt: skip


def left_over(folder: Path) -> list[str]:
    """Temporary files and folders that nobody will finish."""
    return [path.name for path in folder.rglob("*") if path.name.startswith(".") or ".tmp." in path.name]
