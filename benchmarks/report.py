"""What comes out: tables in the terminal, a JSON file, a picture; and how the targets fare."""

import json
import os
import platform
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from statistics import geometric_mean

from rich.console import Console
from rich.table import Table

from .cases import GROUPS
from .driver import ROOT
from .peers import DOORS, OURS, PEERS

console = Console(width=None if Console().is_terminal else 170)


# Figures -----------------------------------------------------------------------------------------------


def machine() -> dict:
    """What the figures were measured on."""
    model, memory = platform.processor(), 0
    if Path("/proc/cpuinfo").exists():
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        model = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), model)
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "processor": model, "cores": os.cpu_count(), "memory": memory, "system": platform.platform(),
        "python": platform.python_version(), "load": os.getloadavg()[0],
    }  # fmt: skip


def commit() -> str | None:
    """The commit that is measured, with a + if files have been changed since."""
    try:
        run = subprocess.run(
            ["git", "describe", "--always", "--dirty=+"], cwd=ROOT, capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return run.stdout.strip()


def header(peers: list[str]) -> dict:
    """What stands above all figures: date, machine, versions."""
    versions = {}
    for peer in peers:
        versions |= PEERS[peer].versions()
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"), "commit": commit(), "machine": machine(),
        "versions": versions,
    }  # fmt: skip


def ratio(result: dict, peer: str | None) -> float | None:
    """How many times faster than this peer lossgen is, in the median of the rounds."""
    return result["peers"][peer]["ratio"] if peer in result["peers"] else None


def to_limit(result: dict) -> float | None:
    """How many times the limit lossgen needs, with a given output where it can be given."""
    peers = result["peers"]
    ours = peers.get(OURS[1]) or peers.get(OURS[0])
    return ours["seconds"] / peers["limit"]["seconds"] if ours and "limit" in peers else None


def summary(results: list[dict], costs: list[dict]) -> list[dict]:
    """The targets: `what`, `figure`, `target`, `reached`."""
    best = [ratio(one, one["best"]) for one in results if ratio(one, one["best"])]
    eager = [ratio(one, "torch") for one in results if ratio(one, "torch")]
    rows = []

    def row(what: str, figure: float, target: float, at_least: bool = False):
        reached = figure >= target if at_least else figure <= target
        rows.append({"what": what, "figure": figure, "target": target, "reached": reached})

    if best:
        row("times as fast as the best peer, geometric mean", geometric_mean(best), 3.0, at_least=True)
        row(f"cases slower than the best peer, of {len(best)}", sum(one < 1 for one in best), 0)
    if eager:
        row("times as fast as torch eager, geometric mean", geometric_mean(eager), 6.0, at_least=True)
    for one in results:
        name, shape, limit = one["name"], one["case"]["shape"], to_limit(one)
        if one["group"] == 1 and shape[0] == 1 << 24 and limit and OURS[1] in one["peers"]:
            row(f"{name}: fresh output by given output", 1 / ratio(one, OURS[1]), 1.15)
            bound = max(one["peers"]["limit"]["seconds"], one.get("arithmetic", 0.0))
            figure = one["peers"][OURS[1]]["seconds"] / bound
            row(f"{name}: by the larger of bytes and arithmetic", figure, 1.10)
        if one["group"] == 2 and 100 <= shape[1] <= 32_000 and limit:
            row(f"{name}: by the bytes", limit, 1.5)
        if one["group"] == 5 and one["case"]["output"] == "gradient" and ratio(one, "torch"):
            row(f"{name}: by torch eager", 1 / ratio(one, "torch"), 0.25)
        for what, figure, target, at_least in door_targets(one):
            row(what, figure, target, at_least)
    rows += [
        {"what": one["what"], "figure": one["figure"], "target": one["target"],
         "reached": one["figure"] <= one["target"]}
        for one in costs if one["target"] is not None
    ]  # fmt: skip
    return rows


def door_targets(result: dict) -> Iterator[tuple[str, float, float, bool]]:
    """What lossgen in a framework promises next to the framework's own: text, figure, target, at least."""
    case, peers = result["case"], result["peers"]
    if case["output"] != "gradient" or case["dtype"] != "float32" or case["threads"] != 2:
        return
    for door, natives in DOORS.items():
        for native in natives:
            if door not in peers or native not in peers:
                continue
            times = ratio(result, native) / ratio(result, door)
            what = f"{result['name']}: {door} and {native}"
            eager, elements = native == natives[0], case["shape"][0]
            if result["group"] == 5 and eager and case["loss"] == "mean_squared_error":
                yield f"{what}, µs by µs", 1 / times, SMALL_CALL[door], False
            elif result["group"] == 1 and elements == 1 << 24:
                yield f"{what}, times as fast", times, AT_16M[door] if eager else 1.0, True
            elif result["group"] == 1 and elements == 1 << 20:
                key = door, case["loss"], *case["arguments"]
                least = AT_A_MILLION.get(key, 1.0) if eager else 1.0
                yield f"{what}, times as fast", times, least, True


SMALL_CALL = {"lossgen torch": 1.3, "lossgen jax": 1.1}
"""How many times as long as the framework's own a call with 32×10 predictions may take."""
AT_16M = {"lossgen torch": 3.0, "lossgen jax": 1.0}
"""How many times as fast as the framework's own losses of elements are at 16M."""
AT_A_MILLION = {
    ("lossgen torch", "binary_crossentropy", "from_logits"): 3.0,
    ("lossgen torch", "mean_squared_error"): 1.4,
    ("lossgen jax", "binary_crossentropy", "from_logits"): 2.0,
    ("lossgen jax", "mean_squared_error"): 2.0,
}
"""How many times as fast as the framework's own a loss is at 1M elements."""

# Tables ------------------------------------------------------------------------------------------------


def print_results(results: list[dict]) -> None:
    """One table a group of cases."""
    for group, title in GROUPS.items():
        rows = [one for one in results if one["group"] == group]
        if not rows:
            continue
        names = [peer for peer in PEERS if any(peer in one["peers"] for one in rows)]
        table = Table(title=f"{group}. {title} (milliseconds)", title_justify="left")
        table.add_column("case")
        for name in (*names, "best peer", "× best", "× eager", "÷ limit"):
            table.add_column(name, justify="right")
        for one in rows:
            table.add_row(
                one["name"], *(milliseconds(one, name) for name in names), one["best"] or "",
                times(ratio(one, one["best"]), 1.0), times(ratio(one, "torch"), 1.0), times(to_limit(one)),
            )  # fmt: skip
        console.print(table)
    calm = sum(one["calm"] for one in results) / max(len(results), 1)
    if calm < 0.9:
        text = f"Others used the machine in {1 - calm:.0%} of the rounds: teams of threads stall then"
        console.print(f"[bold red]{text}[/]")
    wrong = [(one["name"], peer, text) for one in results for peer, text in one["failed"].items()]
    if wrong:
        table = Table(title="Not timed: result differs from lossgen's, or an error", title_justify="left")
        for heading in ("case", "peer", "what"):
            table.add_column(heading)
        for row in wrong:
            table.add_row(*row)
        console.print(table)


def milliseconds(result: dict, peer: str) -> str:
    if peer in result["failed"]:
        return "[red]wrong[/]"
    if peer not in result["peers"]:
        return ""
    return f"{result['peers'][peer]['seconds'] * 1e3:.3g}"


def times(figure: float | None, at_least: float | None = None) -> str:
    """A ratio; red where it is too small."""
    if figure is None:
        return ""
    colour = "" if at_least is None else "[green]" if figure >= at_least else "[bold red]"
    return f"{colour}{figure:.2f}"


def print_in_cache(results: list[dict]) -> None:
    """Nanoseconds an element, and how many times as long as lossgen torch needs."""
    peers = list(results[0]["peers"]) if results else []
    table = Table(title="Nanoseconds an element, one thread, arrays in cache", title_justify="left")
    table.add_column("loss")
    for name in (*peers, "× eager"):
        table.add_column(name, justify="right")
    for one in results:
        figures = one["peers"]
        ours, theirs = figures.get(OURS[1]), figures.get("torch")
        cells = ("" if figures[peer] is None else f"{figures[peer]:.2f}" for peer in peers)
        table.add_row(one["name"], *cells, times(theirs / ours, 1.0) if ours and theirs else "")
    console.print(table)


def print_costs(costs: list[dict]) -> None:
    if not costs:
        return
    table = Table(title="Paid once; memory", title_justify="left")
    for heading in ("what", "figure", "at most"):
        table.add_column(heading, justify="left" if heading == "what" else "right")
    for one in costs:
        target = one["target"]
        colour = "" if target is None else "[green]" if one["figure"] <= target else "[bold red]"
        limit = "" if target is None else f"{target:g} {one['unit']}"
        table.add_row(one["what"], f"{colour}{one['figure']:.2f} {one['unit']}", limit)
    console.print(table)


def print_summary(rows: list[dict]) -> None:
    """Figures beside their targets; what is missed in red."""
    table = Table(title="Targets", title_justify="left")
    for heading in ("what", "figure", "target"):
        table.add_column(heading, justify="left" if heading == "what" else "right")
    for row in rows:
        colour = "green" if row["reached"] else "bold red"
        what, figure = (f"[{colour}]{text}[/]" for text in (row["what"], f"{row['figure']:.3g}"))
        table.add_row(what, figure, f"{row['target']:g}")
    missed = sum(not row["reached"] for row in rows)
    console.print(table)
    console.print(f"{len(rows) - missed} of {len(rows)} targets reached", highlight=False)


# Files -------------------------------------------------------------------------------------------------


def write_json(path: Path, report: dict) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def draw(path: Path, results: list[dict]) -> None:
    """How many times faster than the best peer, case by case; time against size."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    rated = [(ratio(one, one["best"]), f"{one['name']}  ({one['best']})") for one in results]
    bars = sorted(bar for bar in rated if bar[0])
    figure, (left, right) = pyplot.subplots(
        1, 2, figsize=(17, max(6.0, 1.5 + 0.17 * len(bars))), width_ratios=(3, 2), layout="constrained"
    )
    colours = ["tab:green" if value >= 1 else "tab:red" for value, _ in bars]
    left.barh([name for _, name in bars], [value for value, _ in bars], color=colours)
    left.axvline(1.0, color="black", linewidth=0.8)
    left.axvline(3.0, color="black", linewidth=0.8, linestyle=":")
    left.set_xscale("log")
    left.set_ylim(-0.7, len(bars) - 0.3)
    left.tick_params(axis="y", labelsize=6)
    left.set_xlabel("times as fast as the best peer (in brackets)")
    draw_scaling(right, results)
    figure.savefig(path, dpi=130)
    pyplot.close(figure)


def draw_scaling(axes, results: list[dict]) -> None:
    """Nanoseconds an element against size, the cases of group 6 with all threads."""
    styles = {"lossgen": "-", "torch": "--", "jax": ":", "limit": "-."}
    losses = sorted({one["case"]["loss"] for one in results if one["group"] == 6})
    for number, loss in enumerate(losses):
        chosen = [
            one for one in results
            if one["group"] == 6 and one["case"]["loss"] == loss and one["case"]["threads"] != 1
        ]  # fmt: skip
        for peer, style in styles.items():
            points = []
            for one in chosen:
                size = 1
                for extent in one["case"]["shape"]:
                    size *= extent
                if peer in one["peers"]:
                    points.append((size, one["peers"][peer]["seconds"] / size * 1e9))
            if points:
                label = f"{loss}, {peer}"
                axes.plot(*zip(*points, strict=True), style, color=f"C{number}", marker=".", label=label)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel("elements")
    axes.set_ylabel("nanoseconds an element, loss + gradient")
    if losses:
        axes.legend(fontsize=7)
