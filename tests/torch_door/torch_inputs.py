"""What the tests of this door share: losses of every kind, and tensors for them."""

import numpy as np
from requiring import require

import lossgen as lg
from lossgen.catalog import DECLARATIONS

torch = require("torch")
door = require("lossgen.torch")

NAMED = {declaration.name: declaration for declaration in DECLARATIONS}
Both = door.compile((0.5 * NAMED["mean_squared_error"] + 0.5 * NAMED["dice"]).renamed("Both"))
"""One term for each row, one for the whole tensor."""

KINDS = {
    "flat": (door.MeanSquaredError, {}, "numbers"),
    "kinked": (door.Huber, {"delta": 0.7}, "numbers"),
    "logits": (door.BinaryCrossentropy, {"from_logits": True}, "shares"),
    "rows": (door.CosineSimilarity, {}, "numbers"),
    "softmax": (door.CategoricalCrossentropy, {"from_logits": True}, "distributions"),
    "labels": (door.SparseCategoricalCrossentropy, {"from_logits": True}, "labels"),
    "ignored": (door.SparseCategoricalCrossentropy, {"from_logits": True, "ignore_class": 1}, "labels"),
    "whole": (door.Dice, {}, "shares"),
    "axis": (door.CategoricalCrossentropy, {"from_logits": True, "axis": 0}, "distributions"),
    "both": (Both, {}, "shares"),
}
"""Class, arguments and kind of target."""

SMOOTH = [kind for kind in KINDS if kind != "kinked"]


def tensors(kind: str, shape=(5, 4), dtype=torch.float64, seed=0):
    """Targets and predictions; the predictions require a gradient."""
    random = np.random.default_rng(seed)
    target = KINDS[kind][2]
    p = torch.tensor(random.uniform(0.1, 0.9, shape) if target == "shares" else random.normal(size=shape))
    if target == "labels":
        y = torch.tensor(random.integers(0, shape[-1], shape[:-1]))
        y.view(-1)[:2] = torch.tensor([0, 1])  # one is not ignored, one is
    elif target == "distributions":
        y = torch.softmax(torch.tensor(random.normal(size=shape)), KINDS[kind][1].get("axis", -1)).to(dtype)
    else:
        y = torch.tensor(random.normal(size=shape) if target == "numbers" else random.random(shape)).to(dtype)
    return y, p.to(dtype).requires_grad_()


def weight_of(kind: str, p, seed=1):
    """A weight a loss, one of them 0."""
    random = np.random.default_rng(seed)
    weight = torch.tensor(random.uniform(0.5, 2, losses_of(kind, p).shape), dtype=p.dtype)
    if weight.ndim:
        weight[-1] = 0
    return weight


def losses_of(kind: str, p):
    """The losses without a gradient."""
    with torch.no_grad():
        return make(kind, reduction="none")(tensors(kind, p.shape, p.dtype)[0], p)


def make(kind: str, **arguments):
    """The loss of a kind."""
    cls, own, _ = KINDS[kind]
    return cls(**own, **arguments)


def standalone(kind: str, **arguments):
    """The loss of a kind without torch."""
    cls, own, _ = KINDS[kind]
    return cls.standalone(**own, **arguments)


class executed:
    """`with executed("ops"):` sets the execution for a while."""

    def __init__(self, execution: str):
        self.execution = execution

    def __enter__(self):
        self.before = lg.get_execution()
        lg.set_execution(self.execution)

    def __exit__(self, *_):
        lg.set_execution(self.before)
