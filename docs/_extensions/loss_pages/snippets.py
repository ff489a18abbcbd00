"""What a person copies: the loss in every framework, on a few numbers of its domain."""

from dataclasses import dataclass

from lossgen.boosting.objective import in_raw_scores
from lossgen.errors import ObjectiveError
from lossgen.language.declaration import Declaration
from lossgen.language.penalty import PenaltyDeclaration

TARGETS = {
    "labels": "[0, 2]",
    "probability": "[[1, 0, 0], [0, 0, 1]]",
    "signs": "[[1, -1, 1], [-1, 1, -1]]",
    "nonnegative": "[[1, 0, 3], [2, 1, 0]]",
    "positive": "[[1, 0.5, 3], [2, 1, 4]]",
    "real": "[[1, 0, -1], [0.5, 2, 0]]",
}
PREDICTIONS = {
    "probability": "[[0.7, 0.2, 0.1], [0.1, 0.3, 0.6]]",
    "nonnegative": "[[1.5, 0.5, 2.5], [1.0, 1.5, 0.5]]",
    "real": "[[0.8, -0.4, 0.3], [0.1, 1.5, 0.2]]",
}
ACTIVATIONS = {"probability": ', activation="softmax"', "nonnegative": ', activation="softplus"', "real": ""}
BOOSTED = {
    "labels": "np.digitize(X[:, 0], [-0.5, 0.5])",
    "probability": "(X[:, 0] > 0).astype(float)",
    "signs": "np.sign(X[:, 0])",
    "nonnegative": "random.poisson(np.exp(X[:, 0]))",
    "positive": "np.exp(X[:, 0])",
    "real": "X[:, 0] ** 2",
}
"""Targets of a domain that depend on the features."""


@dataclass(frozen=True)
class Snippet:
    """A program in one framework."""

    framework: str
    code: str


def snippets(declaration: Declaration, made: type) -> tuple[Snippet, ...]:
    """The loss in every framework that can take it; classes with `from_logits` are shown with logits."""
    call = _call(declaration)
    if isinstance(declaration, PenaltyDeclaration):
        places = {"NAME": declaration.class_name, "CALL": call, "FUNCTION": declaration.name}
        return tuple(Snippet(name, _filled(text, places)) for name, text in PENALTY.items())
    options = {name: each.default for name, each in declaration.options.items()} | _logits(declaration)
    domain = declaration.domain_of(options)
    target = "labels" if declaration.uses_labels(options) else domain.get("target", "real")
    prediction = domain.get("prediction", "real")
    places = {
        "NAME": declaration.class_name,
        "CALL": call,
        "FUNCTION": declaration.name,
        "TARGETS": TARGETS[target],
        "KIND": "" if target == "labels" else ".0",
        "DTYPE": "" if target == "labels" else ", dtype=torch.float32",
        "PREDICTIONS": PREDICTIONS[prediction],
        "ACTIVATION": ACTIVATIONS[prediction],
        "BOOSTED": BOOSTED[target],
    }
    shown = {name: _filled(text, places) for name, text in LOSS.items()}
    if _can_boost(made, declaration):
        shown["XGBoost"] = _filled(XGBOOST, places)
    return tuple(Snippet(*each) for each in shown.items())


def _call(declaration: Declaration) -> str:
    defaults = {**declaration.parameters, **declaration.options}
    values = {name: defaults[name].default for name in declaration.own_arguments} | _logits(declaration)
    return f"{declaration.class_name}({', '.join(f'{name}={value!r}' for name, value in values.items())})"


def _logits(declaration: Declaration) -> dict[str, bool]:
    return {"from_logits": True} if "from_logits" in declaration.options else {}


def _can_boost(made: type, declaration: Declaration) -> bool:
    try:
        loss = in_raw_scores(made(**_logits(declaration)))
    except ObjectiveError:
        return False
    return loss.properties.curvature == "convex" and loss.properties.diagonal


def _filled(text: str, places: dict[str, str]) -> str:
    for place, value in places.items():
        text = text.replace(place, value)
    return text.strip()


LOSS = {
    "NumPy": """
import numpy as np
from lossgen.losses import NAME

y_true = np.array(TARGETS)
y_pred = np.array(PREDICTIONS)

loss = CALL
value, gradient = loss.value_and_gradient(y_true, y_pred)
""",
    "Keras": """
import keras
from lossgen.keras import NAME

model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(3ACTIVATION)])
model.compile("adam", loss=CALL)
""",
    "PyTorch": """
import torch
from lossgen.torch import NAME

y_true = torch.tensor(TARGETSDTYPE)
y_pred = torch.tensor(PREDICTIONS, requires_grad=True)

loss = CALL
loss(y_true, y_pred).backward()
""",
    "JAX": """
import jax
import jax.numpy as jnp
from lossgen.jax import NAME

y_true = jnp.array(TARGETS)
y_pred = jnp.array(PREDICTIONS)

loss = CALL
value, gradient = jax.value_and_grad(loss, argnums=1)(y_true, y_pred)
""",
    "TensorFlow": """
import tensorflow as tf
from lossgen.tensorflow import NAME

y_true = tf.constant(TARGETS)
y_pred = tf.Variable(PREDICTIONS)

loss = CALL
with tf.GradientTape() as tape:
    value = loss(y_true, y_pred)
gradient = tape.gradient(value, y_pred)
""",
}

XGBOOST = """
import numpy as np
import xgboost
from lossgen.boosting import xgboost_objective
from lossgen.losses import NAME

random = np.random.default_rng(0)
X = random.normal(size=(200, 4))
y = BOOSTED

objective = xgboost_objective(CALL)
booster = xgboost.train(objective.parameters(y), xgboost.DMatrix(X, y), 20, obj=objective)
prediction = objective.predict(booster, X)
"""

PENALTY = {
    "NumPy": """
import numpy as np
from lossgen.penalties import NAME

x = np.random.default_rng(0).uniform(0.1, 0.9, size=(1, 8, 8, 3))
value, gradient = CALL.value_and_gradient(x)
""",
    "Keras": """
import keras
from lossgen.keras import NAME

layer = keras.layers.Dense(4, kernel_regularizer=CALL)
""",
    "PyTorch": """
import torch
import lossgen.torch
from lossgen.penalties import NAME

x = torch.rand(1, 8, 8, 3, requires_grad=True)
penalty = lossgen.torch.penalties.function(CALL)
penalty(x).backward()
""",
    "JAX": """
import jax
import lossgen.jax
from lossgen.penalties import NAME

x = jax.random.uniform(jax.random.key(0), (1, 8, 8, 3))
penalty = lossgen.jax.penalties.function(CALL)
value, gradient = jax.value_and_grad(penalty)(x)
""",
    "TensorFlow": """
import tensorflow as tf
import lossgen.tensorflow
from lossgen.penalties import NAME

x = tf.Variable(tf.random.uniform((1, 8, 8, 3)))
penalty = lossgen.tensorflow.penalties.function(CALL)
with tf.GradientTape() as tape:
    value = penalty(x)
gradient = tape.gradient(value, x)
""",
}
