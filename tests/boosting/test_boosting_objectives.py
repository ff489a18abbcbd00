"""What all objectives have in common: which losses they take, policies, checks of targets and weights."""

import numpy as np
import pytest
from requiring import require

require("xgboost")  # any booster would do

import lossgen.boosting  # noqa: E402
from lossgen.boosting import checks, xgboost_metric, xgboost_objective  # noqa: E402
from lossgen.boosting.objective import Objective  # noqa: E402
from lossgen.errors import (  # noqa: E402
    CurvatureError,
    LabelError,
    ObjectiveError,
    ShapeError,
    TargetError,
    WeightError,
)
from lossgen.losses import (  # noqa: E402
    BinaryCrossentropy,
    BinaryFocalCrossentropy,
    CategoricalHinge,
    Dice,
    Hinge,
    Huber,
    KLDivergence,
    MeanAbsoluteError,
    MeanSquaredError,
    Poisson,
    PoissonNLL,
    SparseCategoricalCrossentropy,
)
from lossgen.runtime.loss import Loss  # noqa: E402
from lossgen.runtime.properties import Properties  # noqa: E402


@pytest.mark.parametrize("make", [xgboost_objective, xgboost_metric])
@pytest.mark.parametrize(
    ("loss", "message"),
    [
        (BinaryCrossentropy(), r"Write BinaryCrossentropy\(from_logits=True\)"),
        (SparseCategoricalCrossentropy(), r"Write SparseCategoricalCrossentropy\(from_logits=True\)"),
        (Poisson(), r"Take PoissonNLL\(\)"),
        (KLDivergence(), r"Declare it in the raw score, with its link"),
        (Dice(), "axis is not the last one"),
        (SparseCategoricalCrossentropy(from_logits=True, ignore_class=-1), "ignores a label"),
        (Huber, r"pass an instance, Huber\(\)"),
        ("huber", "must be a loss of lossgen. Received: 'huber'"),
    ],
)
def test_losses_that_take_no_raw_scores(make, loss, message):
    with pytest.raises(ObjectiveError, match=message):
        make(loss)


def test_a_loss_written_by_hand_has_no_hessian():
    class Handwritten(Loss):
        def call(self, y_true, y_pred):
            return np.abs(y_true - y_pred).max(axis=-1)

    with pytest.raises(ObjectiveError, match="written as code"):
        xgboost_objective(Handwritten())


def test_policies():
    y, raw = np.array([1.0, 0.0]), np.array([-2.0, 3.0], np.float32)
    focal = BinaryFocalCrossentropy(from_logits=True)
    with pytest.raises(CurvatureError, match="absolute"):
        xgboost_objective(focal)
    assert (xgboost_objective(focal, "absolute")(y, raw)[1] > 0).all()
    assert xgboost_objective(MeanAbsoluteError()).hessian == "ones"
    assert xgboost_objective(Huber()).hessian == "exact"
    with pytest.raises(CurvatureError, match="exact, absolute"):
        xgboost_objective(Huber(), "newton")
    for wrong in ("2", None, True, 0, -1, np.inf, np.nan):
        with pytest.raises(CurvatureError, match="`hessian_scale` must be a positive number"):
            xgboost_objective(Huber(), hessian_scale=wrong)
    gradient, hessian = xgboost_objective(MeanSquaredError(), hessian_scale=0.5)(y, raw)
    np.testing.assert_array_equal(gradient, 2 * (raw - y))
    np.testing.assert_array_equal(hessian, [1, 1])


def test_the_second_axis_is_the_last_one():
    loss, last = (SparseCategoricalCrossentropy(from_logits=True, axis=axis) for axis in (1, -1))
    y, raw = np.array([0, 2, 1, 1]), np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32)
    for ours, right in zip(xgboost_objective(loss)(y, raw), xgboost_objective(last)(y, raw), strict=True):
        np.testing.assert_array_equal(ours, right)
    assert xgboost_metric(loss)(y, raw) == xgboost_metric(last)(y, raw)
    np.testing.assert_array_equal(xgboost_objective(loss).start(y), xgboost_objective(last).start(y))
    with pytest.raises(ObjectiveError, match="its axis is not the last one"):
        xgboost_objective(SparseCategoricalCrossentropy(from_logits=True, axis=0))


def test_lists():
    objective, metric = xgboost_objective(Huber()), xgboost_metric(Huber())
    given = np.array([1.0, 3.0]), np.array([0.0, 0.5])
    np.testing.assert_array_equal(objective([1.0, 3.0], [0.0, 0.5]), objective(*given))
    assert metric([1.0, 3.0], [0.0, 0.5]) == metric(*given)


@pytest.mark.parametrize("order", ["C", "F"])
def test_outputs_whose_columns_do_not_meet_are_problems_of_their_own(order):
    random = np.random.default_rng(0)
    y, raw = random.normal(size=(50, 3)), np.array(random.normal(size=(50, 3)), order=order)
    weight = random.uniform(size=50)
    objective = Objective(MeanSquaredError())
    together = objective.gradient_and_hessian(y, raw, weight)
    for column in range(3):
        alone = objective.gradient_and_hessian(y[:, column], raw[:, column].copy(), weight)
        for ours, single in zip(together, alone, strict=True):
            np.testing.assert_array_equal(ours[:, column], single)
    assert all(each.flags[f"{order}_CONTIGUOUS"] for each in together)


def test_signs():
    objective = Objective(Hinge())
    raw = np.zeros(3)
    np.testing.assert_array_equal(
        objective.gradient_and_hessian([0, 1, 1], raw)[0], objective.gradient_and_hessian([-1, 1, 1], raw)[0]
    )
    for wrong in ([-1, 0, 1], [0, 0.5, 1], [0, 2, 1]):
        with pytest.raises(TargetError, match="-1 and 1, or 0 and 1"):
            objective.gradient_and_hessian(wrong, raw)


@pytest.mark.parametrize("rows", [7, 3 * checks.CHUNK + 5])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int8])
@pytest.mark.parametrize(
    ("domain", "good", "bad"),
    [
        ("real", -3, None),
        ("nonnegative", 0, -1),
        ("positive", 1, 0),
        ("probability", 1, 2),
        ("labels", 3, -1),
        ("signs", -1, 2),
        ((-2.0, None), 100, -3),
        ((None, 5.0), -100, 6),
    ],
)
def test_domains(domain, good, bad, dtype, rows):
    properties = Properties(target=domain)
    y = np.full(rows, good, dtype)
    assert checks.check_targets("Loss", properties, y) is y
    kind = LabelError if domain == "labels" else TargetError
    wrong = [] if bad is None else [bad]
    wrong += [np.nan, np.inf, -np.inf] if dtype is not np.int8 else []
    wrong += [0.5] if domain in ("labels", "signs") and dtype is not np.int8 else []
    for value in wrong:
        y[-2] = value
        with pytest.raises(kind, match=rf"`y_true` of Loss must hold .*; 1 of {rows} .*\[{rows - 2}\] = "):
            checks.check_targets("Loss", properties, y)


def test_the_place_of_a_bad_target_in_a_table():
    y = np.asfortranarray(np.ones((4, 3)))
    y[2, 1] = -1
    with pytest.raises(TargetError, match=r"y_true\[\(2, 1\)\] = -1"):
        checks.check_targets("Loss", Properties(target="positive"), y)
    for shape in ((0,), (), (2, 2, 2)):
        with pytest.raises(ShapeError, match="`y_true`"):
            checks.check_targets("Loss", Properties(), np.ones(shape))


def test_weights():
    assert checks.check_weight(None, 3) is None
    weight = np.array([0, 1, 2], np.float32)
    assert checks.check_weight(weight, 3) is weight
    for wrong in ([1, -1, 1], [1, np.nan, 1], [1, np.inf, 1], [0, 0, 0], [1, 1], [[1], [1], [1]]):
        with pytest.raises(WeightError, match="`sample_weight`"):
            checks.check_weight(wrong, 3)
    assert checks.check_weight([0, 0, 0], 3, some=False) is not None


def test_columns_that_belong_together():
    with pytest.raises(ShapeError, match="only one raw score a row"):
        Objective(CategoricalHinge(), "ones").gradient_and_hessian(np.zeros(3), np.zeros(3))
    with pytest.raises(ShapeError, match=r"shape \(3,\) and raw scores of shape \(4,\)"):
        Objective(PoissonNLL()).gradient_and_hessian(np.zeros(3), np.zeros(4))


def test_the_table_of_names():
    assert dir(lossgen.boosting) == sorted(lossgen.boosting.__all__)
    for name in lossgen.boosting.__all__:
        assert callable(getattr(lossgen.boosting, name))
    with pytest.raises(AttributeError, match="no attribute 'xgboost_loss'"):
        lossgen.boosting.xgboost_loss  # noqa: B018
