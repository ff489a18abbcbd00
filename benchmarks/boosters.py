"""Custom objectives next to built-in ones: the table of docs/boosting.md.

    python -m benchmarks.boosters [--booster XGBoost] [--markdown]

Each loss that a booster has built in is trained for 100 rounds, as the built-in and as lossgen's, on data
that scikit-learn ships, with the booster's own settings where nothing else is said (XGBoost: max_depth=3;
CatBoost: no random numbers, learning_rate=0.1). "ulp" is the largest error of gradient and Hessian in the
first round, as the booster is given them (float32), against 50 digits, in units in the last place of the
result, or of the raw score where that moves the result by more. "rows" are those whose prediction is within
1e-4 of the built-in's, "metric" the mean loss of the training rows over the built-in's. Where the bare loss
is not the same as the built-in, the last columns repeat both with its trick, or with what comes near.
"""

import argparse
import warnings

import numpy as np
from rich.console import Console
from rich.table import Table

from .booster_pairs import PAIRS, Pair, exact, ulps

ROUNDS = 100
NEAR = 1e-4

Trained = tuple[np.ndarray, tuple | None]
"""Predictions, and targets, raw scores, gradient and Hessian of the first round."""


class Spy:
    """An objective that keeps what it was first called with and what it gave."""

    def __init__(self, objective):
        self.objective, self.first = objective, None

    def keep(self, raw, found, targets) -> None:
        """Remembers copies of the first call."""
        if self.first is None:
            self.first = np.array(targets), np.array(raw), *(np.array(each) for each in found)

    def __call__(self, raw, data):
        given = np.array(raw, order="K")
        found = self.objective(raw, data)
        self.keep(given, found, data.get_label())
        return found


# Trainings --------------------------------------------------------------------------------------------------


def xgboost(pair: Pair, tricks: bool) -> tuple[Trained, np.ndarray]:
    """lossgen's and the built-in's predictions."""
    import xgboost

    from lossgen.boosting import xgboost_objective

    features, y = pair.data()
    data = xgboost.DMatrix(features, y)
    common = {"nthread": 2, "verbosity": 0, "max_depth": 3, **(pair.both if tricks else {})}
    spy = Spy(xgboost_objective(pair.make(), **(pair.policy if tricks else {})))
    params = spy.objective.parameters(y, classes=pair.classes if pair.classes > 1 else None)
    own = xgboost.train({**params, **common, **(pair.own if tricks else {})}, data, ROUNDS, obj=spy)
    further = {"num_class": pair.classes} if pair.classes > 1 else {}
    built_in = {**common, "objective": pair.name, **pair.built_in, **further}
    return (spy.objective.predict(own, data), spy.first), xgboost.train(built_in, data, ROUNDS).predict(data)


def lightgbm(pair: Pair, tricks: bool) -> tuple[Trained, np.ndarray]:
    """lossgen's and the built-in's predictions."""
    import lightgbm

    from lossgen.boosting import lightgbm_objective

    features, y = pair.data()
    common = {"num_threads": 2, "verbosity": -1, "deterministic": True, **(pair.both if tricks else {})}
    if pair.classes > 1:
        common["num_class"] = pair.classes
    spy = Spy(lightgbm_objective(pair.make(), **(pair.policy if tricks else {})))
    data = lightgbm.Dataset(features, y)
    start = spy.objective.set_start(data, pair.start(y) if tricks and pair.start else None)
    params = {**common, **(pair.own if tricks else {}), "objective": lambda raw, data: spy(raw, data)}
    own = lightgbm.train(params, data, ROUNDS)
    built_in = {**common, "objective": pair.name, **pair.built_in}
    expected = lightgbm.train(built_in, lightgbm.Dataset(features, y), ROUNDS).predict(features)
    return (spy.objective.predict(own, features, start), spy.first), expected


def catboost(pair: Pair, tricks: bool) -> tuple[Trained, np.ndarray]:
    """lossgen's and the built-in's predictions, without random numbers, which both draw differently."""
    import catboost

    from lossgen.boosting import CatBoostObjective

    class Watched(CatBoostObjective):
        def calc_ders_range(self, approxes, targets, weights):
            found = super().calc_ders_range(approxes, targets, weights)
            spy.keep(approxes, -found.T.astype(np.float32), targets)
            return found

    features, y = pair.data()
    common = {
        "iterations": ROUNDS, "thread_count": 2, "verbose": False, "allow_writing_files": False,
        "learning_rate": 0.1, "bootstrap_type": "No", "random_strength": 0,
        "eval_metric": pair.name, **(pair.both if tricks else {}),
    }  # fmt: skip
    objective = Watched(pair.make(), **(pair.policy if tricks else {}))
    spy = Spy(objective)
    data = catboost.Pool(features, y)
    start = objective.set_start(data, pair.start(y) if tricks and pair.start else None)
    own = catboost.CatBoost({**common, **(pair.own if tricks else {}), "loss_function": objective}).fit(data)
    built_in = catboost.CatBoost({**common, "loss_function": pair.name, **pair.built_in})
    average = pair.name in ("RMSE", "MAE", "Quantile:alpha=0.8")  # otherwise it starts at 0 by itself
    data = catboost.Pool(features, y)
    if not average:
        objective.set_start(data, start)
    raw = built_in.fit(data).predict(data, prediction_type="RawFormulaVal")
    return (objective.predict(own, features, start), spy.first), pair.make().inverse_link(raw)


def sklearn(pair: Pair, tricks: bool) -> tuple[Trained, np.ndarray]:
    """lossgen's and the built-in's predictions."""
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    from lossgen.boosting import sklearn_loss
    from lossgen.boosting.sklearn import SklearnLoss

    class Watched(SklearnLoss):
        def gradient_hessian(self, y_true, raw_prediction, *arguments, **named):
            found = super().gradient_hessian(y_true, raw_prediction, *arguments, **named)
            shape = found[0].shape
            spy.keep(raw_prediction.reshape(shape), (each.astype(np.float32) for each in found), y_true)
            return found

    features, y = pair.data()
    name = pair.name.partition(",")[0]
    kind = HistGradientBoostingClassifier if name == "log_loss" else HistGradientBoostingRegressor
    loss = Watched(pair.make(), **(pair.policy if tricks else {}))
    spy = Spy(sklearn_loss(pair.make()))
    models = (kind(loss=loss, max_iter=ROUNDS, early_stopping=False),
              kind(loss=name, max_iter=ROUNDS, early_stopping=False, **pair.built_in))  # fmt: skip
    own, built_in = (
        (model.predict_proba if name == "log_loss" else model.predict)(features)
        for model in (each.fit(features, y) for each in models)
    )
    if name == "log_loss" and pair.classes == 1:
        own, built_in = own[:, 1], built_in[:, 1]
    return (own, spy.first), built_in


BOOSTERS = {"XGBoost": xgboost, "LightGBM": lightgbm, "CatBoost": catboost, "scikit-learn": sklearn}


# Figures ----------------------------------------------------------------------------------------------------


def mean_loss(pair: Pair, y: np.ndarray, predicted: np.ndarray) -> float:
    """The mean loss of predictions (not raw scores), without what only the targets enter."""
    kind, link = pair.loss[0], pair.make().properties.link
    if link == "softmax":
        return -float(np.mean(np.log(predicted[np.arange(len(y)), y.astype(int)])))
    if link == "logit":
        return -float(np.mean(np.log(np.where(y == 1, predicted, 1 - predicted))))
    raw = np.log(predicted) if link == "log" else predicted
    value = float(pair.make()(y[:, None], raw[:, None].astype(np.float64)))
    if kind != "PoissonNLL" and link != "log":
        return value
    return value - float(pair.make()(y[:, None], np.log(np.maximum(y, 1e-300))[:, None]))


def compared(pair: Pair, booster: str, tricks: bool) -> tuple[float, float, tuple]:
    """Share of near rows, ratio of metrics, and the first round."""
    _, y = pair.data()
    (own, first), built_in = BOOSTERS[booster](pair, tricks)
    near = np.isclose(own, built_in, rtol=NEAR, atol=0)
    near = near.all(axis=1) if near.ndim == 2 else near
    return float(near.mean()), mean_loss(pair, y, own) / mean_loss(pair, y, built_in), first


def row_of(pair: Pair, booster: str) -> list[str]:
    """What the table says of a pair."""
    near, ratio, first = compared(pair, booster, False)
    if first is None:  # CatBoost asks for classes one row at a time: the same kernel, not watched
        errors = "–"
    else:
        targets, raw, gradient, hessian = first
        references = exact(pair, targets, raw), exact(pair, targets, raw, moved=pair.classes == 1)
        errors = ", ".join(
            f"{ulps(ours, *(each[place] for each in references)):.2f}"
            for place, ours in enumerate((gradient, hessian))
        )
    kind, arguments = pair.loss
    ours = f"{kind}({', '.join(f'{name}={value!r}' for name, value in arguments.items())})"
    cells = [booster, pair.name, ours, errors, f"{near:.1%}", f"{ratio:.4f}"]
    remark = "; ".join(each for each in (pair.trick, pair.remains) if each)
    if not (pair.policy or pair.own or pair.both):
        return [*cells, remark, "", ""]
    near, ratio, _ = compared(pair, booster, True)
    said = {**pair.policy, **pair.own, **pair.both}
    said = {name: round(value, 4) if isinstance(value, float) else value for name, value in said.items()}
    remedy = ", ".join(f"{name}={value!r}" for name, value in said.items())
    remedy += f", start=np.{pair.start.__name__}(y)" if pair.start else ""
    return [*cells, f"{remark}: {remedy}", f"{near:.1%}", f"{ratio:.4f}"]


HEADER = ["booster", "built-in", "lossgen", "ulp g, h", "rows", "metric", "trick: what reproduces it",
          "rows", "metric"]  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.boosters", description=__doc__)
    parser.add_argument("--booster", choices=[*PAIRS], help="only this one")
    parser.add_argument("--markdown", action="store_true", help="print the table for docs/boosting.md")
    given = parser.parse_args()
    warnings.filterwarnings("ignore", category=UserWarning)
    chosen = [given.booster] if given.booster else [*PAIRS]
    rows = [row_of(pair, booster) for booster in chosen for pair in PAIRS[booster]]
    if given.markdown:
        for cells in (HEADER, ["---"] * len(HEADER), *rows):
            print("| " + " | ".join(cells) + " |")
        return
    table = Table(*HEADER)
    for cells in rows:
        table.add_row(*cells)
    Console(width=200).print(table)


if __name__ == "__main__":
    main()
