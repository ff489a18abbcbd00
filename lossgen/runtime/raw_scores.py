"""What a loss says of raw scores, as boosting asks for it: properties, link, best constant, full Hessian."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from lossgen.runtime.compiled import Compiled
from lossgen.runtime.constants import optimal_constant_of
from lossgen.runtime.dense import hessian_matrix_of
from lossgen.runtime.links import inverse_link
from lossgen.runtime.properties import Properties


class RawScores(Compiled):
    """Methods of `Loss` that take the prediction as a raw score."""

    @property
    def properties(self) -> Properties:
        """What the compiler knows of the loss in its raw prediction, such as link, domains and convexity.

        Raises:
            NoGradientError: the loss is written by hand.
        """
        return self._plan_for("properties").variant.properties or Properties()

    def inverse_link(self, raw: ArrayLike) -> np.ndarray:
        """What raw scores predict, the mean of the target: the scores themselves, or their sigmoid,
        exponential or softmax over the last axis, as the declaration's link says.

        Args:
            raw: raw scores, real numbers of any shape.

        Returns:
            An array in the shape of `raw`; float32 for float32 scores, float64 for integers.
        """
        return inverse_link(self.properties.link, raw)

    def optimal_constant(
        self,
        y_true: ArrayLike,
        sample_weight: ArrayLike | None = None,
        *,
        classes: int | None = None,
    ) -> Any:
        """The raw score that, predicted for every row, has the least weighted sum of losses.

        Where the targets' mean tells it, link(mean). A mean of 0 (or, of probabilities, 1), whose link is
        infinite, is taken 2.2e-15 away from it, as scikit-learn does: log(2.2e-15) = −33.7. Softmax scores
        are the logarithms of the class frequencies. Else the root of the summed gradient, to the last digits
        of float64: by Newton's method within a bracket, by bisection where the Hessian is 0 (of an interval
        of minimisers the middle, so an even number of targets has the usual median), with the full Hessian
        where columns meet. Of a loss that is not proved to be convex it is the better of two minima: next to
        the targets' median (or the link of their mean), and next to the best of some 100 points around the
        targets and 0. With labels of one class only, where every constant is as good, it is 0.

        Args:
            y_true: targets (rows,) or (rows, columns); of a loss that reads labels one a row.
            sample_weight: None, or one number of at least 0 a row.
            classes: number of columns of a loss that reads labels; None for the largest label + 1.

        Returns:
            A float64 scalar for one column, else an array of one number a column.

        Raises:
            TargetError: targets that are NaN, infinite or outside their domain, or none with a weight.
            WeightError: weights that are not one number of at least 0 a row.
            ShapeError: the rows of the loss do not stand alone.
            LabelError: labels that are no whole numbers below `classes`, or `classes` is no whole number.
            ConstantError: the sum of losses falls without end, or no constant was found.
        """
        return optimal_constant_of(self, y_true, sample_weight, classes)

    def hessian_matrix(
        self, y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> np.ndarray:
        """The full, symmetric Hessian of each row's loss, not reduced, times its weight.

        Args:
            y_true: targets in the shape of the predictions; for losses of labels one integer a row.
            y_pred: predictions, (…, columns).
            sample_weight: None, a number, or an array that broadcasts to the losses.

        Returns:
            An array (…, columns, columns); its diagonal is the Hessian of `gradient_and_hessian`.

        Raises:
            ShapeError: the loss reduces another axis than the last, or shapes that do not fit.
        """
        return hessian_matrix_of(self._plan_for("hessian_matrix"), y_true, y_pred, sample_weight)
