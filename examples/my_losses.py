"""Two losses that no library ships, each as its formula.

`lossgen build examples/my_losses.py -o my_package/` writes their modules.
"""

import sympy as sp

import lossgen as lg


@lg.loss(reference="W. Dabney et al., Distributional RL with Quantile Regression, AAAI 2018, eq. 10")
def quantile_huber(
    y_true,
    y_pred,
    *,
    quantile=lg.Parameter(0.8, above=0, below=1),
    delta=lg.Parameter(1.0, positive=True),
):
    """Pinball loss, rounded off within delta of zero: smooth, robust, and too high on purpose."""
    error = y_pred - y_true
    size = sp.Abs(error)
    huber = lg.where(size <= delta, error**2 / (2 * delta), size - delta / 2)
    return lg.Mean(lg.where(error <= 0, quantile, 1 - quantile) * huber)


@lg.loss(link="softmax", reference="Y. Wang et al., Symmetric Cross Entropy, ICCV 2019, eq. 7 (log 0 = −4)")
def symmetric_cross_entropy(
    y_true,
    y_pred,
    *,
    alpha=lg.Parameter(0.1, minimum=0),
    beta=lg.Parameter(1.0, minimum=0),
):
    """Cross-entropy from logits plus its mirror image, which a wrong label can raise only so far."""
    forward = -lg.Gather(lg.LogSoftmax(y_pred))
    backward = 4 * (1 - lg.Gather(lg.Softmax(y_pred)))
    return alpha * forward + beta * backward
