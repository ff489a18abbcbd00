"""
A loss that becomes NaN
=======================

Logistic regression on the breast cancer data, whose features were not scaled, so that logits reach
hundreds. Written down naively in NumPy, cross-entropy ends as NaN; declared for lossgen with the very same
formula it does not.
"""

import matplotlib.pyplot as plt
import numpy as np
import sympy as sp
from sklearn.datasets import load_breast_cancer

import lossgen as lg

features, target = load_breast_cancer(return_X_y=True)
features = np.column_stack([features, np.ones(len(target))]).astype(np.float32)
target = target[:, None].astype(np.float32)

# %%
# The formula of a textbook, and its derivative as one would write it by hand.


def naive(y, p):
    """Loss and gradient, as the formulas stand in a textbook."""
    probability = 1 / (1 + np.exp(-p))
    value = -np.mean(y * np.log(probability) + (1 - y) * np.log(1 - probability))
    return value, (probability - y) / len(y)


# %%
# The same formula, declared. The probability is never computed: the compiler recognises what it is.


@lg.loss(domain={"target": "probability"})
def cross_entropy(y_true, y_pred):
    """Cross-entropy of a logit, written as naively as it can be."""
    probability = 1 / (1 + sp.exp(-y_pred))
    return -lg.Mean(y_true * sp.log(probability) + (1 - y_true) * sp.log(1 - probability))


print(cross_entropy.formula())
declared = lg.compile(cross_entropy)().value_and_gradient

# %%
# Gradient descent with both, from the same start.


def descend(loss):
    """The loss at each of 60 steps."""
    weights, values = np.zeros((features.shape[1], 1), np.float32), []
    for _ in range(60):
        value, gradient = loss(target, features @ weights)
        weights -= np.float32(1e-4) * (features.T @ gradient)
        values.append(float(value))
    return np.array(values)


with np.errstate(all="ignore"):
    curves = {"textbook formula in NumPy": descend(naive), "declared for lossgen": descend(declared)}
for name, values in curves.items():
    print(f"{name:26} finite in {np.isfinite(values).sum()} of {len(values)} steps")

# %%
# `lg.verify` finds such places without data: it compares with 60 digits on inputs made to break the
# formula.

report = lg.verify(cross_entropy, quick=True, points=2, dtypes="float32")
print(report)

# %%
# How far the naive value is from the exact one for a target of 0, in units of the last place of float32.

logits = np.linspace(-30, 30, 601, dtype=np.float32)[:, None]
exact = np.logaddexp(0, logits.astype(np.float64))
with np.errstate(all="ignore"):
    by_hand = -np.log(1 - 1 / (1 + np.exp(-logits)))
by_lossgen = lg.compile(cross_entropy)(reduction="none")(np.zeros_like(logits), logits)[:, None]

figure, panels = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
for number, (name, values) in enumerate(curves.items()):
    panels[0].plot(values, color=f"C{number}", label=name, marker="o", markersize=3, linewidth=1)
panels[0].set(title="Training, missing where not finite", xlabel="step", ylabel="loss", yscale="log")
for number, values in enumerate((by_hand, by_lossgen)):
    error = np.abs(values - exact) / np.spacing(exact.astype(np.float32))
    panels[1].plot(logits, np.maximum(error, 0.01), color=f"C{number}", linewidth=1.4)
panels[1].set(title="Error for a target of 0", xlabel="logit", ylabel="units of the last place", yscale="log")
for panel in panels:
    panel.spines[["top", "right"]].set_visible(False)
panels[0].legend(frameon=False)
plt.show()
