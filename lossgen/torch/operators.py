"""The kernels as operators that torch knows: `torch.ops.lossgen.*`, on CPU tensors, without copies.

Tracers (torch.compile, torch.export, torch.jit.trace, fake tensors) see one opaque operation each, and their
derivatives are operators again (`lossgen.torch.derivatives`). A loss is named by a text, because that is what
a graph can hold: its configuration as JSON, so that an exported program runs in another process, or for a
loss of one's own a number that holds in this process.
"""

import json
from itertools import count
from weakref import WeakValueDictionary

import numpy as np
import torch
from torch import Tensor

from lossgen import losses as standalone_losses
from lossgen.errors import ConfigError, DtypeError, ReductionError
from lossgen.runtime import evaluation
from lossgen.runtime.batch import Batch
from lossgen.runtime.dispatch import run
from lossgen.runtime.reduction import keeps_losses
from lossgen.torch.shapes import loss_shape

MOST = 1024
"""Configurations whose losses are remembered; they are made again when they are needed again."""

_made: dict[str, object] = {}
_own: WeakValueDictionary[str, object] = WeakValueDictionary()
_numbers = count()


def is_of_the_catalogue(standalone: type) -> bool:
    """Whether a standalone class can be found by its name in any process."""
    return standalone_losses._registry.owns(standalone.__name__, standalone)


def make_ready(loss) -> None:
    """Makes what a tracer could not make: the plan of a standalone loss and its name in graphs."""
    key_of(loss)
    _ = loss._plan


def key_of(loss) -> str:
    """The text that names a standalone loss in a graph."""
    key = loss.__dict__.get("_key")
    if key is None:
        cls = type(loss)
        if is_of_the_catalogue(cls):
            key = json.dumps({"class_name": cls.__name__, "config": loss.get_config()}, sort_keys=True)
        else:
            key = f"{cls.__name__} {next(_numbers)}"
            _own[key] = loss
        loss.__dict__["_key"] = key
    return key


def loss_of(key: str):
    """The standalone loss that a text names.

    Raises:
        ConfigError: it is a loss of one's own that lives in another process, or lives no more.
    """
    loss = _made.get(key) or _own.get(key)
    if loss is None:
        if not key.startswith("{"):
            raise ConfigError(
                f"The loss {key!r} of a compiled graph is not known here: losses that were not compiled into "
                "the catalogue can be used in the process that made them, as long as they exist."
            )
        if len(_made) >= MOST:
            _made.clear()
        loss = _made[key] = standalone_losses.deserialize(json.loads(key))
    return loss


# Between tensors and arrays ----------------------------------------------------------------------------


def array_of(tensor: Tensor) -> np.ndarray:
    """The memory of a CPU tensor as an array; a copy only where it is not contiguous."""
    plain = tensor.detach().resolve_conj().resolve_neg().contiguous()
    return (plain.float() if plain.dtype in (torch.float16, torch.bfloat16) else plain).numpy()


def tensor_of(array) -> Tensor:
    """A result as a contiguous tensor in the same memory."""
    return torch.from_numpy(np.ascontiguousarray(array)).reshape(np.shape(array))


def predictions_of(y_pred: Tensor) -> np.ndarray:
    """The predictions of an operator.

    Raises:
        DtypeError: they are neither float32 nor float64.
    """
    if y_pred.dtype not in (torch.float32, torch.float64):
        raise DtypeError(f"`y_pred` must be float32 or float64. Received: y_pred of dtype {y_pred.dtype}")
    return array_of(y_pred)


def row_weight(cotangent: Tensor):
    """What multiplies the gradient of every row; a number where there is one row only."""
    array = array_of(cotangent)
    return array if array.ndim else float(array)


# The operators -----------------------------------------------------------------------------------------

library = torch.library.Library("lossgen", "DEF")
SCHEMAS = {
    "losses": "(Tensor y_true, Tensor y_pred, str loss) -> Tensor",
    "gradient": "(Tensor y_true, Tensor y_pred, Tensor cotangent, str loss) -> Tensor",
    "product": "(Tensor y_true, Tensor y_pred, Tensor cotangent, Tensor vector, str loss) -> Tensor",
    "slope": "(Tensor y_true, Tensor y_pred, Tensor vector, str loss) -> Tensor",
    "value": "(Tensor y_true, Tensor y_pred, Tensor? sample_weight, Tensor? mask, str loss) -> Tensor",
    "value_and_gradient":
        "(Tensor y_true, Tensor y_pred, Tensor? sample_weight, Tensor? mask, str loss) -> (Tensor, Tensor)",
    "value_product":
        "(Tensor y_true, Tensor y_pred, Tensor vector, Tensor? sample_weight, Tensor? mask, str loss)"
        " -> Tensor",
}  # fmt: skip
for _name, _schema in SCHEMAS.items():
    library.define(_name + _schema, tags=(torch.Tag.pt2_compliant_tag, torch.Tag.needs_fixed_stride_order))


def losses(y_true, y_pred, loss):
    """The loss of every row, unweighted; 0 where the label is ignored."""
    return tensor_of(evaluation.losses_of(loss_of(loss)._plan, array_of(y_true), predictions_of(y_pred)))


def gradient(y_true, y_pred, cotangent, loss):
    """The gradient of Σ cotangent·loss."""
    plan, weight = loss_of(loss)._plan, row_weight(cotangent)
    arrays = array_of(y_true), predictions_of(y_pred)
    return tensor_of(evaluation.value_and_gradient_of(plan, "sum", *arrays, weight, None, None)[1])


def product(y_true, y_pred, cotangent, vector, loss):
    """The Hessian of Σ cotangent·loss times a vector."""
    plan, weight = loss_of(loss)._plan, row_weight(cotangent)
    arrays = array_of(y_true), predictions_of(y_pred), array_of(vector)
    return tensor_of(evaluation.hessian_vector_product_of(plan, "sum", *arrays, weight, None, None))


def slope(y_true, y_pred, vector, loss):
    """The derivative of every row's loss along a vector."""
    plan = loss_of(loss)._plan
    batch = Batch(plan, array_of(y_true), predictions_of(y_pred))
    if batch.labels:
        batch.read_labels(plan, None)
    along = array_of(vector).reshape(batch.p.shape)
    total = np.zeros(batch.layout.kept, np.float64)
    for term, layout in zip(plan.terms, batch.layouts, strict=True):
        _, _, (part,) = run(term, "value_and_gradient", batch, layout)
        total += (part * along).sum(axis=layout.axes, dtype=np.float64).reshape(layout.kept)
    if batch.used is not None:
        total[~batch.used.reshape(batch.layout.kept)] = 0
    return tensor_of(total.astype(batch.p.dtype).reshape(batch.layout.loss_shape))


def reduced_arguments(loss, y_true, y_pred, sample_weight, mask):
    """Arrays for a call of a whole loss.

    Raises:
        ReductionError: the loss is not reduced to one number.
    """
    if keeps_losses(loss.reduction):
        raise ReductionError(
            f"The operators that reduce take a loss with a reduction. Received: {loss!r}. "
            "Losses that are not reduced are those of lossgen::losses."
        )
    weights = (None if one is None else array_of(one) for one in (sample_weight, mask))
    return array_of(y_true), predictions_of(y_pred), *weights


def value(y_true, y_pred, sample_weight, mask, loss):
    """The reduced value."""
    found = loss_of(loss)
    arrays = reduced_arguments(found, y_true, y_pred, sample_weight, mask)
    return tensor_of(evaluation.value_of(found._plan, found.reduction, *arrays))


def value_and_gradient(y_true, y_pred, sample_weight, mask, loss):
    """The reduced value and its gradient, in one pass of the kernels."""
    found = loss_of(loss)
    arrays = reduced_arguments(found, y_true, y_pred, sample_weight, mask)
    results = evaluation.value_and_gradient_of(found._plan, found.reduction, *arrays, None)
    return tuple(tensor_of(one) for one in results)


def value_product(y_true, y_pred, vector, sample_weight, mask, loss):
    """The Hessian of the reduced value times a vector."""
    found = loss_of(loss)
    y, p, *weights = reduced_arguments(found, y_true, y_pred, sample_weight, mask)
    arrays = y, p, array_of(vector), *weights
    return tensor_of(evaluation.hessian_vector_product_of(found._plan, found.reduction, *arrays, None))


def fake_losses(y_true, y_pred, *rest):
    return y_pred.new_empty(loss_shape(loss_of(rest[-1])._plan, y_true.shape, y_pred.shape))


def fake_gradient(y_true, y_pred, *rest):
    return y_pred.new_empty(y_pred.shape)


def fake_value(y_true, y_pred, *rest):
    return y_pred.new_empty(())


def fake_value_and_gradient(y_true, y_pred, *rest):
    return y_pred.new_empty(()), y_pred.new_empty(y_pred.shape)


FAKE = {
    losses: fake_losses, gradient: fake_gradient, product: fake_gradient, slope: fake_losses,
    value: fake_value, value_and_gradient: fake_value_and_gradient, value_product: fake_gradient,
}  # fmt: skip
for _function, _fake in FAKE.items():
    library.impl(_function.__name__, _function, "CPU")
    torch.library.register_fake(f"lossgen::{_function.__name__}", _fake, lib=library)

kernels = torch.ops.lossgen
