"""The report of a verification: one entry a variant of a loss, as objects and as JSON."""

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import lossgen
from lossgen.inspection.verification.findings import Deviation, Excused, Tallies, Tally
from lossgen.inspection.verification.judgement import OURS
from lossgen.inspection.verification.subjects import Subject, Value
from lossgen.language.declaration import Declaration

SCHEMA = 1
"""Version of the JSON; it changes when a key changes its meaning or goes."""


QUICK_POINTS = 8
"""Random inputs of each sort where little time is to be spent."""


@dataclass(frozen=True)
class Effort:
    """How much is tried.

    Args:
        points: random inputs of each sort and setting.
        quick: fewer structured inputs, one other setting of the parameters.
        seed: of the random inputs.
        dtypes: float types.
        peers: whether Keras and torch compute the same inputs.
    """

    points: int = 24
    quick: bool = False
    seed: int = 0
    dtypes: tuple[str, ...] = ("float32", "float64")
    peers: bool = True


@dataclass(frozen=True, eq=False)
class Verified:
    """What was found of one variant of a loss.

    Args:
        settings: the values of the parameters that were tried, the defaults first.
        points: rows of inputs, over all settings; `unknown`: how many have no exact value that can be found.
        findings: tallies by output and dtype, by who computed: `"lossgen"`, `"Keras"`, `"torch"`.
        absent: peers that computed nothing, and why.
    """

    declaration: Declaration
    options: Mapping[str, object]
    settings: tuple[Mapping[str, Value], ...]
    points: int
    unknown: int
    seconds: float
    findings: Mapping[str, Tallies]
    absent: Mapping[str, str]

    @property
    def title(self) -> str:
        """The class with the options that are not the defaults."""
        return str(Subject(self.declaration, self.options))

    @property
    def own(self) -> Tallies:
        """What was found of lossgen."""
        return self.findings.get(OURS, {})

    @property
    def untried(self) -> str:
        """What of the loss is not compared; empty where everything is."""
        preparation = getattr(self.declaration, "preparation", None)
        return f"the {preparation} before the formula are not tried" if preparation else ""

    def total(self, name: str) -> int:
        """A count of `Tally` over all outputs and dtypes of lossgen."""
        return sum(getattr(tally, name) for tally in self.own.values())

    @property
    def kept(self) -> bool:
        """Whether the contract is kept, known limits aside."""
        return bool(self.own) and not any(tally.broken for tally in self.own.values())

    def peer(self, name: str, key: tuple[str, str]) -> Tally | None:
        """What a peer has of one output and dtype."""
        return self.findings.get(name, {}).get(key)


@dataclass(frozen=True, eq=False)
class Report:
    """The result of `lg.verify`; printed, it is a table.

    Args:
        variants: one entry a variant of each loss.
        effort: how much was tried.
    """

    variants: tuple[Verified, ...]
    effort: Effort

    @property
    def kept(self) -> bool:
        """Whether every loss keeps the contract, known limits aside."""
        return all(each.kept for each in self.variants)

    def broken(self) -> Iterator[Deviation]:
        """The worst miss of every output that breaks the contract."""
        for variant in self.variants:
            for tally in variant.own.values():
                if tally.broken:
                    yield tally.worst

    def to_dict(self) -> dict[str, object]:
        """Everything as plain data; numbers that are not finite are the strings "inf", "-inf" and "nan"."""
        effort = self.effort
        return {
            "schema": SCHEMA,
            "lossgen": lossgen.__version__,
            "points": effort.points,
            "quick": effort.quick,
            "seed": effort.seed,
            "dtypes": list(effort.dtypes),
            "kept": self.kept,
            "losses": [_variant(each) for each in self.variants],
        }

    def to_json(self) -> str:
        """The same as JSON text."""
        return json.dumps(self.to_dict(), indent=2, ensure_ascii=False, allow_nan=False) + "\n"

    def markdown(self) -> str:
        """A page with a table."""
        from lossgen.inspection.verification.markdown import page

        return page(self)

    def __str__(self) -> str:
        from lossgen.inspection.verification.text import report_text

        return report_text(self)


def _variant(variant: Verified) -> dict[str, object]:
    return {
        "name": variant.declaration.name,
        "class": variant.declaration.class_name,
        "options": dict(variant.options),
        "settings": [dict(each) for each in variant.settings],
        "points": variant.points,
        "unknown": variant.unknown,
        "untried": variant.untried,
        "kept": variant.kept,
        "absent_peers": dict(variant.absent),
        "outputs": [_output(variant, key, tally) for key, tally in variant.own.items()],
    }


def _output(variant: Verified, key: tuple[str, str], tally: Tally) -> dict[str, object]:
    output, dtype = key
    peers = {name: variant.peer(name, key) for name in variant.findings if name != OURS}
    return {
        "output": output,
        "dtype": dtype,
        "numbers": tally.numbers,
        "broken": tally.broken,
        "not_finite": tally.not_finite,
        "beside_jumps": tally.jumps,
        "unknown": tally.unknown,
        "nonzero": tally.nonzero,
        "zero_would_pass": tally.vague,
        "worst": _deviation(tally.worst),
        "worst_in_ulp": _deviation(tally.coarsest),
        "known_limits": [_excused(each) for each in tally.known.values()],
        "peers": {
            name: {"not_finite": found.not_finite, "worst_in_ulp": _deviation(found.coarsest)}
            for name, found in peers.items()
            if found is not None
        },
    }


def _excused(excused: Excused) -> dict[str, object]:
    return {
        "reason": excused.limit.reason,
        "at_most_times_allowed": number(excused.limit.factor),
        "numbers": excused.count,
        "not_finite": excused.not_finite,
        "worst": _deviation(excused.worst),
    }


def _deviation(deviation: Deviation | None) -> dict[str, object] | None:
    if deviation is None:
        return None
    subject = deviation.subject
    target = deviation.target if subject.labels or subject.is_penalty else list(map(float, deviation.target))
    return {
        "times_allowed": number(deviation.size),
        "ulp": number(deviation.ulps),
        "got": number(deviation.got),
        "exact": number(deviation.exact),
        "arguments": {**subject.options, **subject.values},
        "y_true": None if subject.is_penalty else target,
        "y_pred": [float(x) for x in deviation.prediction],
        "column": deviation.quantity.column,
        "call": deviation.call,
    }


def number(value: float) -> float | str:
    """A number as JSON has it."""
    return float(value) if math.isfinite(value) else repr(float(value))
