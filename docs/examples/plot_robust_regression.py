"""
Regression with outliers
========================

A linear model of the diabetes data, to whose targets a tenth of gross errors is added. A loss of one's own,
quantile-Huber, is next to the squared error: how far do both move from what they find on clean data?
"""

import matplotlib.pyplot as plt
import numpy as np
import sympy as sp
from scipy.optimize import minimize
from sklearn.datasets import load_diabetes

import lossgen as lg
from lossgen.losses import MeanSquaredError

# %%
# The declaration is the formula, and that is all there is to write.


@lg.loss
def quantile_huber(
    y_true, y_pred, *, quantile=lg.Parameter(0.5, above=0, below=1), delta=lg.Parameter(1.0, positive=True)
):
    """Pinball loss, rounded off within delta of zero."""
    error = y_pred - y_true
    size = sp.Abs(error)
    huber = lg.where(size <= delta, error**2 / (2 * delta), size - delta / 2)
    return lg.Mean(lg.where(error <= 0, quantile, 1 - quantile) * huber)


QuantileHuber = lg.compile(quantile_huber)

# %%
# Value and gradient come from one kernel, so any optimizer that takes both can be used.

features, target = load_diabetes(return_X_y=True)
features = np.column_stack([features / features.std(axis=0), np.ones(len(target))])


def fit(loss, y):
    """The coefficients of the linear model with the least loss."""

    def objective(coefficients):
        value, gradient = loss.value_and_gradient(y[:, None], (features @ coefficients)[:, None])
        return value, features.T @ gradient[:, 0]

    return minimize(objective, np.zeros(features.shape[1]), jac=True, method="L-BFGS-B").x


# %%
# Twenty times a tenth of the targets is replaced by wrong ones, ten times too large.

losses = {"squared error": MeanSquaredError(), "quantile-Huber": QuantileHuber(delta=10.0)}
clean = {name: features @ fit(loss, target) for name, loss in losses.items()}
moved = {name: [] for name in losses}
for seed in range(20):
    wrong = np.random.default_rng(seed).random(len(target)) < 0.1
    dirty = np.where(wrong, 10 * target, target)
    for name, loss in losses.items():
        difference = features @ fit(loss, dirty) - clean[name]
        moved[name].append(np.sqrt(np.mean(difference**2)))

for name, distances in moved.items():
    print(f"{name:15} predictions move by {np.mean(distances):6.1f} of {target.std():.0f}")

# %%
# The figure shows the predictions of the last of the twenty fits against those on clean data.

figure, panels = plt.subplots(1, 2, figsize=(9, 4.2), sharex=True, sharey=True, layout="constrained")
for panel, (name, loss) in zip(panels, losses.items(), strict=True):
    panel.scatter(clean[name], features @ fit(loss, dirty), s=12, alpha=0.6)
    panel.axline((150, 150), slope=1, color="black", linewidth=0.8)
    panel.set(title=name, xlabel="prediction, clean targets")
    panel.spines[["top", "right"]].set_visible(False)
panels[0].set_ylabel("prediction, a tenth of the targets wrong")
plt.show()
