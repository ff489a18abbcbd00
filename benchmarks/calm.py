"""Whether anybody else uses the machine while our processes sleep; without /proc/stat all counts as calm.

It matters for peers in unequal measure: an OpenMP team of as many threads as there are cores stalls for
milliseconds in every region when one more thread wants to run.
"""

import os
import time
from pathlib import Path

STATISTICS = Path("/proc/stat")
LOOK_SECONDS = 0.05  # five ticks of the kernel's clock
CALM = 0.1  # share of the machine that others may use


def ticks() -> int:
    """Ticks of all cores that were spent on work, since the machine started."""
    user, nice, system = STATISTICS.read_text().split(maxsplit=4)[1:4]
    return int(user) + int(nice) + int(system)


def others() -> float:
    """The share of the machine that others use just now; call it while we sleep."""
    if not STATISTICS.exists():
        return 0.0
    before, started = ticks(), time.perf_counter()
    time.sleep(LOOK_SECONDS)
    elapsed = time.perf_counter() - started
    capacity = elapsed * os.sysconf("SC_CLK_TCK") * (os.cpu_count() or 1)
    return (ticks() - before) / capacity


def wait(patience: float) -> tuple[bool, float]:
    """Waits for a calm moment, at most so many seconds: whether it came, and the patience that is left."""
    started = time.monotonic()
    while True:
        if others() <= CALM:
            return True, max(0.0, patience - (time.monotonic() - started - LOOK_SECONDS))
        if time.monotonic() - started >= patience:
            return False, 0.0
