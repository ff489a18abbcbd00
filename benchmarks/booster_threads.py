"""On whose threads an objective runs best while LightGBM trains: `python -m benchmarks.booster_threads`.

LightGBM's OpenMP threads keep spinning after their work. Printed are the milliseconds that all calls of the
objective took within a training, median over rounds in which the ways take turns.
"""

from collections.abc import Callable
from statistics import median
from time import perf_counter
from unittest.mock import patch

import lightgbm
import numpy as np
from rich.console import Console
from rich.table import Table

from lossgen.boosting import lightgbm_objective
from lossgen.boosting.team import team_of
from lossgen.losses import BinaryCrossentropy
from lossgen.runtime import threads

from . import calm
from .booster_calls import THREADS, TRAINING_ROUNDS
from .objectives import logistic

ROWS, COLUMNS, ROUNDS, PATIENCE = 200_000, 20, 7, 3.0


def ways() -> dict[str, Callable]:
    """Objectives by the threads that they run on."""
    objective = lightgbm_objective(BinaryCrossentropy(from_logits=True))

    def on(team: Callable[[], tuple[int, int, int]]) -> Callable:
        def call(raw: np.ndarray, data: lightgbm.Dataset):
            with patch.object(threads, "team", team):
                return objective(raw, data)

        return call

    def shared() -> tuple[int, int, int]:
        with team_of(lightgbm.basic._LIB):
            return whole_team()

    whole_team = threads.team
    return {
        "one thread": on(lambda: threads.ALONE),
        "threads of our own": on(lambda: threads._own.of(THREADS)),
        "LightGBM's threads": on(shared),
        "NumPy": lambda raw, data: logistic(data.get_label(), raw),
    }


def main() -> None:
    random = np.random.default_rng(7)
    features = random.normal(size=(ROWS, COLUMNS)).astype(np.float32)
    y = (features[:, 0] + random.logistic(size=ROWS) > 0).astype(np.float64)
    data = lightgbm.Dataset(features, y, params={"verbose": -1}, free_raw_data=False).construct()
    params = {"num_threads": THREADS, "verbose": -1}
    seconds: dict[str, list[float]] = {name: [] for name in ways()}
    for number in range(ROUNDS + 1):
        calm.wait(PATIENCE)
        for name, objective in ways().items():
            spent = 0.0

            def timed(raw, data, objective=objective):
                nonlocal spent
                started = perf_counter()
                result = objective(raw, data)
                spent += perf_counter() - started
                return result

            lightgbm.train({**params, "objective": timed}, data, TRAINING_ROUNDS)
            if number:
                seconds[name].append(spent)
    table = Table(title=f"LightGBM, {THREADS} threads")
    table.add_column("objective on")
    table.add_column(f"ms, {TRAINING_ROUNDS} calls of {ROWS:,} rows", justify="right")
    for name, each in seconds.items():
        table.add_row(name, f"{median(each) * 1e3:.1f}")
    Console().print(table)


if __name__ == "__main__":
    main()
