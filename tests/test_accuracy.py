"""Every loss and penalty of the catalogue keeps the accuracy contract, in every output and float type.

`lossgen verify` does the same with more inputs and settings; what it finds is docs/verification.md.
"""

import numpy as np
import pytest

from lossgen.catalog import DECLARATIONS, PENALTIES
from lossgen.inspection.classes import loss_class
from lossgen.inspection.verification.contract import SINGLE, Quantity, excess, expected
from lossgen.inspection.verification.judgement import Judge
from lossgen.inspection.verification.report import Effort
from lossgen.inspection.verification.subjects import Subject, subjects
from lossgen.inspection.verification.verify import verified

EFFORT = Effort(points=8, quick=True, seed=7, peers=False)
VARIANTS = [
    (declaration, options)
    for declaration in (*DECLARATIONS, *PENALTIES)
    for options in declaration.variants()
]


@pytest.mark.parametrize(
    ("declaration", "options"), VARIANTS, ids=lambda each: str(getattr(each, "name", each))
)
def test_the_catalogue_keeps_the_contract(declaration, options):
    settings = tuple(subjects(declaration, options, quick=True))
    variant = verified((loss_class(declaration), settings), EFFORT)
    assert variant.kept, "\n".join(str(tally.worst) for tally in variant.own.values() if tally.broken)
    assert variant.unknown <= 0.1 * variant.points


def test_the_contract_tells_textbook_from_accurate():
    """σ(p) − y returns 0 for a confident right prediction; (1−y)·σ(p) − y·σ(−p) does not."""
    declaration = next(each for each in DECLARATIONS if each.name == "binary_crossentropy")
    subject = Subject(declaration, {"from_logits": True})
    y, p = np.array([1.0]), np.array([20.0], np.float32)
    row = Judge(subject).row(y, p)
    right, allowed = expected(subject, row, Quantity("gradient", 0), y, p, None, SINGLE)
    sigmoid = 1 / (1 + np.exp(-p))
    assert excess((sigmoid - 1)[0], right, allowed, SINGLE) > 1e5
    assert excess((-np.exp(-p) * sigmoid)[0], right, allowed, SINGLE) <= 1
