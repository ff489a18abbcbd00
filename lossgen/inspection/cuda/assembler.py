"""PTX → machine code with NVIDIA's assembler `ptxas`, which says what a kernel takes of a processor."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from lossgen.errors import CompileError, MissingLibraryError

INSTALL = "pip install nvidia-cuda-nvcc"
NAME = "ptxas.exe" if os.name == "nt" else "ptxas"
TOO_NEW = "Unsupported .version"


@dataclass(frozen=True)
class Resources:
    """What one thread or block of a kernel takes.

    Attributes:
        registers: of 32 bits, a thread.
        stack: bytes of local memory a thread, spills included.
        spill_stores, spill_loads: bytes written to and read from the stack for want of registers.
        shared: bytes of shared memory a block.
    """

    registers: int
    stack: int
    spill_stores: int
    spill_loads: int
    shared: int


def assembled(ptx: str) -> Resources:
    """Assembles a module with one kernel for the capability that it names.

    Raises:
        MissingLibraryError: there is no assembler, or none that is new enough for this PTX.
        CompileError: the assembler refuses the code.
    """
    target = re.search(r"^\.target (\w+)", ptx, re.MULTILINE)[1]
    message = ""
    for path in _assemblers():
        command = [path, "-v", f"-arch={target}", "-o", os.devnull, "-"]
        made = subprocess.run(command, input=ptx, capture_output=True, text=True, check=False)
        if made.returncode == 0:
            return _resources(made.stdout + made.stderr)
        message = made.stderr.strip()
        if TOO_NEW not in message:
            raise CompileError(f"{path} does not assemble the kernel: {message}")
    if message:
        needed = re.search(r"^\.version (\S+)", ptx, re.MULTILINE)[1]
        raise MissingLibraryError(f"every ptxas here is too old for PTX {needed}: {INSTALL}")
    raise MissingLibraryError(f"NVIDIA's assembler ptxas is not installed: {INSTALL}")


def assembler_version() -> str:
    """The release of the first assembler, "13.5".

    Raises:
        MissingLibraryError: there is none.
    """
    path = next(_assemblers(), None)
    if path is None:
        raise MissingLibraryError(f"NVIDIA's assembler ptxas is not installed: {INSTALL}")
    told = subprocess.run([path, "--version"], capture_output=True, text=True, check=True).stdout
    return re.search(r"release (\S+),", told)[1]


def _assemblers() -> Iterator[str]:
    """Those installed: with pip, which fits the compiler installed so; of a CUDA toolkit; on the path."""
    places = []
    if find_spec("nvidia") is not None:
        for root in map(Path, find_spec("nvidia").submodule_search_locations):
            places += sorted(root.glob(f"cu[0-9]*/bin/{NAME}"), reverse=True)
            places.append(root / "cuda_nvcc" / "bin" / NAME)
    for variable in ("CUDA_HOME", "CUDA_PATH"):
        if variable in os.environ:
            places.append(Path(os.environ[variable]) / "bin" / NAME)
    places.append(Path("/usr/local/cuda/bin") / NAME)
    found = shutil.which(NAME)
    if found:
        places.append(Path(found))
    yield from dict.fromkeys(str(place) for place in places if place.is_file())


def _resources(text: str) -> Resources:
    used = re.search(r"Used (\d+) registers", text)
    stack = re.search(r"(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads", text)
    shared = re.search(r"(\d+) bytes smem", text)
    return Resources(int(used[1]), *map(int, stack.groups()), int(shared[1]) if shared else 0)
