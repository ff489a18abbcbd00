"""Constructors and function handles of compiled losses: signatures, checks, attributes, copies."""

import copy
import inspect
import pickle
import re

import numpy as np
import pytest
from handwritten_losses import Huber, Overlap, SparseCrossentropy, data, huber, sparse_crossentropy

from lossgen.errors import DeclarationError, ParameterError
from lossgen.runtime.loss import Loss
from lossgen.runtime.parameters import Parameter

# The constructor ----------------------------------------------------------------------------------


def test_constructor_signature():
    assert str(inspect.signature(Huber)) == (
        "(delta=1.0, reduction='sum_over_batch_size', name='huber_loss', dtype=None, *, axis=-1)"
    )
    assert list(inspect.signature(SparseCrossentropy).parameters) == [
        "from_logits", "ignore_class", "reduction", "axis", "name", "dtype", "alpha",
    ]  # fmt: skip


def test_constructor_arguments_become_attributes():
    loss = Huber(2, "sum", "mine", "float32", axis=0)
    assert (loss.delta, loss.reduction, loss.name, loss.dtype, loss.axis) == (
        2.0,
        "sum",
        "mine",
        "float32",
        0,
    )
    assert Huber().name == "huber_loss" and Huber(name=None).name == "huber_loss"
    assert Overlap().name == "overlap"


def test_constructor_refuses():
    with pytest.raises(ParameterError, match=r"`delta` must be a finite number > 0. Received: delta=-1"):
        Huber(-1)
    with pytest.raises(
        ParameterError, match=r"`from_logits` must be one of False, True. Received: from_logits=1"
    ):
        SparseCrossentropy(1)
    with pytest.raises(TypeError, match=r"Huber\(delta=1.0.*unexpected keyword argument 'sigma'"):
        Huber(sigma=1)
    with pytest.raises(TypeError, match="too many positional arguments"):
        Huber(1, "sum", "name", None, 0)


def test_instances_do_not_change():
    loss = Huber()
    with pytest.raises(
        AttributeError,
        match=re.escape("`delta` of Huber cannot be changed: make another loss, Huber(delta=2)"),
    ):
        loss.delta = 2
    loss.name = "renamed"


def test_a_parameter_cannot_hide_what_every_loss_has():
    with pytest.raises(DeclarationError, match="a parameter cannot be called `gradient`"):
        type("Bad", (Loss,), {"parameters": {"gradient": Parameter(1.0)}, "variants": Huber.variants})
    with pytest.raises(DeclarationError, match="lists `sigma`, which is no parameter"):
        type("Bad", (Loss,), {"arguments": ("sigma",), "variants": Huber.variants})


@pytest.mark.parametrize(
    "duplicate", [copy.copy, copy.deepcopy, lambda loss: pickle.loads(pickle.dumps(loss))]
)
def test_copies_and_pickles(duplicate):
    loss = Huber(0.25, "sum", axis=(0, 1))
    y, p = data(4, 3)
    loss(y, p)
    other = duplicate(loss)
    assert other.get_config() == loss.get_config() and other(y, p) == loss(y, p)


def test_repr_and_formulas():
    assert repr(Huber(0.5)) == "Huber(delta=0.5)"
    shown = (
        "SparseCrossentropy(alpha=1.0, from_logits=True, ignore_class=0, reduction='sum', dtype='float32')"
    )
    assert repr(SparseCrossentropy(True, 0, "sum", dtype="float32")) == shown
    assert Huber().formula() == "mean(huber(p - y))"
    assert Huber().gradient_formula() == "clip(p - y, -delta, delta)/C"
    assert Huber()._repr_latex_() == r"$\displaystyle \rho(p-y)$"


# Functions ----------------------------------------------------------------------------------------


def test_function_does_not_reduce():
    y, p = data(4, 3)
    np.testing.assert_array_equal(huber(y, p, 0.5), Huber(0.5).call(y, p))
    np.testing.assert_array_equal(huber(y, p, delta=0.5, axis=0), Huber(0.5, axis=0).call(y, p))
    np.testing.assert_array_equal(
        sparse_crossentropy([0, 1], p[:2], True, alpha=[1, 2, 3]),
        SparseCrossentropy(True, alpha=[1, 2, 3]).call([0, 1], p[:2]),
    )


def test_function_looks_like_one():
    assert huber.__name__ == "huber" and huber.__module__ == "handwritten_losses"
    assert huber.__doc__.startswith("Huber loss, mean over the last axis.")
    assert str(inspect.signature(huber)) == "(y_true, y_pred, delta=1.0, *, axis=-1)"
    assert list(inspect.signature(sparse_crossentropy).parameters) == [
        "y_true", "y_pred", "from_logits", "ignore_class", "axis", "alpha",
    ]  # fmt: skip
    assert pickle.loads(pickle.dumps(huber)) is huber


def test_function_refuses():
    y, p = data(4, 3)
    with pytest.raises(ParameterError, match="`delta` must be"):
        huber(y, p, -1)
    with pytest.raises(ParameterError, match="`delta` must be"):
        huber(y, p, True)
    with pytest.raises(TypeError, match="unexpected keyword argument 'reduction'"):
        huber(y, p, reduction="sum")
    with pytest.raises(TypeError, match="multiple values for argument 'delta'"):
        huber(y, p, 1.0, delta=1.0)
    with pytest.raises(TypeError, match="takes 3 positional arguments, 4 were given"):
        huber(y, p, 1.0, 2.0)
