"""The same inputs through Keras and torch, where they are installed and have the loss: value and gradient."""

import os
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import numpy as np

from lossgen.inspection.classes import is_shipped
from lossgen.inspection.verification.inputs import Batch
from lossgen.inspection.verification.results import Results
from lossgen.inspection.verification.subjects import Subject

NOT_INSTALLED, HAS_NONE = "not installed", "has none"

Function = Callable[[Any, Any], Any]
"""One loss a row, of targets and predictions as tensors."""


@dataclass(frozen=True)
class Peer:
    """A library with losses of its own.

    Args:
        needs: the modules without which it is not there.
        find: the loss of a subject; None where the library has none, or the reason why it is not to be had.
    """

    name: str
    needs: tuple[str, ...]
    find: Callable[[Subject], Function | str | None]

    def is_installed(self) -> bool:
        """Whether it can be imported."""
        return all(find_spec(module) is not None for module in self.needs)

    def loss(self, subject: Subject) -> Function | str:
        """The loss, or why there is none."""
        if not is_shipped(subject.declaration):
            return HAS_NONE
        if not self.is_installed():
            return NOT_INSTALLED
        return self.find(subject) or HAS_NONE


def results(function: Function, subject: Subject, batch: Batch, kind) -> Results:
    """Value and gradient of every row, by torch's autograd; nothing where there is not one loss a row."""
    import torch

    dtype = getattr(torch, kind.dtype.name)
    target = torch.as_tensor(np.asarray(batch.targets), dtype=torch.int64 if subject.labels else dtype)
    prediction = torch.tensor(batch.predictions, dtype=dtype, requires_grad=True)
    with warnings.catch_warnings():  # Keras warns of a single column
        warnings.simplefilter("ignore")
        losses = function(target, prediction).reshape(-1)
    if losses.numel() != len(batch.predictions):  # broadcast to something else than one loss a row
        return {}
    (gradient,) = torch.autograd.grad(losses.sum(), prediction)
    return {
        "value": [losses.detach().numpy().astype(np.float64)],
        "gradient": [gradient.numpy().astype(np.float64)],
    }


# Keras ------------------------------------------------------------------------------------------------------


def of_keras(subject: Subject) -> Function | str | None:
    """The class of Keras with the same name and arguments, on its torch backend."""
    os.environ.setdefault("KERAS_BACKEND", "torch")
    import keras

    if keras.backend.backend() != "torch":
        return f"runs on {keras.backend.backend()}"
    if subject.is_penalty:
        return None
    cls = getattr(keras.losses, subject.declaration.class_name, None)
    if cls is None:
        return None
    values = {
        name: list(value) if isinstance(value, tuple) else value for name, value in subject.values.items()
    }
    if subject.name == "tversky" and swaps_tversky(keras.__version__):
        values["alpha"], values["beta"] = values["beta"], values["alpha"]
    if "axis" in subject.declaration.constructor_arguments():
        values["axis"] = -1

    def losses(target, prediction):
        dtype = str(prediction.dtype).removeprefix("torch.")
        return cls(**subject.options, **values, reduction=None, dtype=dtype)(target, prediction)

    return losses


def swaps_tversky(version: str) -> bool:
    """Whether this Keras applies Tversky's alpha to false negatives, as versions before 3.16 do."""
    return tuple(int(part) for part in version.split(".")[:2]) < (3, 16)


# torch ------------------------------------------------------------------------------------------------------


def of_torch(subject: Subject) -> Function | None:
    """torch's own function of the same loss."""
    from torch.nn import functional as f

    make = TORCH.get((subject.name, subject.options.get("from_logits")))
    if make is None:
        return None
    further = {name: value for name, value in subject.options.items() if name != "from_logits"}
    return make(f, **subject.values, **further)


def elementwise(function: Callable, **arguments) -> Function:
    """A function of torch.nn.functional as the mean over the columns."""
    return lambda y, p: function(p, y, reduction="none", **arguments).mean(-1)


def by_rows(function: Callable, **arguments) -> Function:
    """A function of torch.nn.functional that reduces the columns itself."""
    return lambda y, p: function(p, y, reduction="none", **arguments)


def binary_crossentropy(function: str) -> Callable:
    """Binary cross-entropy; torch has no label smoothing for it."""
    return lambda f, label_smoothing: elementwise(getattr(f, function)) if label_smoothing == 0 else None


TORCH: Mapping[tuple[str, bool | None], Callable] = {
    ("mean_squared_error", None): lambda f: elementwise(f.mse_loss),
    ("mean_absolute_error", None): lambda f: elementwise(f.l1_loss),
    ("huber", None): lambda f, delta: elementwise(f.huber_loss, delta=delta),
    ("smooth_l1", None): lambda f, beta: elementwise(f.smooth_l1_loss, beta=beta),
    ("poisson", None): lambda f: elementwise(f.poisson_nll_loss, log_input=False, eps=1e-7),
    ("poisson_nll", None): lambda f: elementwise(f.poisson_nll_loss),
    ("binary_crossentropy", False): binary_crossentropy("binary_cross_entropy"),
    ("binary_crossentropy", True): binary_crossentropy("binary_cross_entropy_with_logits"),
    ("categorical_crossentropy", True): lambda f, label_smoothing: by_rows(
        f.cross_entropy, label_smoothing=label_smoothing
    ),
    ("sparse_categorical_crossentropy", True): lambda f: by_rows(f.cross_entropy),
    ("cosine_similarity", None): lambda f: lambda y, p: -f.cosine_similarity(p, y, dim=-1),
    ("multi_margin", None): lambda f, margin, exponent: by_rows(
        f.multi_margin_loss, margin=margin, p=exponent
    ),
}
"""What torch calls a loss of the catalogue, by its name and whether it takes logits."""

PEERS = (Peer("Keras", ("keras", "torch"), of_keras), Peer("torch", ("torch",), of_torch))
