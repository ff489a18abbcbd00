"""The pictures of the demo."""

from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np

COLOURS = ("#1f4e79", "#d1495b", "#edae49", "#66a182", "#7b5ea7")
STYLE = {
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.alpha": 0.25,
    "axes.titlesize": 11,
    "axes.titleweight": "bold",
    "lines.linewidth": 2,
    "legend.frameon": False,
    "figure.dpi": 120,
}


def curves(losses: dict, path: Path) -> Path:
    """Loss, gradient and Hessian of each loss over the error of one prediction, target 0."""
    with plt.rc_context(STYLE):
        figure, panels = plt.subplots(1, 3, figsize=(13, 3.8), layout="constrained")
        error = np.linspace(-3, 3, 1201)[:, None]
        target = np.zeros_like(error)
        for colour, (name, loss) in zip(COLOURS, losses.items(), strict=False):
            gradient, hessian = loss.gradient_and_hessian(target, error)
            for panel, curve in zip(panels, (loss.call(target, error), gradient, hessian), strict=True):
                panel.plot(error, curve, color=colour, label=name)
        for panel, title in zip(panels, ("loss", "gradient", "Hessian"), strict=True):
            panel.set(title=title, xlabel="prediction − target")
            panel.axhline(0, color="black", linewidth=0.6)
        panels[0].set_ylim(-0.2, 4)
        panels[1].set_ylim(-3, 3)
        figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=len(losses))
        return _saved(figure, path)


def fits(feature, target, outliers, lines: dict, path: Path) -> Path:
    """One feature against the target, and the line that each loss fits.

    Args:
        feature, target: of the training rows; outliers: which of them were spoilt.
        lines: by name, a function from feature to prediction.
    """
    with plt.rc_context(STYLE):
        figure, panel = plt.subplots(figsize=(10, 5), layout="constrained")
        panel.scatter(feature[~outliers], target[~outliers], s=14, color="#9aa5b1", label="patients")
        panel.scatter(feature[outliers], target[outliers], s=22, color="black", marker="x", linewidth=1,
                      label="spoilt records")
        ends = np.linspace(feature.min(), feature.max(), 50)
        for colour, (name, line) in zip(COLOURS, lines.items(), strict=False):
            panel.plot(ends, line(ends), color=colour, label=name)
        panel.set(title="Disease progression over body mass index", xlabel="body mass index (standardised)",
                  ylabel="progression after one year")
        figure.legend(loc="outside right upper", fontsize=9)
        return _saved(figure, path)


def accuracies(histories: dict, path: Path) -> Path:
    """Test accuracy over the epochs, one line a loss."""
    with plt.rc_context(STYLE):
        figure, panel = plt.subplots(figsize=(8.5, 4.4), layout="constrained")
        for colour, (name, history) in zip(COLOURS, histories.items(), strict=False):
            panel.plot(np.arange(1, len(history) + 1), 100 * np.array(history), color=colour, label=name)
        panel.set(title="Handwritten digits, trained with wrong labels", xlabel="epoch",
                  ylabel="test accuracy in %", ylim=(60, 100))
        panel.legend(loc="lower right")
        return _saved(figure, path)


def _saved(figure, path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path)
    plt.close(figure)
    return path
