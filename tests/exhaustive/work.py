"""The pieces of the work, and the worker processes that do them."""

from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from multiprocessing import get_context

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from exhaustive import double_checks, progress
from exhaustive.sweep import NUMBERS, sweep

PIECES = {"float32": 64, "float64": 1}
COLUMNS = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())


def run(work, folder, processes) -> None:
    """Do the pieces that are missing, in worker processes; write down each as soon as it is done."""
    proofs = {(kind, name): progress.load(folder, name, kind) for kind, name in work}
    missing = [
        (kind, name, piece)
        for (kind, name), proof in proofs.items()
        for piece in range(PIECES[kind])
        if piece not in proof.done
    ]
    pool = ProcessPoolExecutor(processes, mp_context=get_context("spawn"))
    with Progress(*COLUMNS, TimeRemainingColumn()) as bars, pool:
        bar = bars.add_task("starting", total=len(missing))
        waiting, queue = {}, iter(missing)
        while True:
            while len(waiting) < 2 * processes and (task := next(queue, None)):
                waiting[pool.submit(do, *task)] = task
            if not waiting:
                return
            for future in wait(waiting, return_when=FIRST_COMPLETED).done:
                kind, name, piece = waiting.pop(future)
                proof = proofs[kind, name]
                proof.add(piece, *future.result())
                progress.save(folder, name, kind, proof)
                bars.update(bar, advance=1, description=f"{kind} {name}: {proof.worst.ulp:.3f} ulp")


def do(kind, name, piece):
    """One piece, in a worker: the worst argument, and notes."""
    if kind == "float64":
        return double_checks.check(name, double_checks.SAMPLES)
    size = NUMBERS // PIECES[kind]
    return sweep(name, piece * size, (piece + 1) * size), {}
