"""Pictures: which curves they hold, how they are told apart, files, errors; level sets on the simplex."""

import re
import sys

import numpy as np
import pytest
import sympy as sp
from requiring import require

import lossgen as lg
from lossgen import losses, penalties
from lossgen.catalog import DECLARATIONS, PENALTIES
from lossgen.errors import FileError, MissingLibraryError, NoViewError, ParameterError
from lossgen.inspection.curves.level_sets import descents, grid, place, values
from lossgen.inspection.curves.picture import picture_of, shown_limits
from lossgen.inspection.curves.sampling import Curve
from lossgen.inspection.curves.simplex import panels_of
from lossgen.inspection.curves.subjects import subjects_of

require("matplotlib", "plots")
NAMED = {each.name: each for each in (*DECLARATIONS, *PENALTIES)}
HUBER, BCE = NAMED["huber"], NAMED["binary_crossentropy"]


def lines(panel) -> dict:
    """The curves of a panel by their labels; a single one has none."""
    return {line.get_label(): line for line in panel.lines if len(line.get_xdata()) > 100}


def test_a_family_has_a_curve_for_each_value_told_apart_by_colour_and_line():
    figure = HUBER.plot(delta=[0.5, 1.0, 2.0])
    assert [panel.get_title() for panel in figure.axes] == ["loss", "gradient", "Hessian"]
    for panel in figure.axes:
        found = lines(panel)
        assert list(found) == ["δ = 0.5", "δ = 1", "δ = 2"]
        assert len({line.get_color() for line in found.values()}) == 3
        assert len({line.get_linestyle() + str(line._dash_pattern) for line in found.values()}) == 3
        assert panel.get_xlim() == (-4, 4) and panel.get_xlabel() == "residual p − y"
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["δ = 0.5", "δ = 1", "δ = 2", "kink"]
    line = lines(figure.axes[1])["δ = 2"]
    x, gradient = line.get_data()
    np.testing.assert_allclose(gradient, np.clip(x, -2, 2))


def test_a_jump_is_a_gap_with_a_full_circle_at_what_the_loss_takes():
    (panel,) = NAMED["quantile"].plot(quantile=0.75).axes[1:2]
    ((_, line),) = lines(panel).items()
    assert np.isnan(line.get_ydata()).sum() == 1
    circles = [each for each in panel.lines if each.get_marker() == "o"]
    full = [each for each in circles if each.get_markerfacecolor() == each.get_markeredgecolor()]
    assert [each.get_ydata()[0] for each in full] == [-0.75]
    assert sorted(each.get_ydata()[0] for each in circles) == [-0.75, -0.75, 0.25]


def test_losses_are_compared_on_the_axis_that_they_share():
    figure = lg.plot(losses.Hinge, losses.BinaryCrossentropy(from_logits=True))
    assert list(lines(figure.axes[0])) == ["Hinge", "BinaryCrossentropy(from_logits=True)"]
    assert figure.axes[0].get_xlabel() == "margin"
    figure = losses.Huber(delta=2.0).plot(against=[NAMED["mean_squared_error"], losses.LogCosh])
    assert list(lines(figure.axes[0])) == ["Huber(delta=2)", "MeanSquaredError", "LogCosh"]
    with pytest.raises(NoViewError, match=r"drawn over different things .* such as from_logits"):
        HUBER.plot(against=BCE)
    with pytest.raises(NoViewError, match="drawn over different things for these values of from_logits"):
        BCE.plot(from_logits=[False, True])


def test_messages_name_the_argument():
    with pytest.raises(ParameterError, match=r"`path` must be a file name.*path=3"):
        HUBER.plot(3)
    with pytest.raises(ParameterError, match=r"`against` is a declaration.*'foo'"):
        HUBER.plot(against=["foo"])


def test_instances_and_classes_are_plotted_like_their_declaration():
    x, shown = lines(losses.Huber(delta=3.0).plot().axes[0]).popitem()[1].get_data()
    again = lines(losses.Huber.plot(delta=3.0).axes[0]).popitem()[1].get_ydata()
    np.testing.assert_array_equal(shown, again)
    assert shown[0] == 3 * (abs(x[0]) - 1.5)
    assert penalties.L1(0.5).plot().axes[0].get_xlabel() == "input x"
    own = lg.compile(lg.declare("own", lg.Mean(sp.Abs(lg.y_pred - lg.y_true) ** 3)))
    assert own().plot(interval=(-2, 2)).axes[0].get_xlim() == (-2, 2)


def test_each_target_has_a_line_style_where_members_have_the_colours():
    found = lines(NAMED["categorical_generalized_cross_entropy"].plot(q=[0.25, 0.5]).axes[0])
    assert list(found) == [f"q = {q}, label {label}" for q in (0.25, 0.5) for label in (0, 1)]
    colours = [line.get_color() for line in found.values()]
    styles = [str(line._dash_pattern) for line in found.values()]
    assert colours[0] == colours[1] != colours[2] and styles[0] == styles[2] != styles[1]


def test_many_curves_have_their_legend_at_the_right():
    figure = NAMED["pseudo_huber"].plot(delta=[0.2 * number for number in range(1, 28)])
    (legend,) = figure.legends
    assert len(legend.get_texts()) == 27 and legend._outside_loc == "right"
    with pytest.raises(ParameterError, match="41 curves are too many for one picture; at most 40"):
        HUBER.plot(delta=[0.2 * number for number in range(1, 42)])


def test_a_rise_at_an_end_of_the_axis_is_cut_and_a_peak_inside_is_whole():
    x = np.linspace(0.001, 0.999, 801)
    low, high = shown_limits([Curve("", x, 1 / x, x, x)], "value")
    assert 0 < high < 60 and low < 1
    peak = 1000 * np.exp(-((1000 * (x - 0.5)) ** 2))
    assert shown_limits([Curve("", x, peak, x, x)], "value")[1] > 1000
    assert shown_limits([Curve("", x, 0 * x, x, x)], "value") == (-0.5, 0.5)
    assert shown_limits([Curve("", x, np.full(801, np.nan), x, x)], "value") == (-1, 1)


@pytest.mark.parametrize(("ending", "begin"), [("png", b"\x89PNG"), ("svg", b"<?xml"), ("pdf", b"%PDF")])
def test_files_are_the_same_every_time(ending, begin, tmp_path):
    first, second = (tmp_path / f"{name}.{ending}" for name in "ab")
    for path in (first, second):
        NAMED["mean_squared_error"].plot(path)
    assert first.read_bytes() == second.read_bytes() and first.read_bytes().startswith(begin)


def test_a_notebook_shows_the_figure():
    assert NAMED["mean_squared_error"].plot()._repr_png_().startswith(b"\x89PNG")


REFUSED = [
    (lambda: HUBER.plot(delta=-1.0), "`delta` must be a finite number > 0. Received: delta=-1.0"),
    (lambda: HUBER.plot(delta=[1.0, 0.0]), "`delta` must be a finite number > 0. Received: delta=0.0"),
    (lambda: HUBER.plot(delta=[]), "`delta` has no value"),
    (lambda: HUBER.plot(delt=1.0), "Huber has no parameter or option `delt`; did you mean `delta`?"),
    (lambda: HUBER.plot(reduction="sum"), "Huber has no parameter or option `reduction`; what may be set"),
    (lambda: lg.plot(losses.LogCosh, x=1), "LogCosh has no parameter or option `x`; nothing can be set"),
    (lambda: HUBER.plot(interval=(2, 1)), "from a smaller number to a larger one. Received: 2 to 1"),
    (lambda: HUBER.plot(interval=(2, 2)), "from a smaller number to a larger one. Received: 2 to 2"),
    (lambda: HUBER.plot(interval=(0, float("inf"))), "`interval` must be two numbers"),
    (lambda: HUBER.plot(interval=3), "`interval` must be two numbers"),
    (lambda: BCE.plot(interval=(0.5, 2)), "domain of the prediction of BinaryCrossentropy, from 0 to 1"),
    (lambda: NAMED["poisson"].plot(interval=(-1, 2)), "from 0 on. Received: -1 to 2"),
    (lambda: NAMED["hinge"].plot(targets=[0.5]), "a target of Hinge must be −1 or 1. Received: 0.5"),
    (lambda: BCE.plot(targets=1.5), "a target of BinaryCrossentropy must be from 0 to 1. Received: 1.5"),
    (lambda: BCE.plot(from_logits=True, view="margin", targets=0.3), "must be 0 or 1. Received: 0.3"),
    (lambda: HUBER.plot(interval=(0, 1e200)), "no wider than 1e+100 and no finer than 1e-06 of its ends"),
    (lambda: HUBER.plot(interval=(1, 1 + 1e-12)), "no finer than 1e-06 of its ends. Received: 1.0 to 1.00"),
    (lambda: NAMED["gamma"].plot(targets=0), "a target of Gamma must be > 0. Received: 0"),
    (lambda: NAMED["poisson"].plot(targets=["a"]), "a target of Poisson must be at least 0. Received: 'a'"),
    (lambda: HUBER.plot(targets=float("nan")), "a target of Huber must be a finite number"),
    (lambda: HUBER.plot(targets=[]), "`targets` is empty"),
    (lambda: NAMED["multi_margin"].plot(targets=3), "must be a label from 0 to 2. Received: 3"),
    (lambda: NAMED["l1"].plot(targets=1.0), "L1 is a penalty and has no target"),
    (lambda: lg.plot(), "nothing to plot; write the loss"),
    (lambda: lg.plot("huber"), "what is plotted is a declaration, a class .* Received: 'huber'"),
    (lambda: HUBER.plot(simplex=True), "Huber is no loss of class probabilities"),
    (lambda: NAMED["dice"].plot(simplex=True), "Dice is no loss of class probabilities"),
    (lambda: NAMED["entropy"].plot(simplex=True, targets=1), "Entropy is a penalty and has no target"),
    (lambda: NAMED["kl_sparsity"].plot(simplex=True), "KLSparsity is no loss of class probabilities"),
    (lambda: BCE.plot(simplex=True, from_logits=True), "BinaryCrossentropy is no loss of class"),
    (lambda: NAMED["categorical_focal_crossentropy"].plot(simplex=True, alpha=(0.5,) * 5), "for 5 classes"),
    (lambda: NAMED["brier"].plot(simplex="yes"), "`simplex` must be True or 'arrows'"),
    (lambda: NAMED["brier"].plot(simplex=True, view="margin"), "take no `view` and no `interval`"),
    (lambda: NAMED["brier"].plot(simplex=True, targets=[(0.5, 0.4, 0.3)]), "three probabilities that add up"),
    (lambda: NAMED["multi_margin"].plot("a.png", simplex=True), "MultiMargin is no loss of class"),
]


@pytest.mark.parametrize(("call", "message"), REFUSED, ids=[message[:40] for _, message in REFUSED])
def test_refusals_say_what_to_do_in_a_line(call, message):
    with pytest.raises((ParameterError, NoViewError)) as refused:
        call()
    text = str(refused.value)
    assert "\n" not in text
    assert message in text or re.search(message, text), text


def test_files_that_cannot_be_written(tmp_path):
    with pytest.raises(FileError, match=r"as \.png, \.svg, \.pdf\. Received: .*huber\.gif"):
        HUBER.plot(tmp_path / "huber.gif")
    with pytest.raises(FileError, match="there is no folder"):
        HUBER.plot(tmp_path / "nowhere" / "huber.png")
    (tmp_path / "huber.png").mkdir()
    with pytest.raises(FileError, match="cannot be written: Is a directory"):
        HUBER.plot(tmp_path / "huber.png")


def test_without_matplotlib_the_command_is_said(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(MissingLibraryError, match=r"plots need matplotlib: pip install 'lossgen\[plot\]'"):
        HUBER.plot()


def test_a_loss_by_hand_says_that_it_has_no_declaration():
    class ByHand(losses.Loss):
        def call(self, y_true, y_pred):
            return abs(y_true - y_pred).mean(axis=-1)

    with pytest.raises(lg.NoGradientError, match="written as code"):
        ByHand().plot()
    with pytest.raises(ParameterError, match="what is plotted is a declaration"):
        ByHand.plot()


# The simplex --------------------------------------------------------------------------------------


def panel(name, target, **arguments):
    (subject,) = subjects_of([NAMED[name]], arguments)
    (_, chosen), *_ = subject.members()
    (found,) = panels_of(subject, "", chosen, None if target is None else [target])
    return found


def test_level_sets_are_those_of_the_loss():
    shares = grid(6)
    np.testing.assert_allclose(shares.sum(axis=1), 1)
    assert len(shares) == 28 and shares.min() == pytest.approx(1e-4)
    np.testing.assert_allclose(place(np.eye(3))[:, 1], [np.sqrt(0.75), 0, 0])
    target = (0.6, 0.3, 0.1)
    entropy = -np.log(shares) @ target
    for logits in (False, True):
        shown = panel("categorical_crossentropy", target, from_logits=logits)
        assert shown.is_logit is logits
        np.testing.assert_allclose(values(shown, shares), entropy, rtol=1e-12)
    penalty = panel("entropy", None, weight=1.0, from_logits=True)
    np.testing.assert_allclose(values(penalty, shares), -np.sum(shares * np.log(shares), axis=1), rtol=1e-12)
    sparse = panel("sparse_categorical_crossentropy", 2)
    np.testing.assert_allclose(values(sparse, shares), -np.log(shares[:, 2]), rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("logits", [False, True])
def test_arrows_lead_downhill_and_stay_on_the_simplex(logits):
    shown = panel("brier", (0.5, 0.3, 0.2), from_logits=logits)
    shares = 0.1 + 0.7 * grid(5)
    steps = descents(shown, shares)
    np.testing.assert_allclose(steps.sum(axis=1), 0, atol=1e-12)
    moved = np.linalg.norm(steps, axis=1) > 1e-9
    assert np.all((values(shown, shares + 1e-3 * steps) < values(shown, shares))[moved]) and moved.sum() > 15


def test_triangles_for_targets_families_and_penalties(tmp_path):
    figure = NAMED["categorical_generalized_cross_entropy"].plot(
        tmp_path / "simplex.png", q=[0.25, 0.75], simplex=True
    )
    titles = [axes.get_title() for axes in figure.axes if axes.get_title()]
    assert titles == ["q = 0.25\nlabel 0", "q = 0.75\nlabel 0"]
    words = [text.get_text() for text in figure.axes[0].texts]
    assert words == ["class 0", "class 1", "class 2", "p"]
    assert (tmp_path / "simplex.png").stat().st_size > 10_000
    triangle = NAMED["entropy"].plot(simplex="arrows").axes[0]
    (crosses,) = (line for line in triangle.lines if line.get_label() == "least loss")
    assert triangle.get_title() == "" and len(crosses.get_xdata()) == 3, "each corner is as low"


def test_the_picture_of_a_family_has_the_widest_interval():
    (subject,) = subjects_of([HUBER], {"delta": [1.0, 10.0]})
    picture = picture_of([subject])
    assert picture.interval == (-15, 15) and picture.members == 2 and not picture.is_ordered
    assert [each.curve.x[0] for each in picture.series] == [-15, -15]


def test_members_of_a_family_may_differ_in_their_columns():
    weighted = lg.declare("weighted", "mean(w * (p - y)**2)", w=lg.Parameter((1.0, 2.0), per_class=True))
    (subject,) = subjects_of([weighted], {"w": [(1.0, 2.0), (3.0, 2.0, 1.0), 5.0]})
    picture = picture_of([subject], interval=(0, 2))
    assert [each.curve.label for each in picture.series] == ["w = (1, 2)", "w = (3, 2, 1)", "w = 5"]
    ends = [each.curve.value[-1] for each in picture.series]
    assert ends == pytest.approx([(4 + 2 * 0.25) / 2, (12 + 3 * 0.25) / 3, 20])
