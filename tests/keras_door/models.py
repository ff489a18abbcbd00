"""Real data, tiny models, and which loss of the catalogue is trained on what."""

from dataclasses import dataclass, field
from functools import cache

import keras
import numpy as np
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits

ROWS, STEPS = 96, 4
EPOCHS = 3
HIDDEN = -5.0  # the value of steps that `Masking` hides


@dataclass(frozen=True)
class Trained:
    """A loss as both libraries have it, with what it is trained on.

    Attributes:
        name: class in both libraries.
        task: "regression", "positive", "binary", "signs", "classes" or "labels".
        activation: of the last layer.
        rate: learning rate of plain gradient descent.
        arguments: of both constructors.
        theirs: arguments of Keras's constructor where they differ.
    """

    name: str
    task: str
    activation: str | None = None
    rate: float = 0.05
    arguments: dict = field(default_factory=dict)
    theirs: dict = field(default_factory=dict)

    def __str__(self) -> str:
        return "-".join([self.name, *(f"{name}={value}" for name, value in self.arguments.items())])


LOGITS = {"from_logits": True}
TRAINED = (
    Trained("MeanSquaredError", "regression"),
    Trained("MeanAbsoluteError", "regression"),
    Trained("MeanAbsolutePercentageError", "positive", "softplus", 1e-3),
    Trained("MeanSquaredLogarithmicError", "positive", "softplus"),
    Trained("Huber", "regression", arguments={"delta": 0.5}),
    Trained("LogCosh", "regression"),
    Trained("CosineSimilarity", "classes"),
    Trained("Hinge", "binary", "tanh"),
    Trained("SquaredHinge", "signs", "tanh"),
    Trained("CategoricalHinge", "classes"),
    Trained("KLDivergence", "classes", "softmax"),
    Trained("Poisson", "positive", "softplus"),
    Trained("BinaryCrossentropy", "binary", "sigmoid", arguments={"label_smoothing": 0.1}),
    Trained("BinaryCrossentropy", "binary", arguments=LOGITS),
    Trained("BinaryFocalCrossentropy", "binary", "sigmoid"),
    Trained("CategoricalCrossentropy", "classes", "softmax"),
    Trained("CategoricalCrossentropy", "classes", arguments={"label_smoothing": 0.1, **LOGITS}),
    Trained("CategoricalFocalCrossentropy", "classes", "softmax"),
    Trained("SparseCategoricalCrossentropy", "labels", "softmax"),
    Trained("SparseCategoricalCrossentropy", "labels", arguments={"ignore_class": 3, **LOGITS}),
    Trained("CategoricalGeneralizedCrossEntropy", "labels", "softmax"),
    Trained("Dice", "classes", "softmax", arguments={"axis": -1}),
    Trained(
        "Tversky", "classes", "softmax", arguments={"alpha": 0.3, "beta": 0.7, "axis": -1},
        theirs={"alpha": 0.7, "beta": 0.3},
    ),
)  # fmt: skip
"""Every loss that both libraries have. Exempt, because lossgen differs on purpose (docs/differences.md): the
focal losses from logits; and `alpha` and `beta` of Tversky are the other way round in Keras 3.15."""

EXEMPT_MASKED = {"CosineSimilarity": "Masking makes hidden steps 0, where Keras's gradient is not finite"}
"""Also exempt where inputs are masked."""


@cache
def data(task: str) -> tuple[np.ndarray, np.ndarray]:
    """Features and targets, float32 (labels int64), of a data set that scikit-learn ships."""
    if task in ("regression", "positive"):
        x, y = load_diabetes(return_X_y=True)
        x, y = x[:ROWS] / x.std(), y[:ROWS, None] / 100
        return x.astype("float32"), (y if task == "positive" else y - y.mean()).astype("float32")
    if task in ("binary", "signs"):
        x, y = load_breast_cancer(return_X_y=True)
        x = (x - x.mean(0)) / x.std(0)
        y = 2.0 * y - 1 if task == "signs" else y
        return x[:ROWS].astype("float32"), y[:ROWS, None].astype("float32")
    x, y = load_digits(return_X_y=True)
    x = (x[:ROWS] / 16).astype("float32")
    return x, y[:ROWS] if task == "labels" else np.eye(10, dtype="float32")[y[:ROWS]]


@cache
def sequences(task: str) -> tuple[np.ndarray, np.ndarray]:
    """The same in sequences of `STEPS` steps, some of them filled with `HIDDEN`: what `Masking` hides."""
    x, y = data(task)
    x, y = (one.reshape(ROWS // STEPS, STEPS, *one.shape[1:]) for one in (x.copy(), y))
    x[::2, -1], x[::3, 0] = HIDDEN, HIDDEN
    return x, y


def model_of(task: str, activation: str | None, masked: bool = False) -> keras.Model:
    """A model with the same weights each time."""
    keras.utils.set_random_seed(7)
    x, _ = (sequences if masked else data)(task)
    inputs = keras.Input(x.shape[1:])
    hidden = keras.layers.Masking(HIDDEN)(inputs) if masked else inputs
    outputs = keras.layers.Dense(10 if task in ("classes", "labels") else 1, activation=activation)(hidden)
    return keras.Model(inputs, outputs)


def train(model: keras.Model, loss, x, y, rate: float = 0.05, epochs: int = EPOCHS, weight=None, **compiled):
    """The weights after training without shuffling, by plain gradient descent."""
    model.compile(optimizer=keras.optimizers.SGD(rate), loss=loss, **compiled)
    size = len(x) // 2
    model.fit(x, y, batch_size=size, epochs=epochs, sample_weight=weight, shuffle=False, verbose=0)
    return model.get_weights()


def same_weights(ours, theirs, tolerance: float = 1e-5) -> None:
    """Checks that two models have the same weights, which are finite."""
    for one, other in zip(ours, theirs, strict=True):
        assert np.isfinite(other).all()
        np.testing.assert_allclose(one, other, rtol=tolerance, atol=tolerance)
