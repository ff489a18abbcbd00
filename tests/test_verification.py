"""`lossgen verify` and `lg.verify`: planted errors are found, reports are complete, bad input is refused."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
from mpmath import mpf

import lossgen as lg
from lossgen import losses
from lossgen.catalog import DECLARATIONS
from lossgen.cli import main
from lossgen.cli.finding import find
from lossgen.errors import CompileError, ParameterError, UnknownLossError
from lossgen.inspection.verification.contract import SINGLE, Quantity, excess
from lossgen.inspection.verification.findings import Deviation
from lossgen.inspection.verification.judgement import Judge
from lossgen.inspection.verification.kinks import around, crossings, switches
from lossgen.inspection.verification.limits import LIMITS, limit_of
from lossgen.inspection.verification.report import Effort
from lossgen.inspection.verification.subjects import Subject, subjects
from lossgen.inspection.verification.verify import verified
from lossgen.language.penalty import PenaltyDeclaration

ROOT = Path(__file__).parents[1]
QUICK = Effort(points=4, quick=True, peers=False)
HUBER = next(each for each in DECLARATIONS if each.name == "huber")


def verdict(declaration, cls, options=None):
    """The defaults of one variant, computed by a class."""
    return verified((cls, (Subject(declaration, options or {}),)), QUICK)


def broken(variant) -> set[str]:
    """The outputs that miss the contract."""
    return {output for (output, _), tally in variant.own.items() if tally.broken}


# What is planted is found -----------------------------------------------------------------------------------


def test_a_sound_loss_keeps_the_contract():
    variant = verdict(HUBER, losses.Huber)
    assert variant.kept and not broken(variant)
    assert {output for output, _ in variant.own} == {
        "value", "gradient", "hessian", "product", "by y_true", "by delta",
    }  # fmt: skip


class WrongFormula(losses.Huber):
    """A tenth too much of the gradient for errors below 0.3."""

    def gradient(self, y_true, y_pred, *arguments, **keywords):
        gradient = super().gradient(y_true, y_pred, *arguments, **keywords)
        return np.where(np.abs(y_pred - y_true) < 0.3, gradient * gradient.dtype.type(1.1), gradient)


class LostDigits(losses.Huber):
    """A product of Hessian and vector that is right to 16 bits."""

    def hessian_vector_product(self, *arguments, **keywords):
        product = super().hessian_vector_product(*arguments, **keywords)
        return product * product.dtype.type(1 + 2**-16)


class NotFinite(losses.Huber):
    """A Hessian that overflows for large errors."""

    def gradient_and_hessian(self, y_true, y_pred, *arguments, **keywords):
        gradient, hessian = super().gradient_and_hessian(y_true, y_pred, *arguments, **keywords)
        return gradient, np.where(np.abs(y_pred - y_true) > 1e30, hessian.dtype.type(np.nan), hessian)


@pytest.mark.parametrize(
    ("cls", "output"), [(WrongFormula, "gradient"), (LostDigits, "product"), (NotFinite, "hessian")]
)
def test_planted_errors_are_found(cls, output):
    variant = verdict(HUBER, cls)
    assert broken(variant) == {output} and not variant.kept
    for dtype in ("float32", "float64"):
        tally = variant.own[output, dtype]
        assert tally.worst.size > 1
        assert (tally.not_finite > 0) == (cls is NotFinite)


def test_the_place_can_be_pasted():
    worst = verdict(HUBER, NotFinite).own["hessian", "float32"].worst
    code = worst.call.replace("Huber", "NotFinite", 1)
    _, hessian = eval(code, {"np": np, "NotFinite": NotFinite})
    assert np.isnan(hessian).any() and worst.exact == 0


def test_a_wrong_derivative_by_a_parameter_is_found():
    scaled = lg.declare("scaled", "mean(delta**2 * (p - y)**2)", delta=lg.Parameter(1.0, positive=True))
    right = lg.declare("scaled", "mean(delta**3 * (p - y)**2)", delta=lg.Parameter(1.0, positive=True))
    assert broken(verdict(scaled, lg.compile(right))) == {"by delta"}  # delta is 1: all else is the same


def test_limits_are_the_catalogues_own():
    """The name of a loss excuses nothing, and every limit names a loss that exists."""
    known = {each.name for each in DECLARATIONS} | {"entropy", "kl_sparsity", "l1", "l2", "l1_l2"}
    assert {name for limit in LIMITS for name in limit.names} <= known
    own = lg.declare("cauchy", "mean(log(1 + (p - y)**2))")
    worst = verdict(own, losses.MeanSquaredError).own["value", "float64"].worst
    assert worst.size > 1 and limit_of(worst) is None


def test_a_steep_slope_is_no_jump():
    """An error as large as between neighbouring floats is excused at a switch of the formula alone."""
    p = np.array([1000.3, 0.5, 0.25])
    steep = Judge(Subject(lg.declare("steep", "sum(sin(p) - y)")))
    kinked = Judge(Subject(lg.declare("kinked", "sum(where(p > 1000.25, 8*p - 7002, p) - y)")))
    for judge, place, jumps in ((steep, 1000.3, False), (kinked, 1000.25, True), (kinked, 1000.3, False)):
        p[0] = place
        y, other = np.zeros(3), np.array([np.nextafter(np.float32(place), np.float32(2000)), *p[1:]], float)
        row, beside = judge.row(y, p), judge.row(y, other)
        got, right = float(beside.gradient[0]), float(row.gradient[0])
        quantity = Quantity("gradient", 0)
        miss = Deviation(judge.subject, quantity, SINGLE, got, right, 4.0, 4.0, y, p)
        assert judge.is_beside_a_jump(miss) == jumps


def test_four_ulps_to_a_jump_only_where_sums_are_compared():
    plain = lg.declare("plain_step", "sum(where(p > 1, 3*p, p) - y)")
    of_sums = lg.declare("step_of_sums", "sum(where(p > sum(p)/3, 3*p, p) - y)")
    assert not any(Judge(Subject(plain)).branches.of_sums)
    assert all(Judge(Subject(of_sums)).branches.of_sums)


def test_what_is_out_of_range_keeps_its_sign():
    wanted, allowed = mpf(10) ** 39, mpf(10) ** 30
    for got in (math.inf, 3.4e38, 2e38):
        assert excess(got, wanted, allowed, SINGLE) == 0
        assert excess(-got, -wanted, allowed, SINGLE) == 0
    for got in (math.nan, -math.inf, 0.0, 1e38):
        assert excess(got, wanted, allowed, SINGLE) == math.inf


def test_derivatives_are_compared_one_by_one():
    """One parameter whose derivative does not exist does not hide the others'; it is counted."""
    own = lg.declare(
        "two_scales",
        "mean(a*(p - y)**2 + b**gamma)",
        a=lg.Parameter(1.0),
        b=lg.Parameter(0.0, minimum=0),
        gamma=lg.Parameter(0.5, minimum=0),
    )
    variant = verdict(own, lg.compile(own))
    assert variant.own["by a", "float64"].numbers > 0
    assert variant.own["by b", "float64"].unknown > 0 and variant.own["by a", "float64"].unknown == 0


# Inputs -----------------------------------------------------------------------------------------------------


def test_kinks_come_from_the_formula():
    y, p = 1.0, lg.y_pred
    formula = lg.Mean(lg.clip(p, 0.125, 3) + lg.where(p**2 < 5, 1, 2) + abs(lg.y_true - p))
    found = []
    for expression in switches(formula):
        value = lambda x, e=expression: np.sign(float(e.subs({lg.y_true: y, p: x})))  # noqa: E731
        found += crossings(value, [-10.0, -1.5, -0.5, 0.25, 0.75, 2.0, 10.0], np.float32)
    for kink in (0.125, 3.0, math.sqrt(5), -math.sqrt(5), 1.0):
        assert min(abs(x - kink) for x in found) <= 2e-7 * abs(kink)


def test_neighbours_of_a_float():
    tiny = float(np.finfo(np.float32).smallest_subnormal)
    assert around(0.0, np.float32) == [-2 * tiny, -tiny, 0.0, tiny, 2 * tiny]
    assert around(1.0, np.float64)[3] == 1 + 2**-52


def test_parameters_are_tried_at_other_values():
    own = next(each for each in DECLARATIONS if each.name == "adaptive_robust")
    values = {subject.values["alpha"] for subject in subjects(own, {})}
    assert {0.0, 2.0, -1e8} <= values
    for declaration in DECLARATIONS:
        for options in declaration.variants():
            for subject in subjects(declaration, options):
                for name, parameter in declaration.parameters.items():
                    assert parameter.check(name, subject.values[name]) == subject.values[name]


# Reports ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def report():
    return lg.verify(HUBER, losses.CategoricalHinge, points=4, quick=True, peers=False)


def test_report_as_json(report):
    data = json.loads(report.to_json(), parse_constant=pytest.fail)
    assert data["schema"] == 1 and data["kept"] is True and data["seed"] == 0
    huber, hinge = data["losses"]
    assert (huber["class"], huber["settings"][0]) == ("Huber", {"delta": 1.0})
    assert hinge["kept"] and hinge["points"] > 30 and hinge["unknown"] == 0
    keys = {(each["output"], each["dtype"]) for each in huber["outputs"]}
    assert ("by delta", "float64") in keys and len(keys) == 12
    for each in (*huber["outputs"], *hinge["outputs"]):
        assert each["numbers"] > 0 and each["broken"] == 0 == each["not_finite"]
        assert each["worst"]["times_allowed"] <= 1
        assert {"got", "exact", "ulp", "y_true", "y_pred", "arguments", "call", "column"} <= set(
            each["worst"]
        )


def test_report_as_text_and_page(report):
    text, page = str(report), report.markdown()
    assert "Huber()" in text and "keeps the contract" in text and "× allowed" in text
    assert "| `Huber()` | value | " in page and "Every variant keeps the contract." in page


def test_equal_seeds_give_equal_reports(report):
    again = lg.verify(HUBER, losses.CategoricalHinge, points=4, quick=True, peers=False)
    assert again.to_json() == report.to_json()


def test_classes_and_instances_are_verified():
    own = lg.declare("own_square", "mean((p - y)**2)")
    effort = {"points": 2, "quick": True, "peers": False, "dtypes": "float32"}
    assert lg.verify(lg.compile(own), **effort).kept
    (variant,) = lg.verify(losses.Huber(delta=0.25), **effort).variants
    assert variant.settings == ({"delta": 0.25},)
    assert {dtype for _, dtype in variant.own} == {"float32"}


def test_several_scopes():
    both = lg.declare("both_scopes", "mean((p - y)**2)") + lg.declare("whole", "sum(p*y)**2", scope=None)
    assert lg.verify(both, points=2, quick=True).kept
    apart = lg.declare("first", "mean((p - y)**2)", scope=(0, 1)) + lg.declare(
        "second", "sum(p*y)**2", scope=(2, 3)
    )
    with pytest.raises(CompileError, match="reduce different axes"):
        lg.verify(apart, points=2, quick=True)


EXACT = ("huber", "mean_absolute_error", "hinge", "quantile", "l1")
"""Losses of sums and products only, whose errors are the same on every processor."""


@pytest.mark.parametrize("name", EXACT)
def test_the_page_in_the_docs_is_what_verification_finds(name):
    page = (ROOT / "docs" / "verification.md").read_text(encoding="utf-8").splitlines()
    report = lg.verify(find(name), quick=True, peers=False)
    (variant,) = report.variants
    start = page.index(next(line for line in page if line.startswith(f"| `{variant.title}` |")))
    fresh = report.markdown().splitlines()
    rows = [line for line in fresh if line.startswith(("| `", "|  |"))]
    for place, line in enumerate(rows[: len({output for output, _ in variant.own})]):
        assert page[start + place].startswith(line.removesuffix("|").rstrip())


# The command ------------------------------------------------------------------------------------------------

MY_LOSSES = """
import lossgen as lg

good = lg.declare("GoodSquare", "mean((p - y)**2)")
other = lg.declare("GoodDistance", "mean(abs(p - y))")
"""


@pytest.fixture
def my_losses(tmp_path):
    path = tmp_path / "my_losses.py"
    path.write_text(MY_LOSSES, encoding="utf-8")
    return path


def test_exit_codes(my_losses, monkeypatch, capsys):
    words = ["--quick", "--points", "2", "--no-peers"]
    assert main(["verify", f"{my_losses}:GoodSquare", *words]) == 0
    assert "the contract is kept" in capsys.readouterr().out
    monkeypatch.setattr("lossgen.inspection.verification.verify.loss_class", lambda declaration: WrongFormula)
    assert main(["verify", "huber", *words]) == 1
    printed = capsys.readouterr()
    assert "breaks the contract" in printed.out and "✗ gradient, float32" in printed.out
    assert printed.err == ""


def test_json_on_standard_output(my_losses, capsys, tmp_path):
    page = tmp_path / "page.md"
    words = ["--quick", "--points", "2", "--dtype", "float64", "--json", "-", "--markdown", str(page)]
    assert main(["verify", f"{my_losses}:GoodSquare", *words]) == 0
    data = json.loads(capsys.readouterr().out)
    assert data["losses"][0]["absent_peers"] == {"Keras": "has none", "torch": "has none"}
    assert data["dtypes"] == ["float64"] and "`GoodSquare()`" in page.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["hubber"], "there is no loss `hubber`; did you mean `huber`?"),
        (["nope.py"], "there is no file nope.py"),
        (["huber", "--points", "0"], "`points` must be a whole number from 1"),
        (["huber", "--seed", "-1"], "`seed` must be a whole number ≥ 0"),
        (["huber", "--json", "-", "--markdown", "-"], "only one of --json and --markdown"),
        (["huber", "--json", "no_such_folder/report.json"], "cannot be written"),
    ],
)
def test_bad_input(words, message, capsys):
    assert main(["verify", *words]) == 2
    error = capsys.readouterr().err
    assert message in error and len(error.strip().splitlines()) == 1


def test_bad_arguments():
    with pytest.raises(ParameterError, match="`dtypes` must be some of float32, float64"):
        lg.verify(HUBER, dtypes=["float16"])
    with pytest.raises(UnknownLossError, match="Received: 'huber'"):
        lg.verify("huber")
    with pytest.raises(UnknownLossError, match="not at hand"):
        lg.verify(WrongFormula)


def test_penalties_are_verified():
    @lg.penalty
    def cubes(x, *, weight=lg.Parameter(0.5, minimum=0)):
        return weight * lg.Sum(abs(x) ** 3)

    assert isinstance(cubes, PenaltyDeclaration)
    (variant,) = lg.verify(cubes, points=2, quick=True, dtypes="float64").variants
    assert {output for output, _ in variant.own} == {"value", "gradient", "product", "by weight"}
    assert not variant.untried


def test_what_is_not_tried_is_said():
    report = lg.verify(find("total_variation"), points=1, quick=True, dtypes="float64", peers=False)
    said = "the differences before the formula are not tried"
    assert said in str(report) and said in report.markdown() and said in report.to_json()
