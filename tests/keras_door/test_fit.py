"""`model.fit` with each loss ends at the weights that Keras's own loss ends at, weighted and masked too."""

import keras
import numpy as np
import pytest
from models import EXEMPT_MASKED, ROWS, STEPS, TRAINED, data, model_of, same_weights, sequences, train

import lossgen.keras
from lossgen.generated._index import CLASSES


def pair(case):
    """The loss of lossgen and that of Keras."""
    theirs = getattr(keras.losses, case.name)(**{**case.arguments, **case.theirs})
    return getattr(lossgen.keras, case.name)(**case.arguments), theirs


def weights(*shape):
    """Random weights, one of them 0."""
    found = np.random.default_rng(0).random(shape).astype("float32") * 2
    found.reshape(-1)[3] = 0
    return found


@pytest.mark.parametrize("case", TRAINED, ids=str)
def test_fit(case):
    start = model_of(case.task, case.activation).get_weights()
    ours, theirs = (
        train(model_of(case.task, case.activation), loss, *data(case.task), case.rate) for loss in pair(case)
    )
    same_weights(ours, theirs)
    assert not np.allclose(ours[0], start[0], rtol=0, atol=1e-5)


@pytest.mark.parametrize("case", [case for case in TRAINED if case.name not in EXEMPT_MASKED], ids=str)
def test_fit_with_masks_and_weights(case):
    weight, (x, y) = weights(ROWS // STEPS, STEPS), sequences(case.task)
    ours, theirs = (
        train(model_of(case.task, case.activation, masked=True), loss, x, y, case.rate, weight=weight)
        for loss in pair(case)
    )
    same_weights(ours, theirs)


@pytest.mark.parametrize("name", ["CosineSimilarity", "BinaryFocalCrossentropy", "Huber"])
def test_fit_with_weights(name):
    case = next(case for case in TRAINED if case.name == name)
    ours, theirs = (
        train(model_of(case.task, case.activation), loss, *data(case.task), case.rate, weight=weights(ROWS))
        for loss in pair(case)
    )
    same_weights(ours, theirs)


def test_every_loss_that_keras_has_is_trained():
    assert {case.name for case in TRAINED} == {name for name in CLASSES if hasattr(keras.losses, name)}
