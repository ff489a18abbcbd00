"""What the tests run over: every catalogue loss, every option variant, some arguments, and inputs."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from lossgen.catalog import DECLARATIONS
from lossgen.language.declaration import Declaration
from lossgen.language.domains import bounds

SETTINGS = {
    "binary_crossentropy": ({"label_smoothing": 0.25},),
    "binary_focal_crossentropy": (
        {"gamma": 0.5, "alpha": 0.75},
        {"gamma": 0.0},
        {"gamma": 1.5, "label_smoothing": 0.125},
    ),
    "categorical_crossentropy": ({"label_smoothing": 0.25},),
    "categorical_focal_crossentropy": (
        {"gamma": 1.5, "alpha": (0.25, 0.5, 0.75)},
        {"gamma": 0.5, "label_smoothing": 0.125},
    ),
    "categorical_generalized_cross_entropy": ({"q": 0.75},),
    "huber": ({"delta": 0.375},),
    "tversky": ({"alpha": 0.25, "beta": 0.75},),
    "smooth_l1": ({"beta": 0.375},),
    "pseudo_huber": ({"delta": 0.375},),
    "quantile": ({"quantile": 0.875}, {"quantile": 0.0}),
    "expectile": ({"expectile": 0.875},),
    "cauchy": ({"c": 0.375},),
    "charbonnier": ({"epsilon": 0.25},),
    "wing": ({"w": 1.5, "epsilon": 0.25},),
    "adaptive_robust": tuple({"alpha": a, "c": 0.75} for a in (2.0, 0.0, -2.0, 0.5, 3.0, -1e9)),
    "tweedie": ({"rho": 1.25},),
    "poly1": ({"epsilon": -0.5},),
    "sigmoid_focal": ({"gamma": 0.5, "alpha": 0.75},),
    "asymmetric_loss": ({"gamma_negative": 1.0, "gamma_positive": 0.0, "margin": 0.25}, {"margin": 0.0}),
    "multi_margin": ({"margin": 0.5},),
    "focal_tversky": ({"alpha": 0.5, "beta": 0.5, "gamma": 2.0},),
}
"""Arguments besides the defaults. Sums of powers of two, so that float32 kernels receive them exactly."""

HARD_LABELS = frozenset({"sigmoid_focal", "asymmetric_loss", "categorical_hinge", "poly1"})
"""Losses whose targets are 0 and 1 only."""


@dataclass(frozen=True)
class Case:
    """One loss with one choice of options and arguments."""

    declaration: Declaration
    options: dict = field(default_factory=dict)
    arguments: dict = field(default_factory=dict)

    def __str__(self) -> str:
        options = self.declaration.options
        chosen = {name: value for name, value in self.options.items() if value != options[name].default}
        changed = {**chosen, **self.arguments}
        return "-".join([self.declaration.name, *(f"{name}={value}" for name, value in changed.items())])

    @property
    def name(self) -> str:
        return self.declaration.name

    @property
    def expression(self):
        (term,) = self.declaration.terms(self.options)
        return term.expression

    @property
    def labels(self) -> bool:
        return self.declaration.uses_labels(self.options)

    @property
    def keywords(self) -> dict:
        """Constructor arguments of the class."""
        return {**self.options, **self.arguments}

    @property
    def parameters(self) -> dict:
        """The value of each parameter's symbol."""
        own = self.declaration.parameters
        symbols = self.declaration.symbols()
        return {symbol: self.arguments.get(name, own[name].default) for name, symbol in symbols.items()}

    @property
    def categorical(self) -> bool:
        """Whether the columns of a target are the classes of one distribution."""
        return self.name.startswith(("categorical", "kl_divergence", "poly1", "brier"))

    @property
    def hard_targets(self) -> tuple[float, ...]:
        """Targets that are labels, and so exact."""
        return {"probability": (0.0, 1.0), "signs": (-1.0, 1.0)}.get(self.domain("target"), ())

    def domain(self, role: str):
        return self.declaration.domain_of(self.options).get(role, "real")

    def bounds(self, role: str) -> tuple[float, float]:
        return bounds(self.domain(role))


def cases(declarations=DECLARATIONS) -> Iterator[Case]:
    """Every variant of every loss, with its defaults and with each of the other settings that concern it."""
    for declaration in declarations:
        for options in declaration.variants():
            yield Case(declaration, options)
            for arguments in SETTINGS.get(declaration.name, ()):
                yield Case(declaration, options, arguments)


def random_inputs(case: Case, rows: int, columns: int, seed: int = 0, hard: bool = False):
    """Targets and predictions that a person would have, float64 (or integer labels), rows × columns."""
    rng = np.random.default_rng(seed)
    shape = (rows, columns)
    if case.labels:
        y = rng.integers(0, columns, rows)
    elif case.domain("target") == "signs":
        y = rng.choice([-1.0, 1.0], shape)
    elif case.categorical:
        hard = hard or case.name in HARD_LABELS
        y = np.eye(columns)[rng.integers(0, columns, rows)] if hard else rng.dirichlet(np.ones(columns), rows)
    elif case.domain("target") == "probability":
        y = rng.integers(0, 2, shape) * 1.0 if hard or case.name in HARD_LABELS else rng.random(shape)
    elif case.bounds("target")[0] >= 0:
        y = rng.gamma(1.0, 2.0, shape)
    else:
        y = 2 * rng.standard_normal(shape)
    low, high = case.bounds("prediction")
    if high == 1:
        p = rng.random(shape)
    else:
        p = rng.gamma(1.0, 2.0, shape) if low == 0 else 2 * rng.standard_normal(shape)
    return y, p
