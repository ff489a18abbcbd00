"""What is paid once, and memory: each figure comes from a fresh process that runs one small script."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from .driver import ROOT
from .peers import PEERS

CATALOGUE = """
import time
import lossgen.compiler.api
from lossgen.catalog import DECLARATIONS
from lossgen.compiler.module import modules
started = time.perf_counter()
for declaration in DECLARATIONS:
    modules(declaration)
print(time.perf_counter() - started)
"""

DECLARED = """
import numpy as np, sympy, numba, time
import lossgen as lg, lossgen.compiler.api, lossgen.runtime.loss, lossgen.runtime.vector_math
p = np.linspace(-3, 3, 1000, dtype=np.float32)[:, None]
started = time.perf_counter()
@lg.loss
def my_loss(y_true, y_pred, *, delta=lg.Parameter(1.0, positive=True)):
    return lg.Mean(delta**2 * (sympy.sqrt(1 + ((y_pred - y_true) / delta) ** 2) - 1))
lg.compile(my_loss)(delta=0.5).value_and_gradient(np.zeros_like(p), p)
print(time.perf_counter() - started)
"""

BUILT = """
import numpy as np, numba, time
p = np.linspace(-3, 3, 1000, dtype=np.float32)[:, None]
y = np.zeros_like(p)
started = time.perf_counter()
from lossgen.losses import Huber
Huber(delta=0.5).value_and_gradient(y, p)
print(time.perf_counter() - started)
"""

IMPORT = """
import time
started = time.perf_counter()
import {module}
print(time.perf_counter() - started)
"""

FIRST_OF_TORCH = """
import numpy as np, torch, time
p = torch.linspace(-3, 3, 1000)[:, None].requires_grad_()
y = torch.zeros(1000, 1)
started = time.perf_counter()
torch.nn.functional.huber_loss(p, y).backward()
print(time.perf_counter() - started)
"""

FIRST_OF_JAX = """
import numpy as np, jax, time
from jax import numpy as jnp
p = jnp.linspace(-3, 3, 1000)[:, None]
y = jnp.zeros((1000, 1))
started = time.perf_counter()
huber = lambda y, p: jnp.mean(jnp.where(abs(p - y) < 1, (p - y) ** 2 / 2, abs(p - y) - 0.5))
jax.block_until_ready(jax.jit(jax.value_and_grad(huber, argnums=1))(y, p))
print(time.perf_counter() - started)
"""

MEMORY = """
import re, sys
from pathlib import Path
from benchmarks.cases import Case, inputs
from benchmarks.peers import PEERS

def resident(field):
    return int(re.search(field + r":\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) * 1024

peer = PEERS[{peer!r}].make()
small, large = (Case({loss!r}, {data!r}, shape, {arguments!r}) for shape in ({small!r}, {large!r}))
peer.prepare(small, *inputs(small)).run()  # compiled, threads started
arrays = inputs(large)
work = peer.prepare(large, *arrays)
Path("/proc/self/clear_refs").write_text("5")  # the high-water mark falls to what is in use now
before = resident("VmRSS")
result = work.run()
print(resident("VmHWM") - before)
"""

MEMORY_CASES = (
    ("binary_crossentropy", "logits", {"from_logits": True}, (1000, 1), (1 << 24, 1)),
    ("sparse_categorical_crossentropy", "labels", {"from_logits": True}, (100, 32_000), (1_000, 32_000)),
    ("dice", "probabilities", {}, (2, 16, 16), (64, 256, 256)),
)


def costs(peers: list[str]) -> list[dict]:
    """Every figure: `what`, `figure`, `unit` and `target` (None where there is none)."""
    return [
        {"what": what, "figure": figure, "unit": unit, "target": target}
        for what, figure, unit, target in (*latencies(peers), *memory(peers))
    ]


def latencies(peers: list[str]) -> Iterator[tuple[str, float, str, float | None]]:
    """Seconds until something is there."""
    yield "derive and render the whole catalogue", script(CATALOGUE), "s", 20.0
    cold = median(script(DECLARED) for _ in range(3))
    yield "declare → first result, nothing cached, imports not counted", cold, "s", 1.0
    with tempfile.TemporaryDirectory() as folder:
        script(BUILT, folder)
        warm = median(script(BUILT, folder) for _ in range(5))
    yield "fresh process → first result of a built loss, after import numba", warm, "s", 0.2
    modules = ("lossgen.losses", "numba")
    ours, theirs = (median(script(IMPORT.format(module=module)) for _ in range(5)) for module in modules)
    yield "import lossgen.losses, beyond import numba", ours - theirs, "s", 0.1
    yield "import numba", theirs, "s", None
    for peer, source in (("torch", FIRST_OF_TORCH), ("jax", FIRST_OF_JAX)):
        if peer in peers and PEERS[peer].is_present():
            yield f"import {peer}", median(script(IMPORT.format(module=peer)) for _ in range(3)), "s", None
            yield f"{peer}: first result, imports not counted", script(source), "s", None


def memory(peers: list[str]) -> Iterator[tuple[str, float, str, float | None]]:
    """Peak memory of one call beyond its gradient, in MB; Linux only."""
    if not Path("/proc/self/clear_refs").exists():
        return
    for loss, data, arguments, small, large in MEMORY_CASES:
        output = 4
        for size in large:
            output *= size
        for peer in ("lossgen", "lossgen out=", "torch", "jax"):
            if peer not in peers or not PEERS[peer].is_present():
                continue
            source = MEMORY.format(
                peer=peer, loss=loss, data=data, arguments=arguments, small=small, large=large
            )
            beyond = script(source) - output  # a given output is untouched before, so it counts as well
            what = f"{peer}: peak beyond the gradient, {loss} {'×'.join(map(str, large))} ({output >> 20} MB)"
            yield what, beyond / (1 << 20), "MB", 8.0 if peer.startswith("lossgen") else None


def script(text: str, caches: str | None = None) -> float:
    """What a script prints, run as a file in a fresh process; without given caches they are empty."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "script.py"
        path.write_text(text, encoding="utf-8")
        caches = caches or folder
        variables = {
            "LOSSGEN_CACHE_DIR": f"{caches}/lossgen",
            "NUMBA_CACHE_DIR": f"{caches}/numba",
            "PYTHONPATH": str(ROOT),
        }
        environment = {**os.environ, **variables}
        run = subprocess.run(
            [sys.executable, path], env=environment, stdout=subprocess.PIPE, text=True, check=True
        )
        return float(run.stdout)
