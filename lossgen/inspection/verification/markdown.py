"""The report as a page of the docs: one table of the catalogue, one of what known limits excuse."""

from collections.abc import Iterator

from lossgen.inspection.verification.findings import Tally, multiple
from lossgen.inspection.verification.judgement import OURS
from lossgen.inspection.verification.report import QUICK_POINTS, Effort, Report, Verified
from lossgen.inspection.verification.text import NAMES

HEAD = """\
# What verification finds

Made by `{command}`; do not edit. Loss, gradient, Hessian, Hessian times a vector and the
derivatives by target and parameters of every variant, against the declared formula in 60 to 4500 digits:
{rows} rows of inputs, {settings} settings of parameters. [accuracy.md](accuracy.md) has the contract and the
known limits in words; `lossgen verify my_losses.py` makes the same report of losses of your own.

Each cell of lossgen: the largest error in ULP / as a multiple of the allowed error, known limits aside. ULP
may be large where the exact number nearly vanishes: the rounding of the inputs alone makes such an error, and
the contract allows it. A broken cell is bold, with the number of results in brackets that are not finite
where the exact number is. Each cell of Keras and torch: the largest error in ULP on the same inputs, in
brackets the results that are not finite; empty where the library has no such loss. Where they define a loss
otherwise, the difference counts as error: torch stops a logarithm at −100 instead of clipping the
probability, Keras 3.15.1 on torch takes the mean of float64 numbers in float32;
[differences.md](differences.md) lists more.

**{verdict}**

"""


COUNTS = """
## What the figures rest on

Unknown: rows whose exact value cannot be found (log 0, 0/0, …); unknown derivatives: rows and outputs for
which that holds of a derivative by the target or by one parameter. Neither is compared. Jumps: numbers that
are right on the other side of a switch of the formula (a condition, the kink of a modulus, the end of a
clip), an ulp away. 0 would pass: the share of the exact numbers, 0 itself aside, that are smaller than the
error which the contract allows. Of the settings, the first is the defaults{settings}.
"""


def page(report: Report) -> str:
    """The whole page."""
    names = list(dict.fromkeys(name for each in report.variants for name in each.findings if name != OURS))
    peers = [(name, dtype) for name in names for dtype in report.effort.dtypes]
    columns = ["loss", "output", *report.effort.dtypes, *(f"{name} {dtype}" for name, dtype in peers)]
    lines = [_head(report)]
    lines += [_line(columns), _line(["---"] * 2 + ["---:"] * (len(columns) - 2))]
    for variant in report.variants:
        lines += _rows(variant, report.effort, peers)
    lines += _counts(report)
    lines += _limits(report)
    return "\n".join(lines) + "\n"


def _head(report: Report) -> str:
    wrong = [each.title for each in report.variants if not each.kept]
    effort = report.effort
    usual = QUICK_POINTS if effort.quick else Effort.points
    words = ["--quick"] * effort.quick + [f"--points {effort.points}"] * (effort.points != usual)
    words += [f"--seed {effort.seed}"] * (effort.seed != 0)
    return HEAD.format(
        command=" ".join(["lossgen verify", *words, "--markdown docs/verification.md"]),
        rows=sum(each.points for each in report.variants),
        settings=sum(len(each.settings) for each in report.variants),
        verdict=f"Broken: {', '.join(wrong)}." if wrong else "Every variant keeps the contract.",
    )


def _rows(variant: Verified, effort: Effort, peers: list[tuple[str, str]]) -> Iterator[str]:
    title = f"`{variant.title}`"
    for output in dict.fromkeys(output for output, _ in variant.own):
        cells = [_own(variant.own.get((output, dtype))) for dtype in effort.dtypes]
        cells += [_peer(variant.peer(name, (output, dtype))) for name, dtype in peers]
        yield _line([title, NAMES.get(output, output), *cells])
        title = ""


def _own(tally: Tally | None) -> str:
    if tally is None or tally.worst is None:
        return ""
    cell = f"{ulps(tally)} / {multiple(tally.worst.size)}"
    return f"**{cell} [{tally.not_finite}]**" if tally.broken else cell


def _peer(tally: Tally | None) -> str:
    if tally is None or tally.coarsest is None:
        return ""
    return ulps(tally) + (f" [{tally.not_finite}]" if tally.not_finite else "")


def ulps(tally: Tally) -> str:
    """The largest error in ULP."""
    return multiple(tally.coarsest.ulps) if tally.coarsest.ulps else "0"


def _counts(report: Report) -> Iterator[str]:
    quick = ", and `--quick` takes one more; `lossgen verify` without it takes all" * report.effort.quick
    yield COUNTS.format(settings=quick)
    yield _line(
        ["loss", "settings", "rows", "unknown", "unknown derivatives", "numbers", "jumps", "0 would pass"]
    )
    yield _line(["---"] + ["---:"] * 7)
    for variant in report.variants:
        counts = [len(variant.settings), variant.points, variant.unknown]
        counts += [variant.total(name) for name in ("unknown", "numbers", "jumps")]
        title = f"`{variant.title}`" + (f" ({variant.untried})" if variant.untried else "")
        yield _line([title, *map(str, counts), share(variant.total("vague"), variant.total("nonzero"))])


def share(part: int, whole: int) -> str:
    """A part in percent."""
    return f"{100 * part / whole:.1f} %" if whole else ""


def _limits(report: Report) -> Iterator[str]:
    yield "\n## Known limits that were met\n"
    yield _line(["loss", "outputs", "limit", "numbers", "not finite", "× allowed", "for example at"])
    yield _line(["---"] * 3 + ["---:"] * 3 + ["---"])
    for variant in report.variants:
        reasons: dict[str, list] = {}
        for (output, _), tally in variant.own.items():
            for excused in tally.known.values():
                reasons.setdefault(excused.limit.reason, []).append((output, excused))
        for reason, found in reasons.items():
            worst = max((each.worst for _, each in found), key=lambda each: each.size)
            yield _line([
                f"`{variant.title}`",
                ", ".join(dict.fromkeys(NAMES.get(output, output) for output, _ in found)),
                reason,
                str(sum(each.count for _, each in found)),
                str(sum(each.not_finite for _, each in found)),
                multiple(worst.size),
                f"`{worst.place}`",
            ])  # fmt: skip


def _line(cells: list[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
