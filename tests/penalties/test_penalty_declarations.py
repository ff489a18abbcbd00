"""`@lg.penalty`: what it accepts, what it refuses and what to write instead, what a reader sees."""

import re
import subprocess
import sys

import numpy as np
import pytest
import sympy as sp

import lossgen as lg
from lossgen.catalog import PENALTIES
from lossgen.catalog.penalties import l1, l2, total_variation
from lossgen.compiler.module import modules
from lossgen.errors import DeclarationError

SHARES = np.array([[0.25, 0.75], [0.5, 0.5], [1.0, 0.0]])


def refused(make, *messages: str) -> None:
    with pytest.raises(DeclarationError) as error:
        make()
    assert all(message in str(error.value) for message in messages), str(error.value)


def test_a_penalty_of_rows():
    @lg.penalty(scope=-1, reduction="mean", axis_argument=True)
    def spread(x, *, weight=1.0, squared=False):
        """The largest minus the smallest."""
        found = lg.Max(x) - lg.Min(x)
        return weight * (found**2 if squared else found)

    made = lg.compile(spread)
    assert made().get_config(portable=False) == {
        "name": "spread", "reduction": "mean", "dtype": None, "weight": 1.0, "squared": False, "axis": -1,
    }  # fmt: skip
    assert made()(SHARES) == 0.5 and made(squared=True, reduction="sum")(SHARES) == 1.25
    np.testing.assert_array_equal(made(reduction="none")(SHARES), [0.5, 0, 1])
    assert made(axis=(0, 1))(SHARES) == 1
    np.testing.assert_array_equal(made(reduction="sum").gradient(SHARES)[0], [-1, 1])


def test_a_reader_sees_x():
    for declaration in PENALTIES:
        shown = str(declaration.explain())
        assert "x" in declaration.formula() and not re.search(r"\bp\b", declaration.gradient_formula())
        assert r"\partial x" in declaration.latex("gradient")
        assert "    p " not in shown and "target" not in shown
        text = next(iter(modules(declaration).values())).partition('"""\n\n')[0]
        assert "target" not in text and "prediction" not in text
    assert l1.formula() == "l1·Σ |x|" and repr(l1) == "<penalty L1(l1=0.01): l1*Sum(Abs(x))>"
    assert "differences at a column" in str(total_variation.explain())
    assert l1.latex() == r"L = \mathrm{l1}\, \sum \left|{x}\right|"


def test_what_is_refused():
    refused(lambda: lg.penalty(scope=None, name="f")(lambda x: x), "has one value a column", "lg.Mean(x)")
    refused(lambda: lg.penalty(lambda x: lg.Sum(x)), "a lambda has no name; write lg.penalty(name=…)")
    refused(lambda: lg.penalty(name="f")(lambda y, p: lg.Sum(y)), "a function of its input alone")
    refused(lambda: lg.penalty(name="f")(lambda: 1), "a penalty is a function of its input", "def f(x, …)")
    refused(lambda: lg.penalty(name="f")(lambda x: lg.Sum(lg.y_true * x)), "unknown symbol `y`")
    refused(lambda: lg.penalty(name="f")(lambda x: lg.Gather(x)), "asks for a label")
    refused(lambda: lg.penalty(name="f")(lambda x: lg.column_count), "does not depend on x")
    refused(lambda: lg.penalty(name="f")(lambda w, *, x=1.0: x * lg.Sum(w)), "`x` is the input")
    refused(lambda: lg.penalty(name="f")(lambda x, *, axes=1.0: axes * lg.Sum(x)), "`axes`", "every loss")
    refused(lambda: lg.penalty(name="f", domain="signed")(lambda x: lg.Sum(x)), "domain of the prediction")
    refused(lambda: lg.penalty(name="f", link="logit")(lambda x: lg.Sum(x)), "lg.penalty knows no `link`")
    refused(lambda: lg.penalty(name="f", preparation="sort")(lambda x: lg.Sum(x)), "'differences'")
    refused(
        lambda: lg.penalty(name="f", preparation="differences", scope=-1)(lambda x: lg.Sum(x)), "no axes left"
    )
    with pytest.raises(ValueError, match="Invalid value for argument `reduction`"):
        lg.penalty(name="f", reduction="median")(lambda x: lg.Sum(x))


def test_penalties_are_added_and_scaled():
    both = 0.5 * l1 + l2
    penalty, x = lg.compile(both)(l1=1.0, l2=2.0), np.array([1.0, -3.0])
    assert penalty(x) == pytest.approx(0.5 * 4 + 2 * 10)
    np.testing.assert_allclose(penalty.gradient(x), [0.5 + 4, -0.5 - 12])
    huber = lg.declare("half_square", lg.Mean((lg.y_pred - lg.y_true) ** 2 / 2))
    refused(lambda: huber + l1, "add their values instead")
    refused(lambda: l1 + total_variation, "the preparation of one is None")


def test_a_penalty_called_with_a_formula_is_a_formula():
    @lg.loss
    def robust(y_true, y_pred, *, l1=0.5):
        return lg.Mean((y_pred - y_true) ** 2) + l1_of(y_pred, l1=l1)

    refused(lambda: l1(lg.y_true, lg.y_pred), "l1 reads x; received 2 inputs")
    assert lg.compile(robust)()(np.zeros((1, 2)), np.ones((1, 2))) == 1 + 0.5 * 2
    assert l1(sp.exp(lg.y_pred), l1=1) == lg.Sum(sp.exp(lg.y_pred))


def l1_of(formula, **arguments):
    return l1(formula, **arguments)


def test_importing_the_penalties_is_light():
    code = (
        "import lossgen.penalties, sys; lossgen.penalties.L1()([1.0]); "
        "print(sorted({'sympy', 'jinja2', 'keras', 'torch', 'dask'} & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


def test_the_command_line(capsys):
    from lossgen.cli import main

    assert main(["list", "--group", "penalties", "--names"]) == 0
    assert capsys.readouterr().out.split() == [each.name for each in PENALTIES]
    assert main(["show", "entropy", "from_logits=true"]) == 0
    assert "Entropy(weight=0.01, from_logits=True)" in capsys.readouterr().out
    assert main(["build", "l1", "kl_sparsity", "--check"]) == 0
