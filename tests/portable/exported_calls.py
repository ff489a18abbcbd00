"""Calls that an exported module and lossgen are compared by; imports neither, and no test library."""

import numpy as np

SHAPES = {"few": (5, 3), "tiles": (100, 10), "chunks": (900, 41), "long": (2, 70_000)}


REDUCTIONS = ("sum_over_batch_size", "sum", "none", "mean_with_sample_weight")


def inputs(kind, shape, dtype):
    """Targets, predictions, a vector, weights and a mask; the same in every process."""
    random = np.random.default_rng(11)
    p = random.normal(size=shape).astype(dtype)
    y = (
        random.integers(0, shape[-1], shape[:-1])
        if kind == "labels"
        else random.normal(size=shape).astype(dtype)
    )
    if kind == "signs":
        y = (y > 0).astype(dtype)
    if kind == "probabilities":
        y, p = 1 / (1 + np.exp(-y)), 1 / (1 + np.exp(-p))
    return (
        y,
        p,
        random.normal(size=shape).astype(dtype),
        random.random(shape[:-1]),
        random.random(shape[:-1]) < 0.7,
    )


def losses(cls, kind, arguments, calls):
    """Every output of a loss as arrays, by what was called.

    Args:
        calls: names of `SHAPES`, each with a dtype.
    """
    found = {}
    for name, dtype in calls:
        y, p, vector, weight, mask = inputs(kind, SHAPES[name], dtype)
        if cls.default_axis is None:  # one loss for all
            weight = mask = None
        for reduction in REDUCTIONS if name == "few" else REDUCTIONS[:1]:
            loss = cls(**arguments, reduction=reduction)
            key = f"{name} {dtype} {reduction}"
            value, gradient = loss.value_and_gradient(y, p, weight, mask=mask)
            found |= {f"{key} value": value, f"{key} gradient": gradient, f"{key} plain": loss(y, p)}
            found[f"{key} rows"] = loss.call(y, p)
            if name in ("few", "tiles"):
                g, h = loss.gradient_and_hessian(y, p, weight)
                found |= {f"{key} g": g, f"{key} h": h}
                found[f"{key} product"] = loss.hessian_vector_product(y, p, vector, weight, mask=mask)
    return found


def penalties(cls, arguments):
    """Every output of a penalty."""
    found = {}
    for dtype in ("float32",):
        x = np.random.default_rng(5).normal(size=(3, 30, 500)).astype(dtype)
        penalty = cls(**arguments)
        value, gradient = penalty.value_and_gradient(x)
        found |= {f"{dtype} value": value, f"{dtype} gradient": gradient, f"{dtype} plain": penalty(x)}
        found[f"{dtype} product"] = penalty.hessian_vector_product(x, x)
    return found
