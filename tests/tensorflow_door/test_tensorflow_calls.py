"""What a call gives: reductions, weights, masks, dtypes, parameters that are tensors, and errors."""

import pickle
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

import lossgen as lg
import lossgen.tensorflow as door
from lossgen.errors import (
    CompileError,
    DtypeError,
    ExecutionError,
    LabelError,
    NoGradientError,
    ParameterError,
    ShapeError,
    WeightError,
)

rng = np.random.default_rng(0)
Y, P = rng.normal(size=(2, 6, 4, 3)).astype(np.float32)
W = np.where(rng.random((6, 4)) < 0.2, 0, rng.random((6, 4))).astype(np.float32)
M = rng.random((6, 4)) > 0.4
LABELS = rng.integers(-1, 3, (6, 4))
WEIGHTS = {
    "none": None,
    "number": 2.0,
    "all": W,
    "a row": W[:, :1],
    "a column": W[:1],
    "longer": W[..., None],
}


@pytest.fixture(autouse=True)
def automatic():
    yield
    lg.set_execution("auto")


@pytest.mark.parametrize("graph", [False, True])
@pytest.mark.parametrize("reduction", ["auto", "sum", "mean", "mean_with_sample_weight", "none", None])
@pytest.mark.parametrize("weight", WEIGHTS)
@pytest.mark.parametrize("masked", [False, True])
def test_reductions_weights_and_masks_are_those_of_the_standalone_loss(reduction, weight, masked, graph):
    mask, weight = (M if masked else None), WEIGHTS[weight]
    loss = door.Huber(0.5, reduction=reduction)
    wanted = lg.losses.Huber(0.5, reduction=reduction)(Y, P, weight, mask=mask)
    call = tf.function(loss) if graph else loss
    found = call(Y, P, weight, mask=mask)
    assert found.shape == np.shape(wanted) and np.allclose(found, wanted, rtol=1e-5)


@pytest.mark.parametrize("reduction", ["mean", "mean_with_sample_weight"])
def test_ignored_labels_do_not_count(reduction):
    arguments = {"from_logits": True, "ignore_class": -1, "reduction": reduction}
    loss = door.SparseCategoricalCrossentropy(**arguments)
    plain = lg.losses.SparseCategoricalCrossentropy(**arguments)
    for weight, mask in ((None, None), (W, None), (None, M), (W, M), (W[..., None], None)):
        assert np.allclose(loss(LABELS, P, weight, mask=mask), plain(LABELS, P, weight, mask=mask), rtol=1e-5)
        found, wanted = (one.sum_and_weight(LABELS, P, weight, mask=mask) for one in (loss, plain))
        assert np.allclose(found, wanted, rtol=1e-5)
    assert np.allclose(loss(LABELS[..., None], P), plain(LABELS, P))


@pytest.mark.parametrize("options", [None, {}, {"jit_compile": True}], ids=str)
@pytest.mark.parametrize("ignored", [None, -1])
def test_masked_labels_are_not_looked_at(options, ignored):
    labels = np.where(M, np.abs(LABELS), 77)
    arguments = {"from_logits": True, "ignore_class": ignored}
    loss = door.SparseCategoricalCrossentropy(**arguments)
    call = loss if options is None else tf.function(loss, **options)
    wanted = lg.losses.SparseCategoricalCrossentropy(**arguments).value_and_gradient(labels, P, mask=M)
    for given, mask in ((labels, M), (labels.astype(np.uint8)[..., None], M), (labels, M[..., None])):
        p = tf.constant(P)
        with tf.GradientTape() as tape:
            tape.watch(p)
            value = call(given, p, mask=mask)
        assert np.allclose(value, wanted[0], rtol=1e-5)
        assert np.allclose(tape.gradient(value, p), wanted[1], rtol=1e-4, atol=1e-7)


def test_nan_in_a_mask_is_an_error():
    mask = np.where(M, 1.0, np.nan)
    with pytest.raises(WeightError, match="NaN"):
        door.Huber()(Y, P, mask=mask)
    with pytest.raises(tf.errors.InvalidArgumentError, match="NaN"):
        tf.function(door.Huber())(Y, P, mask=mask)


def test_nothing_counts_gives_zero_and_no_gradient():
    p = tf.constant(P)
    with tf.GradientTape() as tape:
        tape.watch(p)
        value = door.Huber()(Y, p, mask=np.zeros((6, 4), bool))
    assert value == 0 and not tape.gradient(value, p).numpy().any()


def test_what_weighs_nothing_may_be_infinite_and_a_weight_of_zero_still_has_a_derivative():
    p, weight = tf.constant([[0.0], [1.0]]), tf.constant([0.0, 1.0])
    loss = door.BinaryCrossentropy(from_logits=True, reduction="sum")
    with tf.GradientTape() as tape:
        tape.watch([p, weight])
        value = loss(np.array([[1.0], [1.0]], np.float32), p, weight)
    slope, by_weight = tape.gradient(value, [p, weight])
    assert slope[0, 0] == 0 and float(by_weight[0]) == pytest.approx(np.log(2))
    assert np.isfinite(loss(np.ones((2, 1), np.float32), [[-np.inf], [1.0]], weight))


def test_derivatives_reach_targets_and_variables_where_asked():
    delta, y = tf.Variable(0.5), tf.constant(Y)
    loss = door.Huber(delta)
    assert loss.trainable_variables == (delta,) and loss.get_config()["delta"] == 0.5
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(y)
        value, silent = loss(y, P, target_gradient=True), loss(y, P)
    step = 1e-3
    sides = [lg.losses.Huber(0.5 + one, dtype="float64")(Y, P) for one in (step, -step)]
    assert float(tape.gradient(value, delta)) == pytest.approx((sides[0] - sides[1]) / (2 * step), rel=1e-3)
    assert np.allclose(tape.gradient(value, y), -lg.losses.Huber(0.5).gradient(Y, P), atol=1e-7)
    assert tape.gradient(silent, y) is None


def test_a_variable_is_learned_in_a_function_and_its_gradient_has_a_gradient():
    delta, p = tf.Variable(0.7), tf.constant(P)
    loss = door.PseudoHuber(delta, reduction="sum")

    @tf.function
    def mixed():
        with tf.GradientTape() as outer:
            with tf.GradientTape() as inner:
                inner.watch(p)
                value = loss(Y, p)
            gradient = inner.gradient(value, p)
        return outer.gradient(gradient, delta)

    sides = [lg.losses.PseudoHuber(0.7 + one, reduction="sum").gradient(Y, P).sum() for one in (0.01, -0.01)]
    assert float(mixed()) == pytest.approx((sides[0] - sides[1]) / 0.02, rel=1e-2)
    with pytest.raises(ParameterError):
        door.Huber(tf.Variable(-1.0))


@pytest.mark.parametrize("dtype", [tf.bfloat16, tf.float16])
def test_halves_are_computed_in_float32(dtype):
    y, p = tf.cast(Y, dtype), tf.cast(300 * P, dtype)
    with tf.GradientTape() as tape:
        tape.watch(p)
        value = door.Huber()(y, p)
    gradient = tape.gradient(value, p)
    full = lg.losses.Huber().value_and_gradient(
        tf.cast(y, tf.float32).numpy(), tf.cast(p, tf.float32).numpy()
    )
    assert value.dtype == gradient.dtype == dtype
    assert value == tf.cast(full[0], dtype) and np.array_equal(gradient, tf.cast(full[1], dtype))


def test_labels_stay_integers_under_halves():
    p = np.zeros((1, 300), np.float32)
    p[0, 257] = 20
    loss = door.SparseCategoricalCrossentropy(from_logits=True)
    for execution in ("auto", "ops"):
        lg.set_execution(execution)
        assert loss(tf.constant([257], tf.int16), tf.cast(p, tf.bfloat16)) < 1e-3


def test_labels_that_name_no_column():
    loss = door.SparseCategoricalCrossentropy(from_logits=True)
    with pytest.raises(LabelError, match="label 7 at position"):
        loss([0, 7], P[:2, 0])
    with pytest.raises(tf.errors.InvalidArgumentError, match="label 7 at position"):
        tf.function(loss)(tf.constant([0, 7]), P[:2, 0])
    assert np.isnan(tf.function(loss, jit_compile=True)(tf.constant([0, 7]), P[:2, 0]))


@pytest.mark.parametrize(
    "error, call",
    [
        (WeightError, lambda: door.Huber()(Y, P, np.ones((6, 4, 1, 1), np.float32))),
        (WeightError, lambda: door.Huber()(Y, P, np.ones(6, np.float32))),
        (WeightError, lambda: door.Huber()(Y, P, mask=np.ones((2, 4), bool))),
        (WeightError, lambda: door.Dice()(Y, P, np.ones(6, np.float32))),
        (ShapeError, lambda: door.Huber()(Y[:3], P)),
        (ShapeError, lambda: door.Dice(axis=3)(Y, P)),
        (DtypeError, lambda: door.Huber()(tf.ragged.constant([[1.0], [1.0, 2.0]]), P)),
        (DtypeError, lambda: door.Huber()(tf.sparse.from_dense(Y), P)),
        (DtypeError, lambda: door.Huber()(tf.constant("text"), P)),
        (DtypeError, lambda: door.Huber()(np.ones((6, 4, 3), int), P, target_gradient=True)),
        (NoGradientError, lambda: door.SparseCategoricalCrossentropy()(LABELS, P, target_gradient=True)),
        (DtypeError, lambda: door.Huber()(np.ma.array(Y, mask=Y > 0), P)),
        (DtypeError, lambda: door.Huber()(Y, np.ma.array(P, mask=Y > 0))),
        (DtypeError, lambda: door.Huber()(Y, P, np.ma.array(W, mask=M))),
        (DtypeError, lambda: door.Huber()(Y, P, mask=np.ma.array(M, mask=M))),
        (DtypeError, lambda: door.huber(np.ma.array(Y, mask=Y > 0), P)),
        (ParameterError, lambda: door.Huber(delta=-1)),
        (CompileError, lambda: door.compile(lg.penalties.L1)),
        (AttributeError, lambda: setattr(door.Huber(), "delta", 2)),
        (AttributeError, lambda: door.Nothing),
    ],
)
def test_bad_input_is_refused(error, call):
    with pytest.raises(error):
        call()


def test_unknown_ranks_are_refused_and_kernels_where_they_cannot_run():
    with pytest.raises(ShapeError, match="number of dimensions"):
        tf.function(door.Huber(), input_signature=[tf.TensorSpec(None), tf.TensorSpec(None)])(Y, P)
    lg.set_execution("kernels")
    with pytest.raises(ExecutionError, match="jit_compile"):
        tf.function(door.Huber(), jit_compile=True)(Y, P)
    assert float(door.Huber()(Y, P)) == pytest.approx(lg.losses.Huber()(Y, P))


def test_a_learned_parameter_that_left_its_range_is_an_error():
    delta = tf.Variable(0.5)
    loss = door.Huber(delta)
    for value in (-0.5, 0.0, np.nan):
        delta.assign(value)
        for call in (loss, loss.call, loss.sum_and_weight):
            with pytest.raises(ParameterError, match=r"`delta` must be a finite number > 0.*constraint"):
                call(Y, P)
    delta.assign(0.25)
    assert float(loss(Y, P)) == pytest.approx(lg.losses.Huber(0.25)(Y, P), rel=1e-5)
    alpha = tf.Variable([0.2, 0.3, 0.4])
    focal = door.CategoricalFocalCrossentropy(alpha)
    alpha.assign([0.2, -0.3, 0.4])
    with pytest.raises(ParameterError, match="`alpha`"):
        focal(np.eye(3, dtype=np.float32), np.eye(3, dtype=np.float32))


def test_constants_of_tensorflow_are_parameters():
    y, p = np.eye(3, dtype=np.float32), np.full((3, 3), 1 / 3, np.float32)
    alpha = tf.constant([0.25, 0.5, 0.75])
    wanted = lg.losses.CategoricalFocalCrossentropy([0.25, 0.5, 0.75])
    cls = door.CategoricalFocalCrossentropy
    config = {"class_name": "CategoricalFocalCrossentropy", "config": {"alpha": alpha}}
    for loss in (cls(alpha), cls(list(alpha)), cls.from_config({"alpha": alpha}), door.get(config)):
        assert float(loss(y, p)) == pytest.approx(wanted(y, p), rel=1e-5)
        assert loss.get_config() == wanted.get_config()
    with pytest.raises(ParameterError, match="`alpha`"):
        cls.from_config({"alpha": -alpha})
    with pytest.raises(ParameterError, match="`alpha`"):  # of which a standalone loss would see one value
        lg.losses.CategoricalFocalCrossentropy(tf.Variable(alpha))


def test_losses_are_pickled():
    own = door.compile(lg.declare("own_quartic", lg.Mean((lg.y_pred - lg.y_true) ** 4)))
    for loss in (own(reduction="sum", name="mine"), door.Huber(0.5), door.Huber(tf.Variable(0.5))):
        copied = pickle.loads(pickle.dumps(loss))
        assert type(copied) is type(loss) and copied.get_config() == loss.get_config()
        assert len(copied.trainable_variables) == len(loss.trainable_variables)
        assert float(copied(Y, P)) == float(loss(Y, P))


def test_own_losses_are_unpickled_in_another_process(tmp_path):
    own = door.compile(lg.declare("own_sixth", lg.Mean((lg.y_pred - lg.y_true) ** 6)))()
    (tmp_path / "own").write_bytes(pickle.dumps(own))
    program = (
        f"import pickle; own = pickle.load(open({str(tmp_path / 'own')!r}, 'rb'))\n"
        "print(float(own([[0.0]], [[2.0]])))"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    assert float(run.stdout) == 64


def test_names_configurations_and_own_losses():
    assert door.huber(Y, P, 0.5).shape == (6, 4) and np.allclose(door.mse(Y, P), lg.losses.mse(Y, P))
    assert repr(door.get("Huber")) == "Huber(delta=1.0)" and door.get("huber") is door.huber
    again = door.deserialize(door.serialize(door.Huber(tf.Variable(0.25), reduction="sum")))
    assert type(again) is door.Huber and (again.delta, again.reduction) == (0.25, "sum")
    assert again.get_config() == lg.losses.Huber(0.25, reduction="sum").get_config()
    assert set(door.__all__) <= set(dir(door)) and {"Huber", "huber"} <= set(door.__all__)
    quartic = door.compile(lg.declare("quartic", lg.Mean((lg.y_pred - lg.y_true) ** 4)))()
    assert (
        float(quartic(Y, P)) == pytest.approx(np.mean((P - Y) ** 4), rel=1e-5) and quartic.name == "quartic"
    )
