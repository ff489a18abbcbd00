"""Models and a trainer in plain NumPy: all they need of a loss is `value_and_gradient`."""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np


class Dense:
    """Layers of weights with ReLU between them; no hidden layer makes a linear model.

    Args:
        sizes: width of the input, of each hidden layer, of the output.
        seed: of the starting weights.
    """

    def __init__(self, *sizes: int, seed: int = 0):
        random = np.random.default_rng(seed)
        self.weights = [random.normal(0, np.sqrt(2 / a), (a, b)) for a, b in pairwise(sizes)]
        self.biases = [np.zeros(size) for size in sizes[1:]]

    @property
    def parameters(self) -> list[np.ndarray]:
        """Arrays that training changes in place."""
        return [*self.weights, *self.biases]

    def layers(self, inputs: np.ndarray) -> list[np.ndarray]:
        """The input and the output of every layer."""
        outputs = [inputs]
        for number, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True), start=1):
            linear = outputs[-1] @ weight + bias
            outputs.append(linear if number == len(self.weights) else np.maximum(linear, 0))
        return outputs

    def __call__(self, inputs: np.ndarray) -> np.ndarray:
        return self.layers(inputs)[-1]

    def gradients(self, outputs: list[np.ndarray], slope: np.ndarray) -> list[np.ndarray]:
        """The derivative by every parameter, from the derivative of the loss by the model's output."""
        weights, biases = [], []
        for weight, below in zip(reversed(self.weights), reversed(outputs[:-1]), strict=True):
            weights.append(below.T @ slope)
            biases.append(slope.sum(axis=0))
            slope = (slope @ weight.T) * (below > 0)
        return [*reversed(weights), *reversed(biases)]


def train(model: Dense, loss, inputs, targets, *, epochs: int, batch: int | None = None,
          rate: float = 0.01, seed: int = 0) -> Iterator[float]:
    """Adam, one epoch at a time; yields the mean loss of each epoch.

    Args:
        model: changed in place.
        loss: any lossgen loss.
        inputs, targets: rows of the training set.
        epochs: how often every row is seen; batch: rows a step, all by default.
        rate: step size; it falls to zero along half a cosine.
    """
    random = np.random.default_rng(seed)
    batch = batch or len(inputs)
    moments = [(np.zeros_like(each), np.zeros_like(each)) for each in model.parameters]
    steps, total = 0, epochs * -(-len(inputs) // batch)
    for _ in range(epochs):
        order, values = random.permutation(len(inputs)), []
        for start in range(0, len(inputs), batch):
            rows = order[start : start + batch]
            outputs = model.layers(inputs[rows])
            value, slope = loss.value_and_gradient(targets[rows], outputs[-1])
            values.append(value)
            steps += 1
            step_size = rate * (1 + np.cos(np.pi * steps / total)) / 2
            adam(model.parameters, model.gradients(outputs, slope), moments, steps, step_size)
        yield float(np.mean(values))


def adam(parameters, gradients, moments, step: int, rate: float) -> None:
    """One step of Adam (Kingma and Ba, 2015, algorithm 1), in place."""
    for parameter, gradient, (first, second) in zip(parameters, gradients, moments, strict=True):
        first += 0.1 * (gradient - first)
        second += 0.001 * (gradient**2 - second)
        parameter -= rate * (first / (1 - 0.9**step)) / (np.sqrt(second / (1 - 0.999**step)) + 1e-8)
