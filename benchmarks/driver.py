"""Runs cases: starts a process for every peer, lets them take turns, and keeps medians."""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

from . import calm
from .cases import Case
from .peers import COMPETITORS, OURS, PEERS

ROOT = Path(__file__).parents[1]
SETTLE = 0.012  # seconds between two turns: an OpenMP team spins 8.5 ms after its work
LARGE = 1 << 24
IN_CACHE = (1 << 11, 1 << 15)  # elements: 0.4 MB in three float32 arrays at most
LEAST_ROUNDS = 3
SLOW = 1.0  # a peer that needs longer than this for a call is measured in the least number of rounds only


class Died(RuntimeError):
    """The process of a peer has ended."""


class Process:
    """A worker as its driver sees it."""

    def __init__(self, peer: str, log):
        self.peer = peer
        self.process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.worker", peer], cwd=ROOT, env=PEERS[peer].variables(),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True,
        )  # fmt: skip

    def answer(self) -> dict:
        """The next reply.

        Raises:
            Died: there will be none.
        """
        line = self.process.stdout.readline()
        if not line:
            raise Died(f"the process ended with code {self.process.wait()}")
        return json.loads(line)

    def ask(self, action: str, **arguments) -> dict:
        try:
            print(json.dumps({"do": action, **arguments}), file=self.process.stdin, flush=True)
        except BrokenPipeError:
            raise Died(f"the process ended with code {self.process.wait()}") from None
        return self.answer()

    def stop(self) -> None:
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait()


@dataclass(frozen=True)
class Settings:
    """At most `rounds` rounds, and about `seconds` a case, but never less than three rounds.

    Before each round the driver waits until nobody else uses the machine, at most `patience` seconds a case.
    """

    rounds: int = 11
    seconds: float = 2.0
    patience: float = 5.0


class Driver:
    """All processes. Use it in a `with` statement.

    Args:
        peers: their names; those that are not installed are left out.
        settings: how long to measure.
        is_asked: whether a peer takes part in a case.
    """

    def __init__(
        self,
        peers: Iterable[str],
        settings: Settings,
        is_asked: Callable[[str, Case], bool] = lambda peer, case: True,
    ):
        self.peers = [peer for peer in PEERS if peer in set(peers) and PEERS[peer].is_present()]
        self.settings = settings
        self.is_asked = is_asked
        self.processes: dict[str, Process] = {}

    def __enter__(self) -> "Driver":
        self.log = tempfile.TemporaryFile("w+")
        self.processes = {peer: Process(peer, self.log) for peer in self.peers}
        for process in self.processes.values():
            process.answer()
        return self

    def __exit__(self, *_) -> None:
        for process in self.processes.values():
            process.stop()
        self.log.close()

    def run(self, case: Case) -> dict:
        """One case: what `results` returns."""
        prepared, failed, first = {}, {}, {}
        with tempfile.TemporaryDirectory() as folder:
            for peer in self.peers:
                if not self.is_asked(peer, case):
                    continue
                reply = self.ask(peer, "prepare", case=case.plain(), folder=folder)
                wrong = reply.get("error") or reply.get("wrong")
                if wrong:
                    failed[peer] = wrong
                elif reply["able"]:
                    prepared[peer], first[peer] = reply["seconds"], reply["first"]
        measured, calm_rounds = self.measure(prepared)
        result = results(case, measured, failed, first) | {"calm": calm_rounds}
        if case.group == 1 and case.size == LARGE and OURS[1] in prepared:
            result["arithmetic"] = self.nanoseconds(OURS[1], case) * 1e-9 * case.size / case.threads
        return result

    def nanoseconds(self, peer: str, case: Case) -> float | None:
        """Nanoseconds an element on one thread where all arrays are in the L2 cache; None if it has no loss.

        From the difference of two sizes, so that what a call costs besides falls out; the least of several
        batches, so that it holds on a busy machine, too.

        Raises:
            RuntimeError: the peer fails.
        """
        least, sizes, columns = [], [], case.shape[1]
        for elements in IN_CACHE:
            small = replace(case, shape=(max(1, elements // columns), columns), threads=1)
            reply = self.ask(peer, "prepare", case=small.plain(), folder=None)
            if "error" in reply:
                raise RuntimeError(f"{peer}, {case.name}: {reply['error']}")
            if not reply["able"]:
                return None
            least.append(min(self.ask(peer, "measure")["seconds"] for _ in range(5)))
            sizes.append(small.size)
        return (least[1] - least[0]) / (sizes[1] - sizes[0]) * 1e9

    def measure(self, prepared: dict[str, float]) -> tuple[dict[str, list[float | None]], float]:
        """Seconds a call of every peer by round (None where it sat out); the share of calm rounds."""
        measured: dict[str, list[float | None]] = {peer: [] for peer in prepared}
        names = list(prepared)
        spent, patience, calm_rounds, number = 0.0, self.settings.patience, 0, 0
        while number < LEAST_ROUNDS or (number < self.settings.rounds and spent < self.settings.seconds):
            is_calm, patience = calm.wait(patience)
            calm_rounds += is_calm
            began = time.monotonic()
            start = number % len(names)  # nobody always follows the same neighbour
            for peer in names[start:] + names[:start]:
                if number >= LEAST_ROUNDS and prepared[peer] > SLOW:
                    measured[peer].append(None)
                    continue
                time.sleep(SETTLE)
                measured[peer].append(self.ask(peer, "measure").get("seconds"))
            spent += time.monotonic() - began
            number += 1
        return measured, calm_rounds / number

    def ask(self, peer: str, action: str, **arguments) -> dict:
        """The reply; that of a process that died says so, and a new one stands ready."""
        try:
            return self.processes[peer].ask(action, **arguments)
        except Died as death:
            self.processes[peer] = Process(peer, self.log)
            self.processes[peer].answer()
            return {"error": str(death)}


def results(
    case: Case, measured: dict[str, list[float | None]], failed: dict[str, str], first: dict[str, float]
) -> dict:
    """What is kept of a case.

    Returns:
        `name`, `group`, `case` (its fields), `failed` (peer → what was wrong), `best` (the fastest
        competitor), and by peer: `seconds` (median), `rounds` (seconds by round), `first` (seconds of
        preparation and first call), `ratio` (median over the rounds of the peer's seconds by lossgen's: above
        1 lossgen is faster).
    """
    ours = measured.get(OURS[0], [])
    peers = {}
    for peer, rounds in measured.items():
        known = [seconds for seconds in rounds if seconds is not None]
        if not known:
            continue
        ratios = [theirs / mine for theirs, mine in zip(rounds, ours, strict=False) if theirs and mine]
        peers[peer] = {
            "seconds": median(known),
            "ratio": median(ratios) if ratios else None,
            "first": first[peer],
            "rounds": rounds,
        }
    rivals = [peer for peer in peers if peer in COMPETITORS]
    best = min(rivals, key=lambda peer: peers[peer]["seconds"], default=None)
    return {
        "name": case.name, "group": case.group, "case": case.plain(), "peers": peers, "failed": failed,
        "best": best,
    }  # fmt: skip
