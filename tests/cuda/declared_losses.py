"""A loss that stands in no catalogue: the maximum of a sum of two products, one of which is needed again.

A compiler that fuses products and sums as it likes fuses other ones in each sweep; then the column that has
attained the maximum in one sweep does not attain it in the next.
"""

import sympy as sp

import lossgen as lg


@lg.loss
def shared_products(y_true, y_pred, *, a=1.3, b=0.7):
    """Products that several sums have in common."""
    first, second = a * y_pred, b * y_true
    return lg.Max(first + second) + lg.Sum(sp.exp(first)) + lg.Sum(sp.exp(second) * y_pred)
