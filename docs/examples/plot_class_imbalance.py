"""
Few positives: focal loss
=========================

The breast cancer data with one malignant case to twenty benign ones, and a small network in PyTorch. Focal
loss gives less weight to what is already classified well; does that help the rare class?
"""

import matplotlib.pyplot as plt
import numpy as np
import torch
from sklearn.datasets import load_breast_cancer
from sklearn.metrics import average_precision_score, precision_recall_curve
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

from lossgen.torch import BinaryCrossentropy, SigmoidFocal

# %%
# Malignant is the class to be found; all but 18 malignant cases are left out.

features, benign = load_breast_cancer(return_X_y=True)
random = np.random.default_rng(0)
malignant = random.permutation(np.flatnonzero(benign == 0))
kept = np.concatenate([np.flatnonzero(benign == 1), malignant[:18]])
held_out = malignant[18:]

learn, rest = train_test_split(kept, test_size=0.3, stratify=benign[kept], random_state=0)
rest = np.concatenate([rest, held_out])
scaler = StandardScaler().fit(features[learn])


def tensors(rows):
    """Features and targets of some rows; a target is 1 for a malignant case."""
    x = torch.tensor(scaler.transform(features[rows]), dtype=torch.float32)
    return x, torch.tensor(1.0 - benign[rows], dtype=torch.float32)[:, None]


# %%
# Both losses take logits. The order of arguments is that of Keras: targets first.


def scores(loss, seed):
    """Logits of the held-out rows, after training."""
    torch.manual_seed(seed)
    model = torch.nn.Sequential(torch.nn.Linear(30, 16), torch.nn.ReLU(), torch.nn.Linear(16, 1))
    optimizer = torch.optim.Adam(model.parameters(), 0.01, weight_decay=1e-3)
    x, y = tensors(learn)
    for _ in range(150):
        optimizer.zero_grad()
        loss(y, model(x)).backward()
        optimizer.step()
    with torch.no_grad():
        return model(tensors(rest)[0])[:, 0].numpy()


losses = {
    "cross-entropy": BinaryCrossentropy(from_logits=True),
    "focal, gamma 2, alpha 0.75": SigmoidFocal(gamma=2.0, alpha=0.75),
}
truth = 1 - benign[rest]
found = {name: [scores(loss, seed) for seed in range(3)] for name, loss in losses.items()}
for name, runs in found.items():
    precisions = [average_precision_score(truth, run) for run in runs]
    recalls = [np.mean(run[truth == 1] > 0) for run in runs]
    print(f"{name:27} average precision {np.mean(precisions):.3f}, found at ½: {np.mean(recalls):.0%}")

# %%
# Both rank the cases almost equally well. But at the threshold of one half the network that was trained
# with focal loss finds more of the malignant ones: the curves are about the same, the points lie elsewhere
# on them.

figure, panel = plt.subplots(figsize=(6.4, 4.4), layout="constrained")
for number, (name, runs) in enumerate(found.items()):
    for run in runs:
        precision, recall, _ = precision_recall_curve(truth, run)
        panel.plot(recall, precision, color=f"C{number}", alpha=0.25, linewidth=1)
        chosen = run > 0
        place = np.mean(chosen[truth == 1]), np.mean(truth[chosen])
        panel.plot(*place, "o", color=f"C{number}", label=name if run is runs[0] else None)
panel.set(xlabel="share of the malignant cases found", ylabel="share of the found that is malignant")
panel.set(title="Precision and recall, points at threshold ½", xlim=(0, 1.02))
panel.spines[["top", "right"]].set_visible(False)
panel.legend(frameon=False, loc="lower left")
plt.show()
