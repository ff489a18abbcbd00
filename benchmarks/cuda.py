"""lossgen on a GPU next to torch, torch.compile and Liger: `python -m benchmarks.cuda`, one table.

Times are those of the GPU, between two CUDA events, with the level 2 cache emptied before every call. The
peers take turns in every round; a time is the median over the rounds. Each result is compared with that of
lossgen's kernels for the processor before anything is timed.
"""

import argparse
import fnmatch
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from statistics import median

import numpy as np
from rich.table import Table

from . import report
from .cases import LOGITS, Case, inputs
from .formulas import torch_loss
from .worker import difference

RESULTS = Path(__file__).parent / "results"
FLUSHED_BYTES = 256 << 20
WARM_CALLS = 3
NO_GPU = 2
"""The exit code where there is none."""


@dataclass(frozen=True)
class Prepared:
    """A peer's work on one case.

    Attributes:
        run: what is timed; it returns the value and the gradient, or both derivatives.
        before: what has to be done before every call and is not timed.
    """

    run: Callable[[], tuple]
    before: Callable[[], object] = lambda: None


# Cases and peers ------------------------------------------------------------------------------------------


def cases() -> list[Case]:
    """Losses of elements, of rows, of whole images, and second derivatives, loss and gradient together."""
    table = [
        Case(loss, data, (size, 1), arguments)
        for loss, data, arguments in (
            ("mean_squared_error", "real", {}),
            ("huber", "real", {}),
            ("binary_crossentropy", "logits", LOGITS),
            ("poisson_nll", "log amounts", {}),
            ("sigmoid_focal", "logits", {}),
        )
        for size in (1 << 20, 1 << 26)
    ]
    table += [
        Case(loss, data, shape, arguments, group=2)
        for loss, data, arguments in (
            ("sparse_categorical_crossentropy", "labels", LOGITS),
            ("categorical_crossentropy", "one-hot", LOGITS),
            ("cosine_similarity", "real", {}),
        )
        for shape in ((1_000_000, 10), (65_536, 1_000), (8_192, 32_768))
    ]
    table += [Case(loss, "probabilities", (64, 512, 512), group=3) for loss in ("dice", "tversky")]
    table += [
        Case(loss, data, (1 << 24, 1), arguments, output="hessian", group=4)
        for loss, data, arguments in (
            ("mean_squared_error", "real", {}),
            ("binary_crossentropy", "logits", LOGITS),
        )
    ]
    return table


class Lossgen:
    """The compiled loss on tensors of the GPU, with fresh results every time."""

    def prepare(self, case: Case, y, p) -> Prepared:
        loss = compiled_loss(case)
        if case.output == "hessian":
            return Prepared(lambda: loss.gradient_and_hessian(y, p))
        return Prepared(lambda: loss.value_and_gradient(y, p))


class Limit:
    """`torch.add(y, p, out=…)`: reads and writes as many bytes as a loss of elements with its gradient."""

    def prepare(self, case: Case, y, p) -> Prepared | None:
        import torch

        if y.shape != p.shape or case.output != "gradient":
            return None
        out = torch.empty_like(p)
        return Prepared(lambda: torch.add(y, p, out=out))


class Torch:
    """Eager forward and backward, through torch.nn.functional where it has the loss."""

    def prepare(self, case: Case, y, p) -> Prepared | None:
        if case.output != "gradient":
            return None
        return self.work(torch_loss(case.loss, case.arguments), y, p.clone().requires_grad_())

    def work(self, function: Callable, y, p) -> Prepared:
        def run():
            p.grad = None
            value = function(y, p)
            value.backward()
            return value, p.grad

        return Prepared(run)


class TorchCompile(Torch):
    """The same through torch.compile."""

    def work(self, function: Callable, y, p) -> Prepared:
        import torch

        torch._dynamo.reset()
        return super().work(torch.compile(function, dynamic=False), y, p)


class Liger:
    """Liger's cross-entropy: its forward pass computes the gradient and writes it over the logits."""

    def prepare(self, case: Case, y, p) -> Prepared | None:
        if case.loss != "sparse_categorical_crossentropy" or not case.arguments.get("from_logits"):
            return None
        from liger_kernel.transformers import LigerCrossEntropyLoss

        function = LigerCrossEntropyLoss()
        logits = p.clone().requires_grad_()

        def before():
            logits.grad = None
            logits.data.copy_(p)

        def run():
            value = function(logits, y)
            value.backward()
            return value, logits.grad

        return Prepared(run, before)


PEERS = {"lossgen": Lossgen, "limit": Limit, "torch": Torch, "torch.compile": TorchCompile, "Liger": Liger}
NEEDS = {"Liger": "liger_kernel"}
"""Modules that a peer needs beside torch."""


def present() -> list[str]:
    """The peers whose modules are installed."""
    return [name for name in PEERS if find_spec(NEEDS.get(name, "torch")) is not None]


def compiled_loss(case: Case):
    """The loss of lossgen; host arrays and tensors of the GPU may be given to the same one."""
    from lossgen import losses

    return getattr(losses, case.title)(**case.arguments)


def missing_gpu() -> str | None:
    """Why nothing can be measured here, in one line; None where it can."""
    if find_spec("torch") is None:
        return "nothing to measure: PyTorch is not installed"
    import torch

    if not torch.cuda.is_available():
        return f"nothing to measure: PyTorch {torch.__version__} finds no GPU"
    return None


# Measuring ------------------------------------------------------------------------------------------------


def expected(case: Case, y: np.ndarray, p: np.ndarray) -> tuple[np.ndarray, ...]:
    """What the kernels for the processor compute."""
    loss = compiled_loss(case)
    both = loss.gradient_and_hessian(y, p) if case.output == "hessian" else loss.value_and_gradient(y, p)
    return tuple(np.asarray(part) for part in both)


def wrong(result: tuple, right: tuple[np.ndarray, ...]) -> str | None:
    """Where a result on the GPU differs from that of the processor."""
    for number, (part, exact) in enumerate(zip(result, right, strict=True)):
        found = difference(part.detach().cpu().numpy().reshape(exact.shape), exact)
        if found:
            return f"result {number}: {found}"
    return None


def measure(case: Case, names: list[str], rounds: int) -> dict:
    """The median time of each peer on one case, and what failed."""
    import torch

    y, p, _ = inputs(case)
    right = expected(case, y, p)
    on_device = [torch.from_numpy(array).cuda() for array in (y, p)]
    prepared, failed = {}, {}
    for name in names:
        try:
            work = PEERS[name]().prepare(case, *on_device)
            if work is None:
                continue
            for _ in range(WARM_CALLS):
                work.before()
                result = work.run()
            problem = None if name == "limit" else wrong(result, right)
        except Exception as error:  # a peer that fails is a line of the table, not the end of the run
            problem = " ".join(f"{type(error).__name__}: {error}".split())[:120]
        if problem:
            failed[name] = problem
        else:
            prepared[name] = work
    return {"name": case.name, "group": case.group, "failed": failed, "seconds": timed(prepared, rounds)}


def timed(prepared: dict[str, Prepared], rounds: int) -> dict[str, float]:
    """Seconds of the GPU for a call of each, the medians of rounds in which they take turns."""
    import torch

    cache = torch.empty(FLUSHED_BYTES, dtype=torch.int8, device="cuda")
    events = {name: [] for name in prepared}
    for _ in range(rounds):
        for name, work in prepared.items():
            work.before()
            cache.zero_()
            start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
            start.record()
            work.run()
            end.record()
            events[name].append((start, end))
    torch.cuda.synchronize()
    return {
        name: median(start.elapsed_time(end) * 1e-3 for start, end in pairs) for name, pairs in events.items()
    }


# The table ------------------------------------------------------------------------------------------------


def result_table(results: list[dict], device: str) -> Table:
    """One line a case: microseconds of each peer, and how many times as long as lossgen the others need."""
    names = [name for name in PEERS if any(name in one["seconds"] for one in results)]
    table = Table(title=f"{device}, microseconds (times as long as lossgen)", title_justify="left")
    table.add_column("case")
    for name in names:
        table.add_column(name, justify="right")
    for one in results:
        table.add_row(one["name"], *(cell(one, name) for name in names))
    return table


def cell(result: dict, name: str) -> str:
    """What stands in the table for one peer."""
    if name in result["failed"]:
        return "wrong"
    if name not in result["seconds"]:
        return ""
    time, ours = result["seconds"][name], result["seconds"].get("lossgen")
    text = f"{time * 1e6:.3g}" if time < 1e-2 else f"{time * 1e6:.0f}"
    return text if name == "lossgen" or not ours else f"{text} ({time / ours:.2f})"


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cuda", description=__doc__)
    parser.add_argument("--only", action="append", default=[], metavar="PATTERN", help="cases that match")
    parser.add_argument("--rounds", type=int, default=31, help="calls of each peer on each case")
    parser.add_argument("--list", action="store_true", help="only show the names of the cases")
    parser.add_argument("--output", type=Path, default=RESULTS / "cuda.json", help="the JSON file")
    given = parser.parse_args(arguments)
    table = [
        case
        for case in cases()
        if not given.only or any(fnmatch.fnmatch(case.name, one) for one in given.only)
    ]
    if given.list:
        print("\n".join(case.name for case in table))
        return 0
    problem = missing_gpu()
    if problem:
        print(problem, file=sys.stderr)
        return NO_GPU
    import torch

    names, device = present(), torch.cuda.get_device_name()
    results = [measure(case, names, given.rounds) for case in table]
    head = {"device": device, "commit": report.commit(), "torch": torch.__version__}
    report.write_json(given.output, {**head, "cases": results})
    report.console.print(result_table(results, device))
    for one in results:
        for name, text in one["failed"].items():
            report.console.print(f"{one['name']}, {name}: {text}", highlight=False)
    return 0


if __name__ == "__main__":
    sys.exit(main())
