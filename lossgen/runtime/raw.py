"""Derivatives on raw scores as boosters want them: float32, in their order, with Hessians by policy."""

from math import inf
from numbers import Real

import numpy as np

from lossgen.errors import CurvatureError, ShapeError, WeightError
from lossgen.runtime.curvature import CLIP, kernel_of, resolve
from lossgen.runtime.dtypes import FLOAT32, numbers_array, prediction_array
from lossgen.runtime.outputs import new_output
from lossgen.runtime.raw_kernels import RawKernels
from lossgen.runtime.shapes import lent


class RawDerivatives:
    """Gradient and Hessian of every row's loss with respect to its raw score, both times the row's weight.

    Where the columns of a loss do not meet, every output is a problem of its own, without the 1/C of a mean.

    Args:
        loss: a loss compiled from its formula.
        hessian: a policy, see `lossgen.runtime.curvature`; None for the one that fits the loss.
        hessian_scale: positive number that multiplies the Hessian.

    Raises:
        CurvatureError: the policy is not for this loss, or none was named and its Hessian may be negative.
        ShapeError: the rows of the loss do not stand alone.
    """

    def __init__(self, loss, hessian: str | None = None, hessian_scale: float = 1.0):
        self.loss = loss
        self.policy = resolve(loss, hessian)
        number = isinstance(hessian_scale, Real) and not isinstance(hessian_scale, bool)
        if not number or not 0 < hessian_scale < inf:
            raise CurvatureError(f"`hessian_scale` must be a positive number. Received: {hessian_scale!r}")
        self.hessian_scale = float(hessian_scale)
        self.kernels = RawKernels(loss, kernel_of(loss, self.policy))
        self.floored = self.policy == "fisher" and loss.properties.curvature == "unproved"

    def __reduce__(self):
        return type(self), (self.loss, self.policy, self.hessian_scale)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.loss!r}, {self.policy!r}, hessian_scale={self.hessian_scale!r})"

    def __call__(self, y, raw, weight=None, out=None) -> tuple[np.ndarray, np.ndarray]:
        """The gradient and the (diagonal) Hessian of every row.

        Args:
            y: targets in the shape of `raw`, real numbers; of a loss that reads labels one a row, whole
                numbers of any dtype.
            raw: raw scores, (rows,) or (rows, columns); C or Fortran order.
            weight: None, or one number of at least 0 a row.
            out: None, or two arrays in the shape of `raw`, float32 or float64.

        Returns:
            Gradient and Hessian, float32 in the shape and memory order of `raw`; or `out`.

        Raises:
            ShapeError, WeightError, LabelError, DtypeError: arguments that do not fit; names them.
        """
        raw, _ = prediction_array(raw, name="raw")
        if raw.ndim not in (1, 2):
            raise ShapeError(
                f"`raw` must have shape (rows,) or (rows, columns). Received: raw of shape {raw.shape}"
            )
        raw = contiguous(raw)
        y = self.kernels.targets(in_floats("y", y, self.kernels.labels), raw)
        if weight is not None:
            weight = in_floats("weight", weight).reshape(-1)
            if weight.shape != raw.shape[:1]:
                raise WeightError(
                    f"`weight` must hold one number a row, in shape {raw.shape[:1]}. "
                    f"Received: weight of shape {weight.shape}"
                )
            weight = contiguous(weight)
        gradient, hessian = (new_like(raw), new_like(raw)) if out is None else self.places(out, raw)
        self.kernels.run(contiguous(y), raw, weight, gradient, hessian)
        self.finish(hessian, weight)
        if out is not None and gradient is not out[0]:
            out[0][...], out[1][...] = gradient, hessian
            return tuple(out)
        return gradient, hessian

    def places(self, out, raw: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The arrays of `out` where kernels can write them, else others.

        Raises:
            ShapeError: they are not two writeable arrays of floats in the shape of the scores.
        """
        fits = (
            isinstance(out, tuple | list)
            and len(out) == 2
            and all(
                isinstance(one, np.ndarray)
                and one.shape == raw.shape
                and one.dtype in (np.float32, np.float64)
                and one.flags.writeable
                for one in out
            )
        )
        if not fits:
            raise ShapeError(
                f"`out` must be two writeable float32 or float64 arrays of shape {raw.shape}, that of `raw`."
            )
        order = "c_contiguous" if raw.flags.c_contiguous else "f_contiguous"
        if out[0].dtype != out[1].dtype or not all(getattr(one.flags, order) for one in out):
            return new_like(raw, np.float64), new_like(raw, np.float64)
        return tuple(out)

    def finish(self, hessian: np.ndarray, weight: np.ndarray | None) -> None:
        """What the policy makes of the Hessian that a kernel has written."""
        if self.policy == "ones":
            hessian[...] = 1.0 if weight is None else over_rows(weight, hessian)
        elif self.policy == "clipped" or self.floored:
            np.maximum(hessian, CLIP if weight is None else CLIP * over_rows(weight, hessian), out=hessian)
        elif self.policy == "absolute" or (self.policy == "upper_bound" and self.loss.properties.diagonal):
            np.abs(hessian, out=hessian)
        if self.hessian_scale != 1:
            hessian *= self.hessian_scale


def over_rows(weight: np.ndarray, like: np.ndarray) -> np.ndarray:
    """Weights that broadcast to the rows of an array."""
    return weight if like.ndim == 1 else weight[:, None]


def in_floats(name: str, values, labels: bool = False) -> np.ndarray:
    """Numbers as kernels read them here: float32 and float64 as they are, others converted to one of them.

    Labels stay as they are.
    """
    array = numbers_array(name, values)
    return array if labels or array.dtype.kind == "f" else array.astype(np.result_type(array, FLOAT32))


def contiguous(array: np.ndarray) -> np.ndarray:
    """The array in C or Fortran order, aligned, and of Numba's writable type."""
    flags = array.flags
    if flags.behaved and (flags.c_contiguous or flags.f_contiguous):
        return array
    if not (flags.aligned and (flags.c_contiguous or flags.f_contiguous)):
        return np.array(array, order="C")
    return lent(array)


def new_like(raw: np.ndarray, dtype=FLOAT32) -> np.ndarray:
    """A new array in the shape and memory order of another."""
    if raw.flags.c_contiguous:
        return new_output(raw.shape, np.dtype(dtype))
    return new_output(raw.shape[::-1], np.dtype(dtype)).T
