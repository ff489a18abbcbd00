"""`python -m benchmarks.tensorflow_door`: lossgen.tensorflow and TensorFlow itself, value and gradient.

µs a call, the median of the fastest of several rounds in turn, so that a busy machine slows both.
"""

import time
from collections.abc import Callable
from statistics import median

import numpy as np
import tensorflow as tf

import lossgen.tensorflow as door

SHAPES = ((32, 10), (100_000, 10), (1_600_000, 10))
ROUNDS, SECONDS = 7, 0.15


def sparse(y, p):
    return tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(y, p))


LOSSES = {
    "mean squared error": (lambda y, p: tf.reduce_mean((p - y) ** 2), door.MeanSquaredError()),
    "binary cross-entropy": (
        lambda y, p: tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(y, p)),
        door.BinaryCrossentropy(from_logits=True),
    ),
    "sparse softmax cross-entropy": (sparse, door.SparseCategoricalCrossentropy(from_logits=True)),
}


def with_gradient(loss: Callable, graph: bool) -> Callable:
    def run(y, p):
        with tf.GradientTape() as tape:
            tape.watch(p)
            value = loss(y, p)
        return value, tape.gradient(value, p)

    return tf.function(run) if graph else run


def fastest(run: Callable, y, p) -> float:
    """Seconds of the fastest call within a short time."""
    best, end = float("inf"), time.perf_counter() + SECONDS
    while time.perf_counter() < end:
        start = time.perf_counter()
        run(y, p)
        best = min(best, time.perf_counter() - start)
    return best


def main() -> None:
    rng = np.random.default_rng(0)
    print(f"{'loss':30}{'shape':>14}{'':>10}{'TensorFlow':>12}{'lossgen':>12}{'ratio':>8}")
    for name, (native, ours) in LOSSES.items():
        for shape in SHAPES:
            p = tf.constant(rng.normal(size=shape).astype(np.float32))
            y = rng.integers(0, shape[1], shape[0]) if "sparse" in name else rng.random(shape, np.float32)
            y = tf.constant(y)
            for graph in (False, True):
                runs = [with_gradient(loss, graph) for loss in (native, ours)]
                for run in runs:
                    run(y, p)
                times = [[fastest(run, y, p) for run in runs] for _ in range(ROUNDS)]
                theirs, own = (1e6 * median(one) for one in zip(*times, strict=True))
                how = "function" if graph else "eager"
                print(f"{name:30}{shape!s:>14}{how:>10}{theirs:12.0f}{own:12.0f}{theirs / own:8.1f}")


if __name__ == "__main__":
    main()
