"""The report for a terminal: a table a variant, what breaks the contract in red, known limits below."""

import io
import math
from collections.abc import Iterator

from rich import box
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from lossgen.inspection.verification.findings import Deviation, Tally, multiple
from lossgen.inspection.verification.judgement import OURS
from lossgen.inspection.verification.report import Report, Verified

WIDTH = 110
NAMES = {"hessian": "Hessian", "product": "Hessian × vector"}
LEGEND = (
    "ULP: error in units of the last place of the exact number; it may be large where that nearly vanishes.\n"
    "× allowed: error as a multiple of what the contract (docs/accuracy.md) allows; broken above 1.\n"
    "not finite: results that are so where the exact number is finite and in range.\n"
    "known limit ×: the worst that a known limit excuses, as a multiple of what is allowed;\n"
    "all other columns leave that aside."
)


def report_text(report: Report) -> str:
    """The whole report as plain text."""
    console = Console(file=io.StringIO(), width=WIDTH, highlight=False, no_color=True)
    for variant in report.variants:
        console.print(variant_text(variant), soft_wrap=True)
    console.print(summary(report), soft_wrap=True)
    return console.file.getvalue()


def variant_text(variant: Verified) -> RenderableType:
    """One variant: heading, table, what is broken, what is known."""
    parts: list[RenderableType] = [_heading(variant), _table(variant), _counts(variant)]
    return Group(*parts, *_broken(variant), *_known(variant), Text(""))


def summary(report: Report) -> Text:
    """What it comes to, in a few lines."""
    points = sum(each.points for each in report.variants)
    unknown = sum(each.unknown for each in report.variants)
    wrong = [each.title for each in report.variants if not each.kept]
    count = f"{len(report.variants)} variant{'s' * (len(report.variants) != 1)}"
    text = Text(LEGEND + "\n\n", style="dim")
    if unknown:
        text.append(f"{unknown} of {points} rows have no exact value that can be found (log 0, 0/0, …).\n")
    if wrong:
        text.append(f"{len(wrong)} of {count} break the contract: ", style="bold red not dim")
        text.append(", ".join(wrong), style="not dim")
    else:
        text.append(f"{count}, {points} rows: the contract is kept.", style="bold green not dim")
    return text


def _heading(variant: Verified) -> Text:
    text = Text(variant.title, style="bold")
    settings = "" if len(variant.settings) == 1 else f", {len(variant.settings)} settings"
    text.append(f"   {variant.points} rows{settings}, {variant.seconds:.1f} s", style="not bold dim")
    if variant.untried:
        text.append(f"   {variant.untried}", style="not bold yellow")
    if variant.kept:
        text.append("   keeps the contract", style="not bold green")
    else:
        text.append("   breaks the contract", style="bold red")
    return text


def _counts(variant: Verified) -> Text:
    vague, nonzero = variant.total("vague"), variant.total("nonzero")
    unknown = f"{variant.unknown} rows and {variant.total('unknown')} derivatives have no exact value"
    jumps = f"{variant.total('jumps')} of {variant.total('numbers')} numbers are beside a jump"
    return Text(f"  {unknown}; {jumps}; 0 would pass for {vague} of {nonzero} that are not 0", style="dim")


def _table(variant: Verified) -> Table:
    peers = [name for name in variant.findings if name != OURS]
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="dim")
    for name, width in (("output", 16), ("dtype", 7)):
        table.add_column(name, min_width=width, no_wrap=True)
    for name, width in (("ULP", 7), ("×\nallowed", 7), ("not\nfinite", 6)):
        table.add_column(name, justify="right", min_width=width, no_wrap=True)
    for peer in peers:
        table.add_column(f"{peer} ULP\n(not finite)", justify="right", min_width=12, no_wrap=True)
    if any(tally.known for tally in variant.own.values()):
        table.add_column("known\nlimit ×", justify="right", min_width=7, no_wrap=True)
    earlier = None
    for (output, dtype), tally in variant.own.items():
        cells = [NAMES.get(output, output) if output != earlier else "", dtype, *_own(tally)]
        for peer in peers:
            cells.append(_peer(variant.peer(peer, (output, dtype))))
        limits = [_limits(tally)] if len(table.columns) > len(cells) else []
        table.add_row(*cells, *limits)
        earlier = output
    if variant.absent:
        table.caption = "; ".join(f"{name}: {reason}" for name, reason in variant.absent.items())
        table.caption_justify, table.caption_style = "left", "dim"
    return table


def _own(tally: Tally) -> list[Text]:
    style = "bold red" if tally.broken else ""
    return [
        Text(_ulps(tally.coarsest), style=style),
        Text(multiple(tally.worst.size) if tally.worst else "", style=style),
        Text(str(tally.not_finite), style="bold red" if tally.not_finite else "dim"),
    ]


def _peer(tally: Tally | None) -> Text:
    if tally is None:
        return Text("")
    return Text(_ulps(tally.coarsest) + (f" ({tally.not_finite})" if tally.not_finite else ""))


def _limits(tally: Tally) -> Text:
    worst = [each.worst.size for each in tally.known.values() if each.worst]
    return Text(f"{multiple(max(worst))}", style="yellow") if worst else Text("")


def _ulps(deviation: Deviation | None) -> str:
    if deviation is None:
        return ""
    return multiple(deviation.ulps) if deviation.ulps else "0"


def _broken(variant: Verified) -> Iterator[Text]:
    for (output, dtype), tally in variant.own.items():
        if not tally.broken:
            continue
        worst = tally.worst
        text = Text("  ✗ ", style="bold red")
        text.append(f"{NAMES.get(output, output)}, {dtype}: ", style="bold")
        text.append(
            f"{tally.broken} of {tally.numbers} numbers miss, the worst {_times(worst)}: "
            f"{worst.got!r}, exact {worst.exact!r}\n      {worst.call}",
            style="not bold default",
        )
        yield text


def _known(variant: Verified) -> Iterator[Text]:
    reasons: dict[str, list] = {}
    for (output, dtype), tally in variant.own.items():
        for excused in tally.known.values():
            reasons.setdefault(excused.limit.reason, []).append((output, dtype, excused))
    for reason, found in reasons.items():
        where = ", ".join(dict.fromkeys(NAMES.get(output, output) for output, _, _ in found))
        worst = max((each for _, _, each in found), key=lambda each: each.worst.size)
        count, lost = sum(each.count for *_, each in found), sum(each.not_finite for *_, each in found)
        text = Text("  known limit: ", style="yellow")
        text.append(f"{reason} ({where}: {count} numbers, {_times(worst.worst)}", style="default")
        text.append(f", {lost} not finite" if lost else "", style="default")
        text.append(f")\n      {worst.worst.call}", style="default")
        yield text


def _times(deviation: Deviation) -> str:
    if not math.isfinite(deviation.got):
        return "not finite"
    return f"{multiple(deviation.size)} times the allowed error"
