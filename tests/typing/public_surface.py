"""The public surface as a type checker sees it: checked with mypy against an installed wheel, never run."""

from typing import Any, assert_type

import numpy as np
import sympy as sp

import lossgen as lg
from lossgen import losses, penalties
from lossgen.inspection.explanation import Explanation
from lossgen.losses import Loss
from lossgen.penalties import Penalty

y = np.zeros((4, 1))
p = np.ones((4, 1), dtype=np.float32)


WIDTH = lg.Parameter(1.0, positive=True)


@lg.loss
def half_square(y_true: sp.Expr, y_pred: sp.Expr, *, width: Any = WIDTH) -> sp.Expr:
    return lg.Mean(((y_pred - y_true) / width) ** 2 / 2)


@lg.penalty
def lasso(x: sp.Expr, *, weight: Any = 0.01) -> sp.Expr:
    return weight * lg.Sum(sp.Abs(x))


assert_type(lg.Parameter(1.0, minimum=0), lg.Parameter)
assert_type(lg.Option("a", choices=("a", "b")), lg.Option)
declared = lg.declare("Absolute", lg.Mean(abs(lg.y_pred - lg.y_true)))
assert_type(declared, lg.Declaration)
assert_type(declared.explain(), Explanation)
assert_type(lg.compile(declared), type[Loss])
assert_type(lg.compile(declared)(), Loss)
report = lg.verify(declared, lg.compile(declared), quick=True, dtypes=["float32"])
verdict: tuple[bool, str, str] = (report.kept, report.to_json(), report.markdown())

loss = losses.Huber(delta=0.5, reduction="sum")
value: Any = loss(y, p, sample_weight=[1.0, 2.0, 3.0, 4.0])
gradient: np.ndarray[Any, Any] = loss.gradient(y, p)
pair = loss.value_and_gradient(y, p)
derivatives = loss.gradient_and_hessian(y, p)
configuration: dict[str, Any] = loss.get_config()
found: Any = lg.get("mse")
share: tuple[np.float64, np.float64] = loss.sum_and_weight(y, p)

assert_type(lg.compile(lasso), type[Penalty])
penalty: Penalty = penalties.L1(0.5)
slope: np.ndarray[Any, Any] = penalty.gradient(p)


class ByHand(Loss):
    def call(self, y_true: Any, y_pred: Any) -> Any:
        return np.mean(np.abs(y_true - y_pred), axis=-1)


try:
    lg.parse("y_pred +")
except lg.LossgenError as error:
    message: str = str(error)
