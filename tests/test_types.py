"""Types: the package is checked strictly with mypy, but for modules that are listed with the reason why."""

import sys
from pathlib import Path

import pytest
from requiring import require

sys.path.insert(0, str(Path(__file__).parent / "typing"))

import strictness

STRICT = ("errors", "losses", "penalties", "cli", "language")


@pytest.fixture(scope="module")
def lists():
    require("mypy", "checks types")
    return strictness.lists_of_today()


def test_types_are_right_and_the_lists_no_longer_than_they_need_be(lists):
    for name, modules in strictness.listed().items():
        assert sorted(modules) == lists[name], "python tests/typing/strictness.py --update"


def test_what_a_person_calls_is_strict():
    for modules in strictness.listed().values():
        for module in modules:
            parts = module.split(".")
            assert parts[1] not in STRICT or parts[:3] == ["lossgen", "language", "atoms"], module


def test_the_settings_are_those_of_the_project():
    assert strictness.CONFIGURATION.read_text("utf-8") == strictness.text(strictness.listed())
