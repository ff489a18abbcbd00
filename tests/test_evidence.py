"""What is found out about a loss: verdicts that are known, proofs that samples do not contradict."""

import numpy as np
import pytest
import sympy as sp

import lossgen as lg
from lossgen.catalog import DECLARATIONS, PENALTIES
from lossgen.inspection.evidence import findings
from lossgen.inspection.evidence.sampling import samplers_of

NAMED = {each.name: each for each in (*DECLARATIONS, *PENALTIES)}
y, p = lg.y_true, lg.y_pred

KNOWN = {
    ("mean_squared_error",): {
        "convex": ("yes", "proved"), "smooth": ("yes", "proved"), "bounded gradient": ("no", "sampled"),
        "symmetric": ("yes", "proved"), "range": ("[0, ∞)", "sampled"), "minimiser": ("p = y", "proved"),
        "proper": ("yes", "proved"),
    },
    ("huber",): {
        "convex": ("yes", "proved"), "smooth": ("once", "sampled"), "bounded gradient": ("yes", "proved"),
        "minimiser": ("p = y", "proved"), "range": ("[0, ∞)", "sampled"),
    },
    ("cauchy",): {
        "convex": ("no", "sampled"), "smooth": ("yes", "proved"), "bounded gradient": ("seems so", "sampled"),
    },
    ("quantile",): {"smooth": ("no", "sampled"), "proper": ("for another statistic", "proved")},
    ("expectile",): {"smooth": ("once", "sampled"), "bounded gradient": ("no", "sampled")},
    ("binary_crossentropy", "from_logits"): {
        "symmetric": ("yes", "proved"), "minimiser": ("p = log(y/(1 − y))", "proved"),
        "proper": ("seems so", "sampled"),
    },
    ("sparse_categorical_crossentropy", "from_logits"): {
        "convex": ("yes", "proved"), "smooth": ("yes", "proved"), "proper": ("yes", "proved"),
        "bounded gradient": ("seems so", "sampled"), "minimiser": ("unknown", "not decided"),
    },
    ("hinge",): {"smooth": ("no", "sampled"), "proper": ("calibrated only", "sampled")},
    ("dice",): {"convex": ("no", "sampled"), "range": ("(0, 1]", "proved"), "symmetric": ("yes", "proved")},
    ("cosine_similarity",): {"convex": ("no", "sampled"), "bounded gradient": ("no", "sampled")},
    ("l1",): {"minimiser": ("x = 0", "proved"), "smooth": ("no", "sampled")},
}  # fmt: skip


@pytest.mark.parametrize(("key", "expected"), KNOWN.items(), ids=lambda each: "-".join(each) if each else "")
def test_verdicts_that_are_known(key, expected):
    found = {each.property: each for each in findings(NAMED[key[0]], **dict.fromkeys(key[1:], True))}
    for name, verdict in expected.items():
        assert (found[name].verdict, found[name].how) == verdict, found[name]


def detail(declaration, name, **options):
    return next(each.detail for each in findings(declaration, **options) if each.property == name)


def test_the_evidence_names_kinks_and_places():
    assert detail(NAMED["huber"], "smooth") == "the curvature jumps where |p − y| = δ"
    assert detail(NAMED["hinge"], "smooth") == "the slope jumps where y·p = 1"
    assert "two columns tie for the largest" in detail(NAMED["categorical_hinge"], "smooth")
    assert "at expectile = 0.75" in detail(NAMED["expectile"], "smooth")
    assert "the most negative second derivative" in detail(NAMED["cauchy"], "convex")
    assert detail(NAMED["log_cosh"], "bounded gradient") == "−1 ≤ g ≤ 1, by intervals"


def test_a_loss_of_ones_own():
    step = lg.declare("Step", lg.Mean(lg.where(p > y, 2 + p - y, (p - y) ** 2)))
    assert detail(step, "smooth") == "the loss jumps where p = y"
    lopsided = lg.declare("Lopsided", lg.Mean(sp.exp(p - y) - (p - y)))
    found = {each.property: each for each in findings(lopsided)}
    assert (found["symmetric"].verdict, found["minimiser"].verdict) == ("no", "p = y")
    wavy = lg.declare("Wavy", lg.Mean(sp.sin(p - y) ** 2))
    found = {each.property: each for each in findings(wavy)}
    assert (found["convex"].verdict, found["bounded gradient"].verdict) == ("no", "seems so")
    steep = lg.declare("Steep", lg.Mean(sp.sqrt(abs(p - y))))
    assert {each.property: each.verdict for each in findings(steep)}["convex"] == "no"


def test_a_sum_of_terms_has_findings():
    combined = (0.5 * NAMED["mean_squared_error"] + 0.5 * NAMED["dice"]).renamed("Both")
    assert {each.property: each.verdict for each in findings(combined)}["convex"] != "yes"


PROVED = ("huber", "log_cosh", "hinge", "quantile", "mean_absolute_error", "wing", "dice")


@pytest.mark.parametrize("name", PROVED)
def test_samples_do_not_contradict_proofs(name):
    """Convexity is proved for all parameters; bounds are for the defaults."""
    declaration = NAMED[name]
    proved = {each.property: each for each in findings(declaration) if each.how == "proved"}
    for number, sampler in enumerate(samplers_of(declaration, {})):
        for sample in sampler.samples:
            if "convex" in proved:
                assert np.linalg.eigvalsh(sample.hessian)[0] >= -1e-12
            if "bounded gradient" in proved and number == 0:
                low, high = _ends(proved["bounded gradient"].detail)
                assert low <= sample.gradient.min() and sample.gradient.max() <= high
            if "range" in proved:
                assert 0 <= sample.value <= 1 + 1e-12


def _ends(words: str) -> tuple[float, float]:
    low, _, rest = words.replace("−", "-").partition(" ≤ g ≤ ")
    return float(low), float(rest.partition(",")[0])
