"""The table of all CUDA kernels in docs/cuda.md: `python -m benchmarks.cuda_table`, without a GPU.

Each kernel of the catalogue is compiled and assembled, and held to the limits that `facts.excesses` names;
the exit code of `--everything` says whether all keep them.
"""

import argparse
import json
import os
import re
import sys
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from importlib import metadata
from multiprocessing import get_context
from pathlib import Path

DOCUMENT = Path(__file__).resolve().parent.parent / "docs" / "cuda.md"
BEGIN, END = "<!-- kernels -->", "<!-- end of kernels -->"
SCHEDULES = ("flat", "rows", "split")
OUTPUTS = ("value", "value_and_gradient", "gradient_and_hessian", "hessian_vector_product")


def facts_of_loss(name: str, options: dict, dtype: str, capability: tuple[int, int]) -> list[dict]:
    """What is found out about the kernels of one variant, as JSON can hold it."""
    from lossgen.cli.finding import find, instance
    from lossgen.inspection.cuda.facts import excesses, facts_of
    from lossgen.inspection.cuda.kernels import kernels_of
    from lossgen.inspection.cuda.prediction import prediction

    found = []
    for kernel in kernels_of(instance(find(name), options)):
        facts = facts_of(kernel, dtype, capability)
        moved = prediction(kernel, dtype, 1, 1, facts)
        found.append({
            "loss": name, "options": options, "dtype": dtype, "capability": list(capability),
            "output": kernel.output, "schedule": kernel.schedule, "term": kernel.number,
            "registers": facts.resources.registers, "shared": facts.resources.shared,
            "bytes": [moved.least_bytes, moved.most_bytes],
            "operations": round(facts.per_element("operations")), "excesses": excesses(facts),
        })  # fmt: skip
    return found


def defaults() -> list[tuple[str, dict]]:
    """Every loss and penalty of the catalogue with its default options."""
    from lossgen.cli.finding import catalogue

    return [(declaration.name, {}) for declaration in catalogue()]


def everything() -> list[tuple[str, dict]]:
    """Every variant of them."""
    from lossgen.cli.finding import catalogue

    return [
        (declaration.name, dict(options)) for declaration in catalogue() for options in declaration.variants()
    ]


def measured(tasks: Iterable[tuple], jobs: int) -> list[dict]:
    """`facts_of_loss` of each, on several processes."""
    # A process that is forked would share the compiler's state, one that is spawned has its own.
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        return [
            kernel for kernels in pool.map(facts_of_loss, *zip(*tasks, strict=True)) for kernel in kernels
        ]


def toolchain() -> str:
    """What the numbers were made with."""
    from lossgen.inspection.cuda.assembler import assembler_version

    packages = [(name, metadata.version(name)) for name in ("numba-cuda", "nvidia-nvvm")]
    return ", ".join(f"{name} {version}" for name, version in [*packages, ("ptxas", assembler_version())])


def table(kernels: list[dict], made_with: str) -> str:
    """One line a loss, as Markdown."""
    lines = [
        f"Compute capability 9.0, float32, default options; made with {made_with}.",
        "",
        "| loss | flat | rows | split | bytes | operations |",
        "|---|---|---|---|---|---|",
    ]
    for name in dict.fromkeys(kernel["loss"] for kernel in kernels):
        own = [kernel for kernel in kernels if kernel["loss"] == name]
        cells = [registers([kernel for kernel in own if kernel["schedule"] == one]) for one in SCHEDULES]
        first = own[0]["schedule"]
        shown = [kernel for kernel in own if kernel["schedule"] == first and kernel["term"] == 0]
        traffic = " · ".join(bytes_moved(kernel) for kernel in shown)
        operations = " · ".join(f"{kernel['operations']}" for kernel in shown)
        lines.append(f"| {name} | {' | '.join(cells)} | {traffic} | {operations} |")
    return "\n".join(lines)


def registers(kernels: list[dict]) -> str:
    """Those of each output; of several terms the most."""
    by_output: dict[str, int] = {}
    for kernel in kernels:
        by_output[kernel["output"]] = max(kernel["registers"], by_output.get(kernel["output"], 0))
    return " · ".join(str(by_output[output]) for output in OUTPUTS if output in by_output)


def bytes_moved(kernel: dict) -> str:
    least, most = kernel["bytes"]
    return f"{least:g}" if least == most else f"{least:g} ({most:g})"


def with_table(document: str, text: str) -> str:
    """The document with this text between the markers."""
    return re.sub(f"{BEGIN}.*{END}", lambda _: f"{BEGIN}\n{text}\n{END}", document, flags=re.DOTALL)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cuda_table", description=__doc__)
    parser.add_argument("--everything", action="store_true",
                        help="all variants, dtypes, capabilities: only excesses are shown")  # fmt: skip
    parser.add_argument("--json", action="store_true", help="print what was found out, change no document")
    parser.add_argument("--only", nargs="*", metavar="LOSS", help="these losses, not all")
    parser.add_argument("--capability", choices=("8.0", "9.0"), default="9.0")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    given = parser.parse_args()
    capability = tuple(map(int, given.capability.split(".")))
    variants = everything() if given.everything else defaults()
    variants = [variant for variant in variants if not given.only or variant[0] in given.only]
    kinds = [("float32", capability)]
    if given.everything:
        kinds = [(dtype, (major, 0)) for dtype in ("float32", "float64") for major in (8, 9)]
    kernels = measured([(*variant, *kind) for variant in variants for kind in kinds], given.jobs)
    exceeding = [kernel for kernel in kernels if kernel["excesses"]]
    if given.json:
        print(json.dumps({"toolchain": toolchain(), "kernels": kernels}))
        return 0
    if not given.everything and not given.only:
        document = DOCUMENT.read_text(encoding="utf-8")
        DOCUMENT.write_text(with_table(document, table(kernels, toolchain())), encoding="utf-8")
    for kernel in exceeding:
        what = f"{kernel['loss']} {kernel['options']} {kernel['dtype']} {kernel['capability']}"
        print(f"{what} {kernel['schedule']} {kernel['output']}: {'; '.join(kernel['excesses'])[:200]}")
    print(f"{len(kernels)} kernels, {len(exceeding)} beyond a limit")
    return 1 if exceeding and given.everything else 0


if __name__ == "__main__":
    sys.exit(main())
