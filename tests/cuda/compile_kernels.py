"""A program that compiles CUDA kernels without the simulator: requests come in as JSON, PTX goes out.

It runs in a process of its own, because the simulator that all other tests use takes the compiler's place.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

REQUEST = {
    "options": {}, "dtype": "float32", "capability": [9, 0], "weighted": False, "unreduced": False,
}  # fmt: skip
"""What a request has where it says nothing else, beside "loss", "output" and "schedule"."""


def compiled_elsewhere(requests: list[dict]) -> list[dict]:
    """The same requests with "ptx", the "arguments" of the kernel, its "sweeps", "phases" and "slots".

    Raises:
        ModuleNotFoundError: the compiler is not installed.
        RuntimeError: a kernel cannot be compiled.
    """
    environment = {name: value for name, value in os.environ.items() if name != "NUMBA_ENABLE_CUDASIM"}
    done = subprocess.run(
        [sys.executable, Path(__file__)], input=json.dumps(requests), env=environment,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(done.stderr)
    return json.loads(done.stdout)


def compiled_here(request: dict) -> dict:
    from lossgen.cli.finding import instance, named
    from lossgen.inspection.cuda.compiling import compiled
    from lossgen.inspection.cuda.kernels import kernels_of
    from lossgen.inspection.cuda.traffic import sweeps

    request = REQUEST | request
    loss = instance(named(request["loss"]), request["options"])
    kernel = next(
        one
        for one in kernels_of(loss)
        if (one.output, one.schedule) == (request["output"], request["schedule"])
    )
    types = kernel.types(request["dtype"], request["weighted"], request["unreduced"])
    return request | {
        "ptx": compiled(kernel.function, types, tuple(request["capability"])),
        "arguments": kernel.arguments,
        "sweeps": [[sweep.reads, sweep.writes] for sweep in sweeps(kernel)],
        "phases": kernel.phases,
        "slots": kernel.slots,
    }


if __name__ == "__main__":
    print(json.dumps([compiled_here(request) for request in json.load(sys.stdin)]))
