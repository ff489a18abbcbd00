"""
Prediction intervals
====================

The quantile loss at 0.1 and at 0.9 make an interval that should hold eight of ten targets. scikit-learn's
histogram boosting takes a loss of lossgen as it takes its own.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_diabetes
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.model_selection import cross_val_predict

from lossgen.boosting import sklearn_loss
from lossgen.losses import Quantile

# %%
# Three models, one for each quantile. Every prediction is made by a model that has not seen the row.

features, target = load_diabetes(return_X_y=True)
order = np.random.default_rng(0).permutation(len(target))
features, target = features[order], target[order]


def quantile_of(share):
    """The cross-validated prediction of one quantile."""
    model = HistGradientBoostingRegressor(
        loss=sklearn_loss(Quantile(quantile=share)), max_iter=40, max_leaf_nodes=3, min_samples_leaf=40
    )
    return cross_val_predict(model, features, target, cv=3)


low, middle, high = (quantile_of(share) for share in (0.1, 0.5, 0.9))
for name, bound in (("0.1", low), ("0.5", middle), ("0.9", high)):
    print(f"quantile {name}: {np.mean(target <= bound):.0%} of the targets lie below")
inside = (low <= target) & (target <= high)
print(f"{inside.mean():.0%} lie inside of the interval")

# %%
# Rows in the order of their median. The interval is wider where the prediction is higher.

rows = np.argsort(middle)
places = np.arange(len(rows))
figure, panel = plt.subplots(figsize=(8, 4), layout="constrained")
panel.vlines(places, low[rows], high[rows], color="C0", alpha=0.25, linewidth=1.4, label="from 0.1 to 0.9")
panel.plot(places, middle[rows], color="C0", linewidth=1.6, label="median")
panel.scatter(places[inside[rows]], target[rows][inside[rows]], s=6, color="black", label="target inside")
panel.scatter(places[~inside[rows]], target[rows][~inside[rows]], s=9, color="C3", label="target outside")
panel.set(xlabel="row, by predicted median", ylabel="progression after a year", xlim=(-5, len(rows) + 5))
panel.spines[["top", "right"]].set_visible(False)
panel.legend(frameon=False, ncols=4, loc="upper left")
panel.set_ylim(0, 430)
plt.show()
