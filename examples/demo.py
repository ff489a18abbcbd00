"""`make demo`: two losses declared in a file, compiled, explained, trained on real data next to others.

The data sets ship with scikit-learn: diabetes (442 patients, with some records spoilt on purpose) and
handwritten digits (1 797 images, with 40 % of the training labels wrong).
"""

import sys
import time
from pathlib import Path

import figures
import numpy as np
from my_losses import quantile_huber, symmetric_cross_entropy
from rich.console import Console
from rich.table import Table
from sklearn.datasets import load_diabetes, load_digits
from sklearn.model_selection import train_test_split
from threadpoolctl import threadpool_limits
from training import Dense, train

import lossgen as lg
from lossgen import losses

OUTPUT = Path("demo_output")
SPOILT, WRONG = 0.08, 0.4
"""Share of records of the diabetes set that are spoilt, of labels of the digits that are wrong."""
console = Console(width=110)


def main() -> None:
    """The two stories, each with its table and its pictures."""
    started = time.perf_counter()
    with threadpool_limits(1):  # the matrices are small: threads would only wait for each other
        pictures = [*regression(), *classification()]
    console.print(f"Pictures: {', '.join(map(str, pictures))}")
    console.print(f"All of it took {time.perf_counter() - started:.0f} s.")


# A robust loss that is too high on purpose ----------------------------------------------------------


def regression() -> list[Path]:
    """Progression of diabetes: plan for more than the average patient, and survive spoilt records."""
    console.rule("A loss of one's own: quantile Huber")
    console.print(quantile_huber.explain())
    QuantileHuber = compiled(quantile_huber)

    data = load_diabetes()
    inputs, target = data.data / data.data.std(axis=0), data.target[:, None] / 100
    train_x, test_x, train_y, test_y = train_test_split(inputs, target, test_size=0.3, random_state=0)
    outliers = np.random.default_rng(1).random(len(train_y)) < SPOILT
    train_y = np.where(outliers[:, None], train_y + 5, train_y)

    contenders = {
        "mean squared error": losses.MeanSquaredError(),
        "mean absolute error": losses.MeanAbsoluteError(),
        "Huber": losses.Huber(delta=0.5),
        "quantile, 80 %": losses.Quantile(quantile=0.8),
        "quantile Huber, 80 %": QuantileHuber(quantile=0.8, delta=0.5),
    }
    table = Table("loss", title=f"Diabetes, {SPOILT:.0%} of the training records spoilt: test set")
    for heading in ("mean abs. error", "patients below prediction", "pinball loss, 80 %", "seconds"):
        table.add_column(heading, justify="right")
    pinball, lines = losses.Quantile(quantile=0.8), {}
    for name, loss in contenders.items():
        started = time.perf_counter()
        model = Dense(inputs.shape[1], 1)
        for _ in train(model, loss, train_x, train_y, epochs=1500, rate=0.03):
            pass
        seconds, prediction = time.perf_counter() - started, model(test_x)
        table.add_row(
            name,
            f"{100 * np.abs(prediction - test_y).mean():.1f}",
            f"{np.mean(test_y < prediction):.0%}",
            f"{100 * pinball(test_y, prediction):.1f}",
            f"{seconds:.1f}",
        )
        lines[name] = one_feature_fit(loss, train_x[:, 2:3], train_y)
    console.print(table)
    console.print(
        "Squared error follows the spoilt records; the robust losses do not. The last two aim at a\n"
        "prediction that four of five patients stay below; the last one is smooth, too.\n"
    )
    return [
        figures.curves(contenders, OUTPUT / "loss_gradient_hessian.png"),
        figures.fits(train_x[:, 2], 100 * train_y[:, 0], outliers, lines, OUTPUT / "fit.png"),
    ]


def one_feature_fit(loss, feature, target):
    """The line that the loss fits to one feature, in units of the data."""
    model = Dense(1, 1)
    for _ in train(model, loss, feature, target, epochs=800, rate=0.05):
        pass
    return lambda values: 100 * model(values[:, None])[:, 0]


# A loss on softmax rungs that stands wrong labels ----------------------------------------------------


def classification() -> list[Path]:
    """Digits with wrong labels: cross-entropy learns them by heart, its symmetric relative does not."""
    console.rule("A loss over the classes: symmetric cross-entropy")
    console.print(f"loss      L = {symmetric_cross_entropy.formula()}", highlight=False, markup=False)
    console.print(
        f"gradient  g = {symmetric_cross_entropy.gradient_formula()}\n", highlight=False, markup=False
    )
    SymmetricCrossEntropy = compiled(symmetric_cross_entropy)

    data = load_digits()
    train_x, test_x, train_y, test_y = train_test_split(
        data.data / 16, data.target, test_size=0.4, random_state=0, stratify=data.target
    )
    random = np.random.default_rng(0)
    wrong = random.random(len(train_y)) < WRONG
    noisy = np.where(wrong, (train_y + random.integers(1, 10, len(train_y))) % 10, train_y)

    contenders = {
        "cross-entropy": losses.SparseCategoricalCrossentropy(from_logits=True),
        "multi-class margin": losses.MultiMargin(),
        "symmetric cross-entropy": SymmetricCrossEntropy(alpha=0.05, beta=1.0),
    }
    table = Table("loss", title=f"Digits, {WRONG:.0%} of the training labels wrong: test accuracy")
    for heading in ("best epoch", "last epoch", "seconds"):
        table.add_column(heading, justify="right")
    histories = {}
    for name, loss in contenders.items():
        started, model, history = time.perf_counter(), Dense(64, 128, 10), []
        for _ in train(model, loss, train_x, noisy, epochs=60, batch=64, rate=0.005):
            history.append(float(np.mean(model(test_x).argmax(axis=1) == test_y)))
        histories[name] = history
        table.add_row(
            name, f"{max(history):.1%}", f"{history[-1]:.1%}", f"{time.perf_counter() - started:.1f}"
        )
    console.print(table)
    return [figures.accuracies(histories, OUTPUT / "digits.png")]


def compiled(declaration):
    """The class of a declaration; says how long it took until the first gradient was there."""
    started = time.perf_counter()
    made = lg.compile(declaration)
    labels = declaration.uses_labels()
    made().value_and_gradient(np.zeros(2, int) if labels else np.zeros((2, 3)), np.zeros((2, 3)))
    seconds = time.perf_counter() - started
    console.print(f"Formula to first gradient: {seconds:.2f} s  ({made.__name__})\n", highlight=False)
    return made


if __name__ == "__main__":
    sys.exit(main())
