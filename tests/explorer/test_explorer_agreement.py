"""The page's curves are those of the CPU kernels: every loss and variant, in the browser, also saturated."""

import json
import math

import mpmath
import numpy as np
import pytest
import sympy as sp
from cases import SETTINGS

import lossgen as lg
from lossgen.catalog import DECLARATIONS
from lossgen.inspection.curves.sampling import Sampled, interior, loss_of
from lossgen.inspection.curves.views import view_of
from lossgen.inspection.explorer.content import slider
from lossgen.inspection.explorer.page import explore
from lossgen.language.atoms import ATOMS

pytestmark = pytest.mark.xdist_group("explorer")

TOLERANCE = 1e-6
"""Of |page − kernel| / max(1, |kernel|), in float64, for value, gradient and Hessian at every place."""

FAR = (20.0, 40.0, 100.0, 750.0, 1e4)
"""Logits, residuals and margins far beyond what a view shows, on both sides."""

ENDS = (0.0, 1e-9, 1e-7, 1e-4)
"""Distances from the ends of a bounded domain."""

UNSETTLED = {"categorical_focal_crossentropy": lambda own: 0 < own.get("gamma", 2.0) < 1}
"""Parameters for which the kernel's own Hessian is, far out, what rounding left of terms that cancel: there
(1 − softmax)^(gamma − 2) is as large as e^(1.5·|p|). Known, see `known_limits.json`."""

CURVES = "([choice, places]) => curvesOf(choice, places)"


@lg.loss
def spread_of_logits(y_true, y_pred, *, sharpness=lg.Parameter(2.0, positive=True)):
    """Rungs inside rungs: maximum, minimum, log-sum-exp, a sum of what depends on them."""
    width = lg.Max(y_pred) - lg.Min(y_pred)
    share = lg.LogSumExp(sharpness * y_pred) / sharpness - lg.Max(y_true * y_pred)
    return share**2 + lg.Sum(sp.exp(-((y_pred - width) ** 2)) * y_true) + sp.sqrt(1 + width**2)


@lg.loss(domain={"prediction": "real", "target": "labels"})
def weighted_label(
    y_true, y_pred, *, rarity=lg.Parameter((0.5, 1.0, 2.0), per_class=True, positive=True), squared=False
):
    """Labels, one weight a class, an option."""
    far = lg.Gather(rarity) * (1 - lg.Gather(lg.Softmax(y_pred)))
    return far**2 if squared else far


CATALOGUE = {each.name: each for each in DECLARATIONS}
two_scopes = (0.5 * CATALOGUE["binary_crossentropy"] + 0.5 * CATALOGUE["dice"]).renamed("bce_and_dice")
OWN = (spread_of_logits, weighted_label, two_scopes)


def settings(declaration) -> list[dict]:
    """Values of the parameters: the defaults, those of other tests, and each slider's ends."""
    found = [{}, *SETTINGS.get(declaration.name, ())]
    for name, parameter in declaration.parameters.items():
        found += [{name: slider(parameter)[end]} for end in ("low", "high")]
    return found


def places(view, is_settled: bool) -> list[float]:
    """What the view shows, and saturated places beyond it."""
    low, high = view.limits
    inside = np.linspace(*interior(view), 25).tolist()
    beyond = [sign * far for far in FAR if is_settled for sign in (-1, 1)]
    ends = [end + sign * step for end, sign in ((low, 1), (high, -1)) if math.isfinite(end) for step in ENDS]
    return [x for x in (*inside, *beyond, *ends) if low <= x <= high]


def differences(page, number: int, declaration, options: dict) -> list[str]:
    """Where the page and the kernels differ, for one variant."""
    view, found = view_of(declaration, options), []
    defaults = {name: each.default for name, each in declaration.parameters.items()}
    chosen = {name: choice_number(option, options[name]) for name, option in declaration.options.items()}
    for arguments in settings(declaration):
        loss = loss_of(declaration, {**options, **arguments})
        is_settled = not UNSETTLED.get(declaration.name, lambda own: False)(arguments)
        x = places(view, is_settled)
        for place, target in enumerate(view.targets):
            choice = {"loss": number, "options": chosen, "own": {**defaults, **arguments}, "view": 0,
                      "target": place}
            shown = page.evaluate(CURVES, [choice, x])
            with np.errstate(all="ignore"):
                computed = Sampled(loss, view, target)(np.array(x))
            for panel, kernel in zip(("value", "gradient", "hessian"), computed, strict=True):
                where = f"{panel}, {options} {arguments} y={target:g}"
                found += [
                    f"{where} at {x[i]:g}: {shown[panel][i]} ≠ {kernel[i]}"
                    for i in wrong(np.array(shown[panel], dtype=float), kernel)
                ]
    return found


def choice_number(option, value) -> int:
    """The number of an option's value on the page, where the default comes first."""
    others = [each for each in option.choices if each is not option.default and each != option.default]
    return 0 if value == option.default else 1 + others.index(value)


def wrong(shown: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """The places where two curves differ by more than the tolerance; NaN equals NaN, ∞ equals ∞."""
    with np.errstate(all="ignore"):
        near = np.abs(shown - kernel) <= TOLERANCE * np.maximum(1, np.abs(kernel))
    return np.flatnonzero(~(near | (shown == kernel) | (np.isnan(shown) & np.isnan(kernel))))


@pytest.fixture(scope="module")
def page(browser, catalogue_page):
    page = browser.new_page()
    page.goto(catalogue_page.as_uri())
    yield page
    page.close()


@pytest.mark.parametrize("number", range(len(DECLARATIONS)), ids=lambda number: DECLARATIONS[number].name)
def test_catalogue(page, number):
    declaration = DECLARATIONS[number]
    for options in declaration.variants():
        assert differences(page, number, declaration, options) == []


def test_losses_of_ones_own(browser, tmp_path):
    page = browser.new_page()
    page.goto(explore(*OWN, path=tmp_path / "own.html").as_uri())
    for number, declaration in enumerate(OWN):
        for options in declaration.variants():
            assert differences(page, number, declaration, options) == []
    page.close()


def test_another_formula_is_noticed(page):
    """The comparison can fail: Huber's curves are not those of pseudo-Huber."""
    first, second = (DECLARATIONS.index(CATALOGUE[name]) for name in ("huber", "pseudo_huber"))
    assert differences(page, first, DECLARATIONS[second], {}) != []


@pytest.mark.parametrize("name", sorted(ATOMS))
def test_atoms(page, name):
    """Every atom over its sample, next to mpmath."""
    if name in ("keep", "log_softmax", "softmax", "softmax_complement"):
        return  # printed as their parts
    row = ATOMS[name]
    rng = np.random.default_rng(3)
    samples = [rng.uniform(low, high, 60) for low, high in row.sample]
    samples = [np.concatenate([each, np.clip(rng.normal(0, 1.5, 60), *limits)]) for each, limits in
               zip(samples, row.sample, strict=True)]  # fmt: skip
    arguments = np.stack(samples, axis=1).tolist()
    shown = page.evaluate(f"(rows) => rows.map((row) => ops.{name}(...row))", arguments)
    exact = [float(row.reference(*map(mpmath.mpf, each))) for each in arguments]
    assert wrong(np.array(shown, dtype=float), np.array(exact)).tolist() == [], json.dumps(arguments[:3])
