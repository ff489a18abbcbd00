"""Sweeps that compute less at a column: what is kept for later ones, what is written at one column only."""

import numpy as np
import pytest
from private_cache import private_cache
from sympy import Symbol, cos, exp, symbols

import lossgen as lg
from lossgen import losses
from lossgen.catalog import DECLARATIONS
from lossgen.compiler.driver import derive
from lossgen.compiler.economy import Output, Round, join_softplus, keep_exponential, take_hits_out
from lossgen.compiler.kernel_functions import excluded_exponential, guarded_product, shifted
from lossgen.compiler.ladder import KEPT, LABEL_HIT
from lossgen.compiler.lower import Slot
from lossgen.language.atoms import absolute, keep, power, relu, softplus
from lossgen.runtime.batch import Batch

BY_NAME = {declaration.name: declaration for declaration in DECLARATIONS}
maximum, rest, total, q = (Symbol(name, real=True) for name in ("row_maximum_1", "rest_1", "sum_1", "q"))
below = shifted(lg.y_pred, maximum)
SUMS = Round((Slot(rest, "sum", excluded_exponential(below)),), ())


def plans(name: str, **options):
    (term,) = derive(BY_NAME[name], options)
    return term.schedules["value_and_gradient"], term.in_lanes["value_and_gradient"]


# Exponentials -----------------------------------------------------------------------------------------------


def test_an_exponential_is_kept_where_the_gradient_goes():
    last = Round((), (Output("gradient", 2 * exp(below) - lg.y_true),))
    first, sums, gradient = keep_exponential([Round((Slot(maximum, "max", lg.y_pred),), ()), SUMS, last])
    assert first.keeps is None and not first.reads_kept
    assert sums.keeps == exp(below) and sums.array == "gradient"
    assert gradient.reads_kept and gradient.outputs[0].expression == 2 * KEPT - lg.y_true


def test_a_sweep_between_reads_it_from_there():
    between = Round((Slot(total, "sum", lg.y_true * exp(below)),), ())
    rounds = keep_exponential([SUMS, between, Round((), (Output("product", total * lg.y_true),))])
    assert [each.array for each in rounds] == ["product", "product", ""]
    assert rounds[1].slots[0].summand == lg.y_true * KEPT and rounds[1].reads_kept


@pytest.mark.parametrize(
    "rounds",
    [
        [SUMS, Round((Slot(total, "sum", exp(below)),), ())],  # nothing is written
        [SUMS, Round((), (Output("gradient", exp(lg.y_pred)),))],  # another exponential
        [Round(SUMS.slots, (Output("gradient", lg.y_pred),)), Round((Slot(total, "sum", exp(below)),), ())],
        [
            SUMS,
            Round((), (Output("gradient", lg.y_pred),)),  # the array is taken before the last reader comes
            Round((Slot(total, "sum", exp(below)),), ()),
        ],
    ],
)
def test_nothing_is_kept_without_a_place_or_a_reader(rounds):
    assert keep_exponential(rounds) == rounds


def test_softmax_has_one_exponential_a_column():
    for plan in plans("sparse_categorical_crossentropy", from_logits=True):
        _, sums, gradient = plan.passes
        assert sums.keeps is not None and sums.keeps.has(exp)
        assert gradient.reads_kept and not any(write.expression.has(exp) for write in gradient.writes)


# Hits -------------------------------------------------------------------------------------------------------


def test_a_hit_leaves_the_sweep():
    output = Output("gradient", KEPT * (1 - LABEL_HIT) - LABEL_HIT * q)
    ((taken,),) = [each.outputs for each in take_hits_out([Round((), (output,))], frozenset({LABEL_HIT}))]
    assert taken.expression == KEPT
    assert taken.at_hits == ((LABEL_HIT, -q),)


def test_parentheses_around_what_has_become_a_number_are_opened():
    output = Output("gradient", keep(1 - LABEL_HIT) * KEPT + guarded_product(LABEL_HIT, q))
    ((taken,),) = [each.outputs for each in take_hits_out([Round((), (output,))], frozenset({LABEL_HIT}))]
    assert taken.expression == KEPT and taken.at_hits == ((LABEL_HIT, q),)


def test_an_exponent_of_the_row_stays_in_the_sweep():
    rounds = [Round((), (Output("gradient", LABEL_HIT * power(lg.y_pred, q)),))]
    assert take_hits_out(rounds, frozenset({LABEL_HIT})) == rounds


def test_rows_write_hits_afterwards_and_lanes_do_not():
    rows, lanes = plans("sparse_categorical_crossentropy", from_logits=True)
    assert rows.passes[-1].stores and not lanes.passes[-1].stores
    assert LABEL_HIT not in rows.passes[-1].writes[0].expression.free_symbols
    assert LABEL_HIT in lanes.passes[-1].writes[0].expression.free_symbols


def test_the_column_of_a_maximum_may_be_that_of_the_label(tmp_path):
    """Two hits at once: the second store writes what the first has written."""
    p = lg.y_pred
    declared = lg.declare("two_hits", lg.Max(p) ** 2 * lg.Gather(p) + lg.Gather(p) ** 3 * lg.Max(-p))
    x = np.array([[1.0, 3.0, -2.0], [0.5, 0.25, -4.0], [-1.0, 2.0, 2.0]])
    labels = np.array([1, 2, 0])
    with private_cache(tmp_path):
        gradient = lg.compile(declared)(reduction="sum").gradient(labels, x)
    wanted = np.zeros_like(x)
    for row, (label, line) in enumerate(zip(labels, x, strict=True)):
        largest, picked, smallest = line.argmax(), line[label], line.argmin()
        wanted[row, largest] += 2 * line[largest] * picked
        wanted[row, label] += line[largest] ** 2 + 3 * picked**2 * -line[smallest]
        wanted[row, smallest] -= picked**3
    np.testing.assert_allclose(gradient, wanted, rtol=1e-13)


# Targets ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [bool, np.int8, np.uint8, np.int32, np.float32])
def test_targets_are_read_where_they_are(dtype):
    y, p = np.eye(30).astype(dtype), np.random.default_rng(0).random((30, 30), dtype=np.float32)
    for cls in (losses.Dice, losses.CategoricalCrossentropy, losses.BinaryCrossentropy):
        batch = Batch(cls()._plan, y, p)
        assert batch.y.dtype == dtype and np.shares_memory(batch.y, y)
        exact = cls().value_and_gradient(y.astype(np.float32), p)
        for one, two in zip(cls().value_and_gradient(y, p), exact, strict=True):
            np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int32, np.uint32, np.int64])
def test_labels_are_read_where_they_are(dtype):
    loss = losses.SparseCategoricalCrossentropy(from_logits=True)
    y, p = np.array([0, 2, 1]).astype(dtype), np.random.default_rng(0).random((3, 3), dtype=np.float32)
    batch = Batch(loss._plan, y, p)
    batch.read_labels(loss._plan, None)
    assert batch.y.dtype == dtype and np.shares_memory(batch.y, y)
    np.testing.assert_array_equal(loss.gradient(y, p), loss.gradient(y.astype(np.int64), p))


def test_softplus_of_both_signs_is_one_logarithm_where_the_factors_add_up_to_one():
    a, x, b = symbols("a x b", real=True)
    joined = join_softplus(keep(1 - a) * softplus(x) + a * softplus(-x) + b)
    assert joined == keep(1 - a) * relu(x) + a * relu(-x) + softplus(-absolute(x)) + b
    inside = cos(3 * (1 - a) * softplus(x) + a * softplus(-x))
    assert join_softplus(inside) == inside


@pytest.mark.parametrize("formula", [lg.Min(lg.y_pred), lg.Max(lg.y_pred)])
def test_a_gradient_that_is_the_hit_itself(formula):
    loss = lg.compile(lg.declare("extremum", formula))()
    gradient = loss.gradient(np.zeros((1, 3)), np.array([[1.0, 1.0, 1.0]]))
    np.testing.assert_array_equal(gradient, [[1, 0, 0]])
