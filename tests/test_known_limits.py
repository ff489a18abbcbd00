"""Every known limit of the accuracy contract is met, at places on record, and no wider than it must be.

The places are known_limits.json; one that its limit no longer excuses, or a limit without a place, fails:
then the limit goes, or is tightened, or another place is to be found (`lossgen verify --json` shows some).
"""

import json
import math
from pathlib import Path

import numpy as np
import pytest

from lossgen.cli.finding import find
from lossgen.inspection.classes import loss_class
from lossgen.inspection.verification.contract import FLOATS
from lossgen.inspection.verification.inputs import Batch
from lossgen.inspection.verification.judgement import OURS, Judge
from lossgen.inspection.verification.limits import EVERY, LIMITS, limit_of
from lossgen.inspection.verification.results import Compilation
from lossgen.inspection.verification.subjects import Subject

PLACES = json.loads(Path(__file__).with_name("known_limits.json").read_text(encoding="utf-8"))
COPIES = 32
"""Rows at once, all alike: vector code computes most of them."""

ROOM = 2
"""How many times wider than its worst place a limit may be."""


def misses(place: dict) -> list:
    """What misses the contract of one output at a place."""
    declaration = find(place["loss"])
    subject = Subject(declaration, place["options"], place["arguments"])
    kind = next(each for each in FLOATS if each.dtype.name == place["dtype"])
    target = np.array([place["y"]], None if subject.labels else float)
    prediction = np.array([place["p"]], float)
    copies = 1 if place["output"].startswith("by ") else COPIES
    batch = Batch(np.repeat(target, copies, 0), np.repeat(prediction, copies, 0), (kind,))
    compilation, judge = Compilation(subject, loss_class(declaration)), Judge(subject)
    if place["output"].startswith("by "):
        judge.judge_beyond(compilation, batch, 1)
    else:
        judge.judge(batch, kind, {OURS: compilation.results(batch, kind)})
    return judge.missed.get((OURS, place["output"], place["dtype"]), [])


@pytest.mark.parametrize("limit", [*EVERY, *LIMITS], ids=lambda limit: limit.reason)
def test_a_limit_is_met_and_no_wider_than_it_must_be(limit):
    reached = []
    for place in PLACES.get(limit.reason, ()):
        reached += [miss for miss in misses(place) if limit_of(miss) is limit]
    assert reached, "no place on record is excused by this limit"
    if limit.overflows:
        assert not any(math.isfinite(miss.got) for miss in reached)
    elif limit.error is not None:
        assert max(ROOM * abs(miss.got - miss.exact) / limit.error(miss) for miss in reached) >= 1
    else:
        assert ROOM * max(miss.size for miss in reached) >= limit.factor


def test_no_limit_excuses_everything():
    """What is finite is bounded; what is not is excused by limits of overflows alone."""
    assert set(PLACES) == {limit.reason for limit in (*EVERY, *LIMITS)}
    for limit in (*EVERY, *LIMITS):
        assert limit.overflows or limit.error is not None or math.isfinite(limit.factor), limit.reason
