"""Losses with kernels written by hand to the contract of `lossgen.runtime.variant`, for runtime tests."""

# ruff: noqa: RUF012

import math

import numpy as np
from numba import njit

from lossgen.runtime.loss import Loss, function_of
from lossgen.runtime.parameters import Option, Parameter
from lossgen.runtime.team import in_chunks
from lossgen.runtime.variant import Term, Variant

fast = njit(nogil=True, error_model="numpy")


def pairs(**kernels):
    """Kernels by output, each with its form for a team of threads."""

    def pair(kernel):
        @fast
        def team(team, length, *arguments):
            return in_chunks(team, length, kernel, arguments)

        return kernel, team

    return {output: pair(kernel) for output, kernel in kernels.items()}


@fast
def guarded(factor, value):
    return factor * value if factor != 0 else 0.0


# Huber: a mean over the columns, one parameter, flat and by rows
# ------------------------------------------------


@fast
def huber_element(y, p, delta):
    error = p - y
    gradient = min(max(error, -delta), delta)
    return gradient * (error - 0.5 * gradient), gradient, 1.0 if abs(error) <= delta else 0.0


@fast
def huber_rows(y, p, delta, weight, scale, value_out):
    total = 0.0
    for r in range(p.shape[0]):
        value = 0.0
        for c in range(p.shape[1]):
            value += huber_element(y[r, c], p[r, c], delta)[0]
        value /= p.shape[1]
        if value_out is not None:
            value_out[r] = value
        total += guarded(scale * (1.0 if weight is None else weight[r]), value)
    return total


@fast
def huber_rows_gradient(y, p, delta, weight, scale, value_out, gradient_out):
    for r in range(p.shape[0]):
        factor = scale * (1.0 if weight is None else weight[r]) / p.shape[1]
        for c in range(p.shape[1]):
            gradient_out[r, c] = guarded(factor, huber_element(y[r, c], p[r, c], delta)[1])
    return huber_rows(y, p, delta, weight, scale, value_out)


@fast
def huber_rows_hessian(y, p, delta, weight, scale, gradient_out, hessian_out):
    for r in range(p.shape[0]):
        factor = scale * (1.0 if weight is None else weight[r]) / p.shape[1]
        for c in range(p.shape[1]):
            _, gradient, hessian = huber_element(y[r, c], p[r, c], delta)
            gradient_out[r, c] = guarded(factor, gradient)
            hessian_out[r, c] = guarded(factor, hessian)


@fast
def huber_rows_product(y, p, delta, weight, scale, vector, product_out):
    for r in range(p.shape[0]):
        factor = scale * (1.0 if weight is None else weight[r]) / p.shape[1]
        for c in range(p.shape[1]):
            product_out[r, c] = factor * huber_element(y[r, c], p[r, c], delta)[2] * vector[r, c]


@fast
def huber_flat(y, p, delta, columns, weight, scale, value_out):
    total = 0.0
    for i in range(p.size):
        value = huber_element(y[i], p[i], delta)[0] / columns
        if value_out is not None:
            value_out[i] = value
        total += guarded(scale * (1.0 if weight is None else weight[i]), value)
    return total


@fast
def huber_flat_gradient(y, p, delta, columns, weight, scale, value_out, gradient_out):
    for i in range(p.size):
        factor = scale * (1.0 if weight is None else weight[i]) / columns
        gradient_out[i] = guarded(factor, huber_element(y[i], p[i], delta)[1])
    return huber_flat(y, p, delta, columns, weight, scale, value_out)


HUBER = Term(
    scope=-1,
    labels=False,
    rows=pairs(
        value=huber_rows,
        value_and_gradient=huber_rows_gradient,
        gradient_and_hessian=huber_rows_hessian,
        hessian_vector_product=huber_rows_product,
    ),
    flat=pairs(value=huber_flat, value_and_gradient=huber_flat_gradient),
)


class Huber(Loss):
    """Huber loss, mean over the last axis."""

    parameters = {"delta": Parameter(1.0, positive=True)}
    arguments = ("delta", "reduction", "name", "dtype")
    default_name = "huber_loss"
    variants = {(): Variant(terms=(HUBER,))}
    formulas = {
        "value": "mean(huber(p - y))",
        "gradient": "clip(p - y, -delta, delta)/C",
        "latex": r"\rho(p-y)",
    }


huber = function_of(Huber)


# Sparse cross-entropy: labels, an option, a per-class parameter
# -------------------------------------------------


@fast
def sparse_gradient(labels, p, alpha, weight, scale, ignored, value_out, gradient_out):
    total = 0.0
    for r in range(p.shape[0]):
        label = labels[r]
        if label == ignored:
            gradient_out[r, :] = 0.0
            if value_out is not None:
                value_out[r] = 0.0
            continue
        top = p[r, 0]
        for c in range(p.shape[1]):
            top = max(top, p[r, c])
        size = 0.0
        for c in range(p.shape[1]):
            size += math.exp(p[r, c] - top)
        value = alpha[label] * (math.log(size) - (p[r, label] - top))
        factor = scale * (1.0 if weight is None else weight[r])
        for c in range(p.shape[1]):
            softmax = math.exp(p[r, c] - top) / size
            gradient_out[r, c] = factor * alpha[label] * (softmax - (1.0 if c == label else 0.0))
        if value_out is not None:
            value_out[r] = value
        total += guarded(factor, value)
    return total


@fast
def sparse_value(labels, p, alpha, weight, scale, ignored, value_out):
    return sparse_gradient(labels, p, alpha, weight, scale, ignored, value_out, np.empty(p.shape))


@fast
def sparse_probability_value(labels, p, alpha, weight, scale, ignored, value_out):
    total = 0.0
    for r in range(p.shape[0]):
        value = 0.0
        if labels[r] != ignored:
            value = -alpha[labels[r]] * math.log(p[r, labels[r]])
        if value_out is not None:
            value_out[r] = value
        total += guarded(scale * (1.0 if weight is None else weight[r]), value)
    return total


class SparseCrossentropy(Loss):
    """Cross-entropy of integer labels, each class with a weight alpha."""

    parameters = {"alpha": Parameter(1.0, positive=True, per_class=True)}
    options = {"from_logits": Option(False, (False, True))}
    arguments = ("from_logits", "ignore_class", "reduction", "axis", "name", "dtype")
    variants = {
        (False,): Variant(terms=(Term(-1, True, pairs(value=sparse_probability_value)),)),
        (True,): Variant(
            terms=(Term(-1, True, pairs(value=sparse_value, value_and_gradient=sparse_gradient)),)
        ),
    }


sparse_crossentropy = function_of(SparseCrossentropy)


# Whole tensor; a sum of scopes; signed targets
# -----------------------------------------------------------------


@fast
def overlap_gradient(y, p, weight, scale, value_out, gradient_out):
    total = 0.0
    for r in range(p.shape[0]):
        value = 1.0
        factor = scale * (1.0 if weight is None else weight[r])
        for c in range(p.shape[1]):
            value -= y[r, c] * p[r, c] ** 2
            gradient_out[r, c] = guarded(factor, -2.0 * y[r, c] * p[r, c])
        if value_out is not None:
            value_out[r] = value
        total += guarded(factor, value)
    return total


@fast
def overlap_value(y, p, weight, scale, value_out):
    return overlap_gradient(y, p, weight, scale, value_out, np.empty(p.shape))


@fast
def overlap_hessian(y, p, weight, scale, gradient_out, hessian_out):
    for r in range(p.shape[0]):
        factor = scale * (1.0 if weight is None else weight[r])
        for c in range(p.shape[1]):
            gradient_out[r, c] = guarded(factor, -2.0 * y[r, c] * p[r, c])
            hessian_out[r, c] = -2.0 * factor * y[r, c]


OVERLAP = pairs(
    value=overlap_value, value_and_gradient=overlap_gradient, gradient_and_hessian=overlap_hessian
)


class Overlap(Loss):
    """1 − Σ y·p² over the whole tensor."""

    arguments = ("reduction", "name", "axis", "dtype")
    default_axis = None
    variants = {(): Variant(terms=(Term(None, False, OVERLAP),))}


class SignedOverlap(Overlap):
    """1 − Σ y·p² over the last axis with targets −1 and 1."""

    default_axis = -1
    target_preparation = "signed_labels"
    variants = {(): Variant(terms=(Term(-1, False, OVERLAP),))}


class HuberAndOverlap(Loss):
    """Huber over the last axis plus overlap over the whole tensor."""

    parameters = {"delta": Parameter(1.0, positive=True)}
    variants = {(): Variant(terms=(HUBER, Term(None, False, OVERLAP, None, parameters=())))}


# Data to try them on ------------------------------------------------------------------------------

random = np.random.default_rng(7)


def data(*shape, dtype=np.float32):
    return random.normal(size=shape).astype(dtype), random.normal(size=shape).astype(dtype)


def derivative(function, p, step=1e-6):
    """Central differences of a function of an array of float64."""
    result = np.empty(p.shape)
    for index in np.ndindex(p.shape):
        ends = []
        for sign in (1, -1):
            moved = p.copy()
            moved[index] += sign * step
            ends.append(float(function(moved)))
        result[index] = (ends[0] - ends[1]) / (2 * step)
    return result
