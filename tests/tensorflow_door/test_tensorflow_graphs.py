"""Where code runs: kernels without copies in eager code and graphs, array code under XLA and in saved models,
and on the replicas of a strategy.
"""

import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

import lossgen as lg
import lossgen.tensorflow as door
from lossgen.tensorflow import host
from lossgen.tensorflow.bridge import losses_of

rng = np.random.default_rng(0)
Y, P = rng.normal(size=(2, 8, 3)).astype(np.float32)
HUBER = lg.losses.Huber(0.5)
HOST_CALLS = {"PyFunc", "PyFuncStateless", "EagerPyFunc"}


def operations(function: tf.types.experimental.ConcreteFunction) -> set[str]:
    return {one.type for one in function.graph.get_operations()}


def gradients(y, p):
    with tf.GradientTape() as tape:
        tape.watch(p)
        losses = losses_of(HUBER, y, p)
    return losses, tape.gradient(losses, p)


def test_kernels_read_tensors_and_tensors_take_results_without_a_copy():
    p = tf.random.normal((1 << 19,))
    seen, results = [], []

    def function(array):
        seen.append(array.ctypes.data)
        results.append(lg.losses.Huber(reduction="sum").gradient(np.zeros_like(array), array))
        return results[-1]

    def address(tensor):
        return np.asarray(tensor).ctypes.data

    eager = host.call(function, (p,), p.shape, p.dtype)
    assert seen == [address(p)] and address(eager) == results[0].ctypes.data
    before = eager.numpy()
    del results[0]
    host.call(function, (p,), p.shape, p.dtype)  # does not get the memory that a tensor still has
    assert np.array_equal(before, eager)


def test_a_result_outlives_the_array_that_it_came_from():
    y = tf.zeros((1 << 19, 1))
    p = tf.random.normal(y.shape)
    found = [gradients(y, p)[1] for _ in range(4)]
    assert len({np.asarray(one).ctypes.data for one in found}) == 4
    assert all(np.array_equal(one, found[0]) for one in found)


def test_shapes_are_known_as_far_as_those_of_the_inputs():
    signature = [tf.TensorSpec([None, 3]), tf.TensorSpec([None, 3])]
    function = tf.function(gradients, input_signature=signature).get_concrete_function()
    losses, gradient = function.output_shapes
    assert losses.as_list() == [None] and gradient.as_list() == [None, 3]
    for rows in (8, 5, 0):
        found = function(tf.constant(Y[:rows]), tf.constant(P[:rows]))
        assert np.allclose(found[0], lg.losses.huber(Y[:rows], P[:rows], 0.5), rtol=1e-6)
        assert found[1].shape == (rows, 3)


@pytest.mark.parametrize("y_shape, p_shape", [((None,), (None, None)), ((None, None), (None,))])
def test_a_last_axis_of_unknown_size_may_turn_out_to_be_1(y_shape, p_shape):
    function = tf.function(
        lambda y, p: losses_of(HUBER, y, p), input_signature=[tf.TensorSpec(y_shape), tf.TensorSpec(p_shape)]
    )
    y, p = (
        np.copy(Y[:, :1]).reshape([8, 1][: len(y_shape)]),
        np.copy(P[:, :1]).reshape([8, 1][: len(p_shape)]),
    )
    assert np.allclose(function(y, p), lg.losses.huber(y, p, 0.5), rtol=1e-6)
    with pytest.raises(tf.errors.InvalidArgumentError):
        function(*(Y if len(one) == 2 else Y[:, 0] for one in (y_shape, p_shape)))


def test_graphs_call_kernels_and_xla_does_not():
    graph = tf.function(gradients).get_concrete_function(tf.constant(Y), tf.constant(P))
    assert operations(graph) & HOST_CALLS
    compiled = tf.function(gradients, jit_compile=True)
    assert not operations(compiled.get_concrete_function(tf.constant(Y), tf.constant(P))) & HOST_CALLS
    inner = tf.function(gradients)
    outer = tf.function(lambda y, p: inner(y, p), jit_compile=True)
    for one in (graph, compiled, outer):
        losses, gradient = one(tf.constant(Y), tf.constant(P))
        assert np.allclose(losses, lg.losses.huber(Y, P, 0.5), rtol=1e-6)
        assert np.allclose(gradient, lg.losses.Huber(0.5, reduction="sum").gradient(Y, P), rtol=1e-6)


def test_an_extremum_under_xla_keeps_nan():
    p = np.array([[1.0, np.nan, 2.0], [0.0, 1.0, 2.0]])
    loss = door.SparseCategoricalCrossentropy(from_logits=True, reduction="none")
    found = tf.function(loss, jit_compile=True)(np.array([0, 1]), p)
    assert np.isnan(found[0]) and np.isfinite(found[1])


def test_a_saved_function_runs_in_another_process_without_lossgen(tmp_path):
    module = tf.Module()
    module.loss = tf.function(door.Huber(0.5), input_signature=[tf.TensorSpec([None, 3])] * 2)
    module.loss(Y, P)  # traced with kernels before it is saved
    tf.saved_model.save(module, str(tmp_path))
    program = (
        "import sys, tensorflow as tf\n"
        f"module = tf.saved_model.load({str(tmp_path)!r})\n"
        "assert 'lossgen' not in sys.modules\n"
        "print(float(module.loss(tf.zeros((2, 3)), tf.fill((2, 3), 0.25))))"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    assert float(run.stdout) == 0.25**2 / 2


def test_replicas_add_up_to_the_whole_batch():
    strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    weight = np.linspace(0.1, 2, 8).astype(np.float32)
    loss = door.PseudoHuber(0.5, reduction="mean_with_sample_weight")
    with strategy.scope():
        scale = tf.Variable(1.0, aggregation=tf.VariableAggregation.SUM)

    def replica(y, p, weight):
        with tf.GradientTape() as tape:
            total, count = loss.sum_and_weight(y, scale * p, weight)
        return total, count, tape.gradient(total, scale)

    @tf.function
    def step(batch):
        return [strategy.reduce("SUM", one, axis=None) for one in strategy.run(replica, args=batch)]

    data = tf.data.Dataset.from_tensor_slices((Y, P, weight)).batch(8)
    total, count, slope = step(next(iter(strategy.experimental_distribute_dataset(data))))
    whole = lg.losses.PseudoHuber(0.5, reduction="mean_with_sample_weight")
    assert strategy.num_replicas_in_sync == 2 and float(count) == pytest.approx(weight.sum())
    assert float(total / count) == pytest.approx(whole(Y, P, weight), rel=1e-6)
    assert float(slope / count) == pytest.approx(np.sum(P * whole.gradient(Y, P, weight)), rel=1e-5)
