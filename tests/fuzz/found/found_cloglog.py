"""The Hessian was no number where exp(p) is large or small, and in float64 0 for p = −60."""

import sympy

import lossgen as lg


@lg.loss
def example(y_true, y_pred):
    return lg.Mean(
        lg.where(y_true > 0.5, -sympy.log(1 - sympy.exp(-sympy.exp(y_pred))), sympy.exp(y_pred) / 1000)
    )


declaration = example
arguments = {}
targets = ((1.0, 0.0, 1.0), (1.0, 1.0, 1.0))
predictions = ((0.3, 2.5, -1.2), (-60.0, 50.0, 5.0))
