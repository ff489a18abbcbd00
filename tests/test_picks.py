"""Picks of one column whose expression is a number there."""

import numpy as np

import lossgen as lg


def test_what_is_picked_may_be_a_number():
    label = lg.Gather(lg.y_pred)
    loss = lg.compile(lg.declare("picked_number", label**2 - lg.Sum(lg.y_pred) * label))()
    random = np.random.default_rng(0)
    p, y = random.normal(size=(40, 3)), random.integers(0, 3, 40)
    rows, hit = np.arange(40), np.eye(3)[y]
    picked, total = p[rows, y], p.sum(axis=1)
    np.testing.assert_allclose(loss.call(y, p), picked**2 - total * picked, rtol=1e-12, atol=1e-14)
    gradient, hessian = loss.gradient_and_hessian(y, p)
    expected = hit * (2 * picked - total)[:, None] - picked[:, None]
    np.testing.assert_allclose(gradient, expected, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(hessian, np.zeros((40, 3)), atol=1e-14)
