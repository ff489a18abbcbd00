"""The operators on CUDA tensors: kernels for a GPU, on the tensors' memory and torch's current stream.

They have not run on a GPU yet (none was at hand; `docs/cuda.md` says what was proven instead), so only
`lossgen.set_execution("kernels")` leads here: with "auto" CUDA tensors are computed by array code.
"""

from dataclasses import dataclass
from typing import Any

from torch import Tensor

from lossgen.torch.operators import library, loss_of
from lossgen.torch.shapes import column_axes


@dataclass(frozen=True)
class Summed:
    """A loss whose rows are added, whatever its own reduction is."""

    _plan: Any
    reduction: str = "sum"
    is_compiled: bool = True


def evaluation():
    """What computes with device arrays. It needs the CUDA packages: imported when a tensor arrives."""
    from lossgen.runtime.cuda import evaluation

    return evaluation


def array_of(tensor: Tensor | None) -> Any:
    """The tensor as it lies in memory, without its history."""
    return None if tensor is None else tensor.detach().resolve_conj().resolve_neg()


def tensor_of(array: Any) -> Tensor:
    """A result, which is a tensor where the predictions are."""
    return array


def losses(y_true, y_pred, loss):
    return tensor_of(evaluation().losses(loss_of(loss), array_of(y_true), array_of(y_pred)))


def gradient(y_true, y_pred, cotangent, loss):
    summed = Summed(loss_of(loss)._plan)
    arrays = map(array_of, (y_true, y_pred, cotangent))
    return tensor_of(evaluation().value_and_gradient(summed, *arrays)[1])


def product(y_true, y_pred, cotangent, vector, loss):
    summed = Summed(loss_of(loss)._plan)
    arrays = map(array_of, (y_true, y_pred, vector, cotangent))
    return tensor_of(evaluation().hessian_vector_product(summed, *arrays))


def slope(y_true, y_pred, vector, loss):
    """For losses of one term, whose rows have nothing in common (`choice` sees to that)."""
    plan = loss_of(loss)._plan
    arrays = map(array_of, (y_true, y_pred))
    along = tensor_of(evaluation().value_and_gradient(Summed(plan), *arrays)[1]) * vector
    ranks = 0 if plan.labels else y_true.ndim - y_pred.ndim  # one may have a last axis of size 1 more
    if ranks == 1 and y_pred.ndim == 1:
        along = along.unsqueeze(-1)
    elif ranks == -1 and y_true.ndim > 1:
        along = along.squeeze(-1)
    return along.sum(column_axes(plan, along.ndim))


def value(y_true, y_pred, sample_weight, mask, loss):
    y, p, weight, mask = map(array_of, (y_true, y_pred, sample_weight, mask))
    return tensor_of(evaluation().value(loss_of(loss), y, p, weight, mask=mask))


def value_and_gradient(y_true, y_pred, sample_weight, mask, loss):
    y, p, weight, mask = map(array_of, (y_true, y_pred, sample_weight, mask))
    return tuple(map(tensor_of, evaluation().value_and_gradient(loss_of(loss), y, p, weight, mask=mask)))


def value_product(y_true, y_pred, vector, sample_weight, mask, loss):
    y, p, v, weight, mask = map(array_of, (y_true, y_pred, vector, sample_weight, mask))
    return tensor_of(evaluation().hessian_vector_product(loss_of(loss), y, p, v, weight, mask=mask))


OPERATORS = (losses, gradient, product, slope, value, value_and_gradient, value_product)
for _function in OPERATORS:
    library.impl(_function.__name__, _function, "CUDA")
