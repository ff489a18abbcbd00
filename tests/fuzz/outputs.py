"""All that a compiled class computes, a line a row."""

import numpy as np

from lossgen.runtime.arrays import evaluation as arrays
from lossgen.runtime.arrays.numpy_ops import NumpyOps
from lossgen.runtime.arrays.preparation import prepared


def loss_outputs(cls, arguments: dict, y, p, vector) -> dict[str, np.ndarray]:
    """Unreduced; of the whole tensor there is one line.

    The first word of a name says what it is: one quantity comes from several kernels and from array code.
    """
    loss, total = cls(reduction=None, **arguments), cls(reduction="sum", **arguments)
    value, gradient = loss.value_and_gradient(y, p)
    again, hessian = loss.gradient_and_hessian(y, p)
    scene = NumpyOps, loss._plan, *prepared(NumpyOps, loss._plan, y, p)
    in_array_code = arrays.losses(*scene)
    ones = np.ones(np.shape(in_array_code))
    return {
        "value in array code": lines(in_array_code),
        "gradient in array code": arrays.gradient(*scene, ones),
        "product in array code": arrays.product(*scene, ones, vector),
        "value": lines(value),
        "value alone": lines(loss(y, p)),
        "gradient": gradient,
        "gradient with hessian": again,
        "hessian": hessian,
        "product": total.hessian_vector_product(y, p, vector),
    }


def penalty_outputs(cls, arguments: dict, _, x, vector) -> dict[str, np.ndarray]:
    """The same for a penalty of one row."""
    penalty = cls(**arguments)
    value, gradient = penalty.value_and_gradient(x)
    return {
        "value": lines(value),
        "value alone": lines(penalty(x)),
        "gradient": gradient,
        "product": penalty.hessian_vector_product(x, vector),
    }


def lines(values) -> np.ndarray:
    """One number a line."""
    return np.atleast_1d(np.asarray(values))[:, None]
