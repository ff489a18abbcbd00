"""Every loss gives what was recorded: the same bits on the same processor, elsewhere within the contract."""

import json

import numpy as np
import pytest
from regression.records import (
    CATALOGUE,
    FOLDER,
    MADE_WITH,
    differences,
    is_close,
    made_with,
    numbers,
    read,
    short,
)  # fmt: skip

from lossgen.inspection.verification.contract import DOUBLE, SINGLE

RECORDED = json.loads(MADE_WITH.read_text(encoding="utf-8"))


def test_every_loss_is_recorded():
    assert {path.stem for path in FOLDER.glob("*.json")} == {*CATALOGUE, MADE_WITH.stem}
    assert set(RECORDED) == set(made_with())


@pytest.mark.parametrize("name", CATALOGUE)
def test_results_are_as_recorded(name):
    here = made_with()
    found = list(differences(CATALOGUE[name], read(name), RECORDED["processor"] == here["processor"]))
    versions = f"recorded with {RECORDED}, now {here}; `make regression-update` accepts:"
    assert not found, "\n".join([versions, *found])


# What would be found ------------------------------------------------------------------------------------


@pytest.fixture
def one():
    """A loss whose kernels are compiled soon, and what it gives now."""
    declaration = CATALOGUE["mean_squared_error"]
    found = read(declaration.name)
    (subject,) = found
    return declaration, found, found[subject]


def changed(text: str, kind, ulps: float) -> str:
    """A line whose first number is some ulps larger, of other bits."""
    first, *others = numbers(text)
    moved = first + ulps * float(kind.ulp(first))
    return "0000000000000000: " + " ".join(map(short, (moved, *others)))


@pytest.mark.parametrize("kind", [SINGLE, DOUBLE], ids=["float32", "float64"])
@pytest.mark.parametrize("output", ["value", "gradient", "hessian", "product"])
def test_other_bits_are_allowed_elsewhere_and_wrong_numbers_nowhere(one, kind, output):
    declaration, record, recorded = one
    text = recorded[kind.dtype.name][output]
    recorded[kind.dtype.name][output] = changed(text, kind, 1)
    assert not list(differences(declaration, record, same_processor=False))
    (found,) = differences(declaration, record, same_processor=True)
    assert f"{kind.dtype.name} {output} was 0000000000000000" in found
    recorded[kind.dtype.name][output] = changed(text, kind, 100)
    assert len(list(differences(declaration, record, same_processor=False))) == 1


def test_a_number_that_is_not_finite_stays_so():
    for number in (np.inf, -np.inf, np.nan):
        assert is_close(number, number, 1) and not is_close(number, 1.0, np.inf)
        assert not is_close(1.0, number, np.inf)
    assert not is_close(np.inf, -np.inf, np.inf) and not is_close(np.nan, np.inf, np.inf)


def test_derivatives_in_array_code_are_held_to_what_the_contract_says_everywhere(one):
    declaration, record, recorded = one
    text = recorded["float64"]["by y_true"]
    first, *others = numbers(text)
    recorded["float64"]["by y_true"] = " ".join(map(short, (first * (1 + 1e-9), *others)))
    assert not list(differences(declaration, record, same_processor=True))
    recorded["float64"]["by y_true"] = " ".join(map(short, (first * (1 + 1e-6), *others)))
    assert len(list(differences(declaration, record, same_processor=True))) == 1


def test_what_is_new_or_gone_is_found(one):
    declaration, record, recorded = one
    recorded["float32"]["another output"] = recorded["float32"].pop("hessian")
    record["AnotherLoss()"] = {}
    found = sorted(differences(declaration, record, same_processor=True))
    assert [text.rpartition(" is ")[2] for text in found] == ["recorded and gone", "gone", "new"]
    record.clear()
    assert list(differences(declaration, record, True)) == ["MeanSquaredError() is not recorded"]


def test_numbers_are_written_shortly_and_exactly():
    values = np.array([0.1, -2.0, 0.0, 5e-324, 1e308, np.inf])
    assert numbers(" ".join(map(short, values))) == values.tolist()
    assert short(0.5) == "0x1p-1" and short(1.0) == "0x1p+0"
