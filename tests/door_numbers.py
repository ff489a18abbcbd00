"""Values and gradients of every loss of the catalogue as one door computes them, written to a file.

    python tests/door_numbers.py torch kernels numbers.npz

Run in a process of its own: one framework, one way of execution.
"""

import sys
from collections.abc import Callable, Iterator

import numpy as np
from cases import Case, cases, random_inputs

import lossgen as lg

ROWS, COLUMNS = 6, 3
Numbers = tuple[float, np.ndarray]


def inputs(case: Case) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """Targets, predictions, and a weight a row where there is one loss a row."""
    y, p = random_inputs(case, ROWS, COLUMNS, seed=7)
    weight = np.linspace(0.5, 2, ROWS).astype(np.float32)
    whole = case.declaration.scope is None
    return (y if case.labels else y.astype(np.float32)), p.astype(np.float32), None if whole else weight


def standalone(case: Case) -> Numbers:
    y, p, weight = inputs(case)
    return getattr(lg.losses, case.declaration.class_name)(**case.keywords).value_and_gradient(y, p, weight)


def torch(case: Case) -> Numbers:
    import torch

    import lossgen.torch as door

    y, p, weight = (None if each is None else torch.as_tensor(each) for each in inputs(case))
    loss = getattr(door, case.declaration.class_name)(**case.keywords)
    p.requires_grad_()
    value = loss(y, p, weight)
    value.backward()
    return value.item(), p.grad.numpy()


def jax(case: Case) -> Numbers:
    import jax

    import lossgen.jax as door

    y, p, weight = inputs(case)
    loss = getattr(door, case.declaration.class_name)(**case.keywords)
    value, gradient = jax.jit(jax.value_and_grad(lambda p: loss(y, p, weight)))(p)
    return float(value), np.asarray(gradient)


def tensorflow(case: Case) -> Numbers:
    import tensorflow as tf

    import lossgen.tensorflow as door

    return _taped(tf, getattr(door, case.declaration.class_name), case)


def tf_keras(case: Case) -> Numbers:
    import tensorflow as tf

    import lossgen.tf_keras as door

    return _taped(tf, getattr(door, case.declaration.class_name), case)


def _taped(tf, cls, case: Case) -> Numbers:
    y, p, weight = (None if each is None else tf.constant(each) for each in inputs(case))
    with tf.GradientTape() as tape:
        tape.watch(p)
        value = cls(**case.keywords)(y, p, weight)
    return float(value), tape.gradient(value, p).numpy()


def keras(case: Case) -> Numbers:
    """On the backend that KERAS_BACKEND names; NumPy's has no gradients."""
    from keras import backend

    import lossgen.keras as door

    cls = getattr(door, case.declaration.class_name)
    if backend.backend() == "jax":
        import jax

        y, p, weight = inputs(case)
        value, gradient = jax.jit(jax.value_and_grad(lambda p: cls(**case.keywords)(y, p, weight)))(p)
        return float(value), np.asarray(gradient)
    if backend.backend() == "tensorflow":
        import tensorflow as tf

        return _taped(tf, cls, case)
    if backend.backend() == "torch":
        import torch

        y, p, weight = (None if each is None else torch.as_tensor(each) for each in inputs(case))
        p.requires_grad_()
        value = cls(**case.keywords)(y, p, weight)
        value.backward()
        return value.item(), p.grad.numpy()
    y, p, weight = inputs(case)
    return float(cls(**case.keywords)(y, p, weight)), np.full(p.shape, np.nan)


DOORS: dict[str, Callable[[Case], Numbers]] = {
    "standalone": standalone,
    "torch": torch,
    "jax": jax,
    "tensorflow": tensorflow,
    "tf_keras": tf_keras,
    "keras": keras,
}


def numbers(door: str) -> Iterator[tuple[str, np.ndarray]]:
    """For every case its value, followed by its gradient, in one line."""
    for case in cases():
        value, gradient = DOORS[door](case)
        yield str(case), np.concatenate([[value], np.asarray(gradient, np.float64).reshape(-1)])


if __name__ == "__main__":
    name, execution, path = sys.argv[1:]
    lg.set_execution(execution)
    np.savez(path, **dict(numbers(name)))
