"""Losses of every schedule with inputs of any size, for tests of what must not change a result."""

from dataclasses import dataclass

import numpy as np

from lossgen import losses


@dataclass(frozen=True)
class Sample:
    """A loss, the shape of predictions that takes one of its schedules, and the kind of its targets."""

    loss: losses.Loss
    shape: tuple[int, ...]
    targets: str = "numbers"

    def arrays(self, dtype=np.float32, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
        """Targets and predictions."""
        rng = np.random.default_rng(seed)
        p = rng.uniform(0.01, 0.99, self.shape).astype(dtype)
        if self.targets == "labels":
            return rng.integers(0, self.shape[-1], self.shape[:-1]), p
        return rng.integers(0, 2, self.shape).astype(dtype), p

    def outputs(self, y, p, weight=None) -> list[np.ndarray]:
        """Everything that the loss computes."""
        vector = np.cos(np.arange(p.size)).reshape(p.shape).astype(p.dtype)
        found = [self.loss(y, p, weight), *self.loss.value_and_gradient(y, p, weight)]
        found += self.loss.gradient_and_hessian(y, p, weight)
        return [*found, self.loss.hessian_vector_product(y, p, vector, weight)]


LARGE = {
    "flat": Sample(losses.BinaryCrossentropy(from_logits=True), (60_000, 3)),
    "rows": Sample(losses.CategoricalCrossentropy(from_logits=True), (700, 200)),
    "lanes": Sample(losses.SparseCategoricalCrossentropy(from_logits=True), (20_000, 10), "labels"),
    "whole tensor": Sample(losses.Dice(), (40, 64, 64)),
}
"""Enough elements that every call is worth several threads."""

SMALL = {
    name: Sample(each.loss, shape, each.targets)
    for (name, each), shape in zip(LARGE.items(), ((6, 4), (6, 4), (64, 4), (6, 4)), strict=True)
}


def same(first, second) -> None:
    """Bit by bit."""
    for one, two in zip(first, second, strict=True):
        assert one.dtype == two.dtype
        np.testing.assert_array_equal(one, two)
