"""The benchmark: the table of cases, and one tiny case through real processes."""

import json

import numpy as np
import pytest
from requiring import require

from benchmarks import calm, report
from benchmarks.cases import Case, cases, inputs
from benchmarks.driver import Driver, Settings, results
from benchmarks.formulas import FORMULAS
from benchmarks.worker import difference
from lossgen import losses
from lossgen.catalog import DECLARATIONS

TINY = Case("huber", "real", (8, 3), {"delta": 0.5})
UNKNOWN = Case("sparse_categorical_crossentropy", "labels, probabilities", (8, 3), group=2)


PEERS_OF_A_LOSS = ("lossgen", "lossgen out=", "limit", "lossgen torch", "torch")


@pytest.fixture(scope="module")
def measured():
    require("torch", "measures torch as well")
    with Driver((*PEERS_OF_A_LOSS, "numpy"), Settings(3, 0.0, 0.0)) as driver:
        return [driver.run(case) for case in (TINY, UNKNOWN)]


def test_every_peer_that_has_the_loss_agrees_and_is_measured_in_every_round(measured):
    for result in measured:
        assert result["failed"] == {}
        assert set(result["peers"]) == {*PEERS_OF_A_LOSS}  # NumPy: Hessians only
        for peer in result["peers"].values():
            assert len(peer["rounds"]) == 3
            assert peer["seconds"] == sorted(peer["rounds"])[1] > 0
        assert result["best"] == "torch"


def test_the_file_has_the_promised_fields_and_the_picture_is_drawn(measured, tmp_path):
    require("matplotlib")
    head = report.header(["lossgen", "torch"])
    targets = report.summary(measured, [{"what": "a cost", "figure": 2.0, "unit": "s", "target": 1.0}])
    report.write_json(tmp_path / "some.json", {**head, "cases": measured, "costs": [], "targets": targets})
    read = json.loads((tmp_path / "some.json").read_text(encoding="utf-8"))
    assert read["versions"].keys() == {"numpy", "numba", "torch"}
    assert read["machine"]["cores"] > 0
    assert read["date"]
    assert [Case(**{**one["case"], "shape": tuple(one["case"]["shape"])}) for one in read["cases"]] == [
        TINY, UNKNOWN,
    ]  # fmt: skip
    assert {row["what"]: row["reached"] for row in read["targets"]}["a cost"] is False
    report.draw(tmp_path / "some.png", measured)
    assert (tmp_path / "some.png").stat().st_size > 1000


def test_tables_name_cases_and_peers_that_are_wrong(measured, capsys, monkeypatch):
    monkeypatch.setattr(report, "console", report.Console(width=200))
    report.print_results([{**measured[0], "failed": {"jax": "1 of 24 differ"}}, measured[1]])
    report.print_summary(report.summary(measured, []))
    shown = capsys.readouterr().out
    for text in ("huber delta=0.5 8×3", "torch", "1 of 24 differ", "of 2", "targets reached"):
        assert text in shown


def test_a_peer_that_computes_something_else_is_noticed():
    expected = np.linspace(-1, 1, 1000, dtype=np.float32)
    assert difference(expected * np.float32(1.00001), expected) is None
    assert "1000 of 1000" in difference(expected + 1, expected)
    assert "shape" in difference(expected[:, None], expected)
    assert difference(np.asarray(2.0), np.asarray(1.0)) == "2.0 for 1.0"


def test_ratios_are_medians_over_the_rounds():
    rounds = {"lossgen": [1.0, 2.0, 1.0], "torch": [2.0, 10.0, 3.0], "jax": [4.0, None, None]}
    result = results(TINY, rounds, {}, dict.fromkeys(rounds, 0.5))
    assert result["peers"]["torch"]["ratio"] == 3.0
    assert result["peers"]["jax"]["ratio"] == 4.0
    assert result["best"] == "torch"


def test_a_door_is_measured_against_its_framework():
    rounds = {"lossgen": [1.0], "lossgen torch": [2.0], "torch": [5.0], "torch.compile": [1.0]}
    case = Case("mean_squared_error", "real", (1 << 24, 1))
    rows = report.summary([results(case, rounds, {}, dict.fromkeys(rounds, 0.5))], [])
    found = {row["what"].partition(": ")[2]: (row["figure"], row["reached"]) for row in rows}
    assert found["lossgen torch and torch, times as fast"] == (2.5, False)
    assert found["lossgen torch and torch.compile, times as fast"] == (0.5, False)


def test_others_are_noticed_until_patience_ends(monkeypatch):
    shares = iter([0.5, 0.5, 0.05])
    monkeypatch.setattr(calm, "others", lambda: next(shares))
    assert calm.wait(10.0)[0] is True
    monkeypatch.setattr(calm, "others", lambda: 0.5)
    assert calm.wait(0.0) == (False, 0.0)


def test_names_of_cases_differ_and_cover_the_catalogue():
    table = list(cases())
    names = [case.name for case in table]
    assert len(set(names)) == len(names)
    catalogue = {declaration.name for declaration in DECLARATIONS}
    assert {case.loss for case in table} == catalogue
    assert FORMULAS.keys() == catalogue


def test_every_formula_is_the_loss_of_that_name():
    torch = require("torch", "the formulas run on torch here")
    from benchmarks.formulas import mean_loss, torch_loss
    from benchmarks.operations import torch_operations

    operations = torch_operations()
    tried = {(case.loss, case.data): case for case in cases()}
    for case in tried.values():
        small = Case(case.loss, case.data, (64, 1) if case.shape[1:] == (1,) else (64, 5), case.arguments)
        y, p, _ = inputs(small)
        expected = getattr(losses, small.title)(**small.arguments)(y, p)
        for function in (
            mean_loss(operations, small.loss, small.arguments), torch_loss(small.loss, small.arguments),
        ):  # fmt: skip
            value = function(torch.from_numpy(y), torch.from_numpy(p)).item()
            assert value == pytest.approx(expected, rel=1e-4, abs=1e-6), small.name
