"""
Boosting positive targets
=========================

The progression of diabetes is a positive number whose scatter grows with its mean. Poisson, gamma and
Tweedie losses say so; their raw scores are logarithms of means, and predictions are positive by
construction. Here they are objectives of LightGBM, next to the squared error.
"""

import lightgbm
import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_diabetes
from sklearn.metrics import mean_gamma_deviance
from sklearn.model_selection import KFold

from lossgen.boosting import lightgbm_objective
from lossgen.losses import Gamma, MeanSquaredError, PoissonNLL, Tweedie

# %%
# Each loss is an objective by itself: gradient and Hessian come from one kernel, the start is the best
# constant, and `predict` applies the inverse link.

features, target = load_diabetes(return_X_y=True)
losses = {
    "squared error": MeanSquaredError(),
    "Poisson": PoissonNLL(),
    "Tweedie, 1.5": Tweedie(rho=1.5),
    "gamma": Gamma(),
}


def predictions(loss, learn, rest):
    """What trees that were grown on some rows say of the others."""
    objective = lightgbm_objective(loss)
    data = lightgbm.Dataset(features[learn], target[learn])
    start = objective.set_start(data)
    settings = {"objective": objective, "learning_rate": 0.05, "num_leaves": 7, "verbosity": -1}
    return objective.predict(lightgbm.train(settings, data, 60), features[rest], start)


predicted = {name: np.empty(len(target)) for name in losses}
for learn, rest in KFold(5, shuffle=True, random_state=0).split(features):
    for name, loss in losses.items():
        predicted[name][rest] = predictions(loss, learn, rest)

for name, values in predicted.items():
    print(
        f"{name:14} least prediction {values.min():6.1f}, "
        f"gamma deviance {mean_gamma_deviance(target, np.maximum(values, 1)):.4f}"
    )

# %%
# Are the predictions right on average? Rows are sorted by their prediction into ten groups of equal size.

figure, panel = plt.subplots(figsize=(6.2, 4.6), layout="constrained")
for name, values in predicted.items():
    groups = np.array_split(np.argsort(values), 10)
    means = np.array([(values[group].mean(), target[group].mean()) for group in groups])
    panel.plot(*means.T, "o-", markersize=4, linewidth=1.2, label=name)
panel.axline((150, 150), slope=1, color="black", linewidth=0.8)
panel.set(xlabel="mean prediction of a tenth", ylabel="mean target of the tenth")
panel.set_title("Cross-validated, five folds")
panel.spines[["top", "right"]].set_visible(False)
panel.legend(frameon=False)
plt.show()
