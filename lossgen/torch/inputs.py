"""The arguments of a call, checked and brought to the dtypes that they are computed in."""

from numbers import Real

import numpy as np
import torch
from torch import Tensor

from lossgen.errors import DeviceError, DtypeError, LabelError, WeightError

COMPUTED = (torch.float32, torch.float64)
HALVES = {torch.float16: 2**11, torch.bfloat16: 2**8}
"""The half precisions, and up to which whole number they tell one from the next."""

DTYPES = {"float32": torch.float32, "float64": torch.float64, None: None}
"""The `dtype` argument of a loss."""


def tensor_argument(name: str, value: object) -> Tensor:
    """An argument that must be a strided tensor of real numbers.

    Raises:
        DtypeError: it is something else.
    """
    if not isinstance(value, Tensor):
        raise DtypeError(f"`{name}` must be a torch.Tensor. Received: {name} of type {type(value).__name__}")
    if value.layout is not torch.strided or value.is_quantized:
        kind = "quantized" if value.is_quantized else value.layout
        raise DtypeError(f"`{name}` must be a dense tensor. Received: {name} of layout {kind}")
    if value.dtype.is_complex:
        raise DtypeError(f"`{name}` must hold real numbers. Received: {name} of dtype {value.dtype}")
    return value


def prediction(y_pred: object, dtype: torch.dtype | None) -> tuple[Tensor, torch.dtype]:
    """Predictions in the dtype that they are computed in, and the dtype of the result.

    Half precision is computed in float32 and the result cast back, but stays float32 under autocast, as that
    of torch's own losses. Integers are computed in float64.
    """
    p = tensor_argument("y_pred", y_pred)
    if dtype is not None:
        return p.to(dtype), dtype
    if p.dtype in COMPUTED:
        return p, p.dtype
    if not p.dtype.is_floating_point:
        return p.to(torch.float64), torch.float64
    is_autocast = torch.is_autocast_enabled(p.device.type)
    return p.to(torch.float32), torch.float32 if is_autocast else p.dtype


def target(y_true: object, p: Tensor, labels: bool, axes: tuple[int, ...]) -> Tensor:
    """Targets as they are stored, half precision in float32.

    Args:
        labels: whether they are integer labels.
        axes: the axes of the predictions that are columns.

    Raises:
        LabelError: labels in a half precision that cannot tell all columns apart.
    """
    y = same_device("y_true", tensor_argument("y_true", y_true), p)
    if y.dtype not in HALVES:
        return y
    columns = 1
    for axis in axes:
        columns *= p.shape[axis]
    if labels and columns > HALVES[y.dtype]:
        raise LabelError(
            f"`y_true` holds labels of {columns} columns in {y.dtype}, which rounds whole numbers above "
            f"{HALVES[y.dtype]}. Pass labels as integers."
        )
    return y.to(torch.float32)


def weight(sample_weight: object, p: Tensor) -> Tensor | None:
    """Weights as a tensor on the device of the predictions."""
    if sample_weight is None:
        return None
    if isinstance(sample_weight, Real):
        return torch.full((), float(sample_weight), dtype=p.dtype, device=p.device)
    found = same_device("sample_weight", tensor_argument("sample_weight", sample_weight), p)
    return found.to(torch.float32) if found.dtype in HALVES else found


def checked_mask(mask: object, p: Tensor, readable: bool) -> Tensor | None:
    """The mask as a tensor of booleans on the device of the predictions.

    Args:
        readable: whether values may be looked at: not while a graph is traced.

    Raises:
        WeightError: it holds NaN, which says neither that a loss counts nor that it does not.
    """
    if mask is None:
        return None
    found = same_device("mask", tensor_argument("mask", torch.as_tensor(mask)), p)
    if found.dtype is torch.bool:
        return found
    if readable and found.dtype.is_floating_point and bool(torch.isnan(found).any()):
        raise WeightError("`mask` must hold booleans or numbers. Received: mask with NaN")
    return found != 0


def same_device(name: str, tensor: Tensor, p: Tensor) -> Tensor:
    """The tensor.

    Raises:
        DeviceError: it lies elsewhere than the predictions.
    """
    if tensor.device != p.device:
        raise DeviceError(
            f"`{name}` and `y_pred` must be on the same device. "
            f"Received: {name} on {tensor.device} and y_pred on {p.device}"
        )
    return tensor


def dtype_name(dtype: object) -> object:
    """The `dtype` argument for a standalone loss: a dtype of torch by its name."""
    return str(dtype).removeprefix("torch.") if isinstance(dtype, torch.dtype) else dtype


def plain_number(value: object) -> object:
    """A tensor or array as Python numbers; anything else as it is."""
    if isinstance(value, np.ndarray):
        return value.tolist()
    return value.detach().cpu().tolist() if isinstance(value, Tensor) else value


INTEGERS = frozenset(
    (torch.bool, torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64, *COMPUTED)
)
"""Dtypes in which kernels read targets as they are stored."""


def is_short_weight(sample_weight: object, dtype: torch.dtype) -> bool:
    """Whether a weight can be handed to a kernel at once."""
    return (
        type(sample_weight) is Tensor
        and sample_weight.is_cpu
        and sample_weight.dtype is dtype
        and not sample_weight.requires_grad
        and sample_weight.is_contiguous()
    )
