"""Bad input is refused while tracing, with an error that names the argument; and the door itself."""

import copy
import pickle
import subprocess
import sys

import numpy as np
import pytest
from requiring import require

import lossgen as lg
from lossgen import losses
from lossgen.errors import (
    DtypeError,
    LabelError,
    ParameterError,
    ReductionError,
    ShapeError,
    UnknownLossError,
    WeightError,
)

jax = require("jax")
import jax.numpy as jnp  # noqa: E402

import lossgen.jax as door  # noqa: E402
from lossgen.generated._index import CLASSES, FUNCTIONS  # noqa: E402

P = np.zeros((4, 3), np.float32)
SPARSE = door.SparseCategoricalCrossentropy(from_logits=True)
MSE = door.MeanSquaredError()
REFUSED = {
    "shapes": (lambda: MSE(np.zeros((4, 2)), P), ShapeError, r"`y_true` and `y_pred`.*\(4, 2\).*\(4, 3\)"),
    "ranks": (lambda: MSE(np.zeros(4), P), ShapeError, "same shape"),
    "text": (lambda: MSE("text", P), DtypeError, "`y_true` must hold real numbers"),
    "complex": (lambda: MSE(P, jnp.zeros((4, 3), "complex64")), DtypeError, "`y_pred` must hold real"),
    "masked array": (lambda: MSE(np.ma.zeros((4, 3)), P), DtypeError, "masked"),
    "weights": (lambda: MSE(P, P, np.ones(3)), WeightError, r"`sample_weight`.*\(3,\).*\(4,\)"),
    "weights of two more ranks": (lambda: MSE(P, P, np.ones((4, 1, 1))), WeightError, r"\(4, 1, 1\)"),
    "mask": (lambda: MSE(P, P, mask=np.ones(5, bool)), WeightError, r"`mask`.*\(5,\)"),
    "labels as floats": (lambda: SPARSE(np.zeros(4, np.float32), P), DtypeError, "`y_true`.*integer.*float"),
    "one-hot labels": (lambda: SPARSE(P.astype(int), P), ShapeError, r"`y_true`.*\(4,\)"),
    "labels of 64 bits": (lambda: SPARSE(np.full(4, 2**32 + 1), P), LabelError, "`y_true`.*int32.*x64"),
    "float64 without x64": (lambda: door.Huber(dtype="float64")(P, P), DtypeError, "`dtype` float64"),
    "unknown parameter": (lambda: MSE(P, P, parameters={"delta": 1.0}), ParameterError, "`delta`"),
    "shape of a parameter": (
        lambda: door.Huber()(P, P, parameters={"delta": jnp.ones(3)}), ShapeError, r"`delta`.*\(3,\)"
    ),
    "argument": (lambda: door.Huber(delta=-1), ParameterError, "delta"),
    "reduction": (lambda: door.Huber(reduction="average"), ReductionError, "average"),
    "length of a parameter": (
        lambda: door.CategoricalFocalCrossentropy(alpha=(0.1, 0.2))(P, P), ShapeError, "`alpha`"
    ),
    "axis": (lambda: door.CategoricalCrossentropy(axis=4)(P, P), ShapeError, "`axis` 4"),
}  # fmt: skip


@pytest.mark.parametrize("jitted", [False, True])
@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused(name, jitted):
    call, error, shown = REFUSED[name]
    with pytest.raises(error, match=shown):
        (jax.jit(call) if jitted else call)()


def test_nan_in_a_mask_is_an_error_or_where_it_is_traced_a_loss_of_nan():
    mask = np.array([1, np.nan, 0, 1], np.float32)
    with pytest.raises(WeightError, match="mask with NaN"):
        MSE(P, P, mask=mask)
    assert np.isnan(jax.jit(lambda mask: MSE(P, P, mask=mask))(mask))


def test_a_last_axis_of_size_one_is_no_mismatch():
    y, p = np.arange(4, dtype=np.float32), np.zeros((4, 1), np.float32)
    assert MSE(y, p) == losses.MeanSquaredError()(y, p)
    assert jax.grad(MSE, argnums=1)(y, p).shape == (4, 1)
    assert SPARSE(np.zeros((4, 1), np.int32), P) == SPARSE(np.zeros(4, np.int32), P)


def test_names_and_look_up():
    assert {*CLASSES, *FUNCTIONS, "compile", "get"} <= {*dir(door)} and door.MSE is door.mean_squared_error
    assert door.get("huber").loss_class is door.Huber
    assert door.get("Huber")(P, P) == 0 and door.get(door.Huber).delta == 1.0
    assert door.deserialize(lg.losses.serialize(losses.Huber(delta=0.5))) == door.Huber(delta=0.5)
    assert door.Huber.from_config(door.Huber(0.25).get_config()) == door.Huber(0.25)
    assert repr(door.Huber(0.5)) == "lossgen.jax.Huber(delta=0.5)"
    with pytest.raises(UnknownLossError):
        door.get("no such loss")
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = door.nothing
    with pytest.raises(TypeError, match="argument"):
        door.huber(P, P, nothing=1)


def test_a_declaration_of_ones_own():
    own = door.compile(lg.declare("cubic", lg.Mean(abs(lg.y_pred - lg.y_true) ** 3)))
    y, p = P, P + 2
    value, gradient = jax.value_and_grad(own(), argnums=1)(y, p)
    assert value == 8 and np.allclose(gradient, 1)


def test_a_loss_can_be_copied_and_pickled():
    for loss in (pickle.loads(pickle.dumps(door.Huber(0.5).standalone)), copy.deepcopy(door.Huber(0.5))):
        assert loss.delta == 0.5
    assert pickle.loads(pickle.dumps(door.Huber(0.5))) == door.Huber(0.5)
    own = door.compile(lg.declare("squares_by", lg.Mean((lg.y_pred - lg.y_true) ** 2) / 3))(reduction="sum")
    assert pickle.loads(pickle.dumps(own)) == own


def test_without_jax_the_error_says_what_to_install():
    program = "import sys; sys.modules['jax'] = None\nimport lossgen.jax"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert "MissingLibraryError" in done.stderr and 'pip install "lossgen[jax]"' in done.stderr


def test_importing_the_door_loads_no_compiler():
    program = "import sys, lossgen.jax as j; j.Huber; print({'sympy', 'jinja2', 'torch'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout == "set()\n", done.stderr
