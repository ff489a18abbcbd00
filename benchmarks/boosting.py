"""Objectives for boosters: the call, and a whole training, next to NumPy's and the built-in ones.

    python -m benchmarks.boosting [--booster xgboost] [--rounds 7]

Each booster has a process of its own, so that no other's threads are there. In it the ways take turns; a
time is the median over the rounds, a ratio the median of the ratios in the same round. Boosters hand over
what they always do: XGBoost float32 scores in C order, LightGBM and scikit-learn float64 in Fortran order,
CatBoost blocks of 1000 float64 scores. Fetching labels from the data set is part of the call on both sides.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Callable
from statistics import median
from time import perf_counter

import numpy as np
from rich.console import Console
from rich.table import Table

from . import calm
from .booster_calls import BOOSTERS, THREADS
from .objectives import OBJECTIVES, TRAINED, Objective

CALL_ROWS = 1_000_000
CLASS_ROWS = 100_000
BLOCK_ROWS = 1000  # CatBoost's
TRAINING_ROWS, TRAINING_COLUMNS = 200_000, 20
CALLS = 5  # a round; the best one counts
PATIENCE = 3.0  # seconds to wait for a calm machine before a round

Ways = dict[str, Callable[[], object]]


# What is timed ------------------------------------------------------------------------------------------


def data_of(each: Objective, rows: int, columns: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Features, targets and scores somewhere on the way, from one seed."""
    random = np.random.default_rng(7)
    features = random.normal(size=(rows, columns)).astype(np.float32)
    score = features[:, 0] + features[:, 1] * features[:, 2]
    shape = (rows, each.classes) if each.classes > 1 else (rows,)
    return features, each.target(random, score.astype(np.float64)), random.normal(size=shape)


def our_loss(each: Objective):
    """lossgen's instance of the loss."""
    from lossgen import losses

    return getattr(losses, each.loss)(**each.arguments)


def calls(booster, name: str, each: Objective) -> tuple[Ways, int, dict[str, float]]:
    """The call of an objective, how many rows it has, and how many times as fast ours has to be."""
    objective = booster.objective(our_loss(each))
    rows = BLOCK_ROWS if name == "catboost" else CLASS_ROWS if each.classes > 1 else CALL_ROWS
    features, y, raw = data_of(each, rows, 3)
    if name == "sklearn":
        ways = sklearn_calls(objective, booster.own(each), y, np.asfortranarray(raw))
        return ways, rows, {"sklearn": 1.0}
    written = booster.numpy(each)
    if name == "catboost":
        given = raw, y.astype(np.float32), None
        ways = {
            "lossgen": lambda: objective.calc_ders_range(*given),
            "numpy": lambda: written.calc_ders_range(*given),
        }
        return ways, rows, {}
    scores, data = booster.scores(raw), booster.dataset(features, y)
    ways = {"lossgen": lambda: objective(scores, data), "numpy": lambda: written(scores, data)}
    return ways, rows, {"numpy": each.least_ratio}


def sklearn_calls(objective, own, y: np.ndarray, raw: np.ndarray) -> Ways:
    """Both write into arrays that are given, as histogram boosting has it with weights of rows or without."""

    def call(loss):
        gradient, hessian = np.empty((2, *raw.shape[::-1]), np.float32)
        places = {"gradient_out": gradient.T, "hessian_out": hessian.T}
        return lambda: loss.gradient_hessian(y, raw, **places, n_threads=THREADS)

    return {"lossgen": call(objective), "sklearn": call(own)}


def trainings(booster, name: str, each: Objective) -> tuple[Ways, int, dict[str, float]]:
    """Trainings with the built-in objective, NumPy's and lossgen's."""
    rows = TRAINING_ROWS // each.classes  # a tree a class
    features, y, _ = data_of(each, rows, TRAINING_COLUMNS)
    dataset = booster.dataset(features, y)
    objectives = {"lossgen": booster.objective(our_loss(each))}
    if name == "sklearn":
        objectives["built-in"] = booster.own(each)
    else:
        objectives["numpy"] = booster.numpy(each)
        if name in each.built_in:
            objectives["built-in"] = each.built_in[name]

    def training(objective):
        return lambda: booster.train(each, dataset, objective)

    targets = {"numpy": 1 / 1.05}
    if name in ("xgboost", "lightgbm"):
        targets["built-in"] = 1 / 1.15
    return {way: training(objective) for way, objective in objectives.items()}, rows, targets


def take_turns(ways: Ways, rounds: int, calls_a_round: int) -> dict[str, list[float]]:
    """Seconds of each way in each round, the best of some calls."""
    for run in ways.values():
        run()
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        calm.wait(PATIENCE)
        for name, run in ways.items():
            if calls_a_round > 1:
                run()  # wakes the cores, which have slept while we waited
            best = float("inf")
            for _ in range(calls_a_round):
                started = perf_counter()
                run()
                best = min(best, perf_counter() - started)
            seconds[name].append(best)
    return seconds


def measure(name: str, rounds: int, only: str | None) -> list[dict]:
    """Everything that is timed with one booster."""
    booster, found = BOOSTERS[name](), []
    offered = [each for each in OBJECTIVES if is_offered(name, each)]
    jobs = [("call", calls, each, CALLS) for each in offered]
    jobs += [("training", trainings, each, 1) for each in offered if each.loss in TRAINED]
    jobs = [job for job in jobs if only in (None, job[0])]
    for what, prepare, each, calls_a_round in jobs:
        ways, rows, targets = prepare(booster, name, each)
        seconds = take_turns(ways, rounds, calls_a_round)
        entry = {"booster": name, "what": f"{what}, {rows:,} rows", "loss": each.loss}
        found.append({**entry, "seconds": seconds, "targets": targets})
    return found


def is_offered(name: str, each: Objective) -> bool:
    """Whether there is something to compare with."""
    return each.classes == 1 if name == "catboost" else name != "sklearn" or name in each.built_in


# The report ---------------------------------------------------------------------------------------------


def show(found: list[dict], console: Console) -> bool:
    """Prints the table; whether every target is met."""
    table = Table(title=f"{THREADS} threads, milliseconds, and how many times as fast lossgen is")
    for title in ("booster", "what", "loss"):
        table.add_column(title)
    for title in ("lossgen", "NumPy", "NumPy / lossgen", "built-in", "built-in / lossgen"):
        table.add_column(title, justify="right")
    good = True
    for entry in found:
        seconds, cells = entry["seconds"], [entry["booster"], entry["what"], entry["loss"]]
        cells.append(f"{median(seconds['lossgen']) * 1e3:.3g}")
        for name in ("numpy", "sklearn" if "sklearn" in seconds else "built-in"):
            text, met = ratio_text(seconds, name, entry["targets"].get(name))
            cells += text
            good = good and met
        table.add_row(*cells)
    console.print(table)
    return good


def ratio_text(seconds: dict, other: str, target: float | None) -> tuple[list[str], bool]:
    """Milliseconds of the other and how many times ours they are; whether that meets the target."""
    if other not in seconds:
        return ["", ""], True
    ratio = median(theirs / ours for ours, theirs in zip(seconds["lossgen"], seconds[other], strict=True))
    met = target is None or ratio >= target
    text = f"{ratio:.2f}" if target is None else f"{ratio:.2f} (target {target:.2f})"
    return [f"{median(seconds[other]) * 1e3:.3g}", text if met else f"[red]{text}[/red]"], met


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.boosting", description=__doc__)
    parser.add_argument("--booster", choices=BOOSTERS, action="append", help="by default all")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--only", choices=("call", "training"), help="by default both")
    parser.add_argument("--strict", action="store_true", help="exit code 1 if a target is missed")
    parser.add_argument("--json", action="store_true", help="only figures, measured in this process")
    given = parser.parse_args()
    wanted = given.booster or list(BOOSTERS)
    if given.json:
        found = [entry for name in wanted for entry in measure(name, given.rounds, given.only)]
        print(json.dumps(found))
        return 0
    found = []
    for name in wanted:
        command = [sys.executable, "-m", "benchmarks.boosting", "--json", "--booster", name]
        command += ["--rounds", str(given.rounds), *(["--only", given.only] if given.only else [])]
        done = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True)
        found += json.loads(done.stdout.splitlines()[-1])
    good = show(found, Console(width=None if sys.stdout.isatty() else 150))
    return 1 if given.strict and not good else 0


if __name__ == "__main__":
    sys.exit(main())
