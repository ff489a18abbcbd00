"""The command line: `python -m benchmarks [--all] [--only PATTERN] [--peers a,b] [--strict]`."""

import argparse
import fnmatch
import json
import sys
from pathlib import Path

from rich.progress import Progress

from . import in_cache, report
from .cases import Case, cases
from .costs import costs
from .driver import Driver, Settings
from .peers import OURS, PEERS

RESULTS = Path(__file__).parent / "results"


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--all", action="store_true", help="every case, not only a representative set")
    parser.add_argument("--only", action="append", default=[], metavar="PATTERN",
                        help="cases of all whose name matches, e.g. 'huber *'; may be repeated")  # fmt: skip
    parser.add_argument("--peers", help="names, separated by commas: " + ", ".join(PEERS))
    parser.add_argument("--rounds", type=int, default=11, help="at most so many rounds a case")
    parser.add_argument("--seconds", type=float, default=2.0, help="about so long a case, but 3 rounds")
    parser.add_argument("--patience", type=float, default=5.0,
                        help="at most so many seconds a case to wait for a calm machine")  # fmt: skip
    parser.add_argument("--no-costs", action="store_true", help="leave out latencies and memory")
    parser.add_argument("--in-cache", action="store_true",
                        help="only nanoseconds an element on one thread, arrays in cache")  # fmt: skip
    parser.add_argument("--list", action="store_true", help="only show the names of the cases")
    parser.add_argument("--resume", action="store_true", help="go on with a run that was interrupted")
    parser.add_argument("--output", type=Path, help="the JSON file; the picture lies beside it")
    parser.add_argument("--strict", action="store_true", help="exit code 1 if a target is missed")
    return parser.parse_args()


def chosen(patterns: list[str], everything: bool) -> list[Case]:
    """The cases to run."""
    if patterns:
        return [case for case in cases() if any(fnmatch.fnmatch(case.name, one) for one in patterns)]
    return [case for case in cases() if everything or case.representative]


def main() -> int:
    given = arguments()
    table = chosen(given.only, given.all)
    if given.list:
        for case in table:
            print(case.name)
        return 0
    if given.in_cache:
        with Driver(in_cache.PEERS, Settings()) as driver:
            report.print_in_cache(in_cache.measure(driver, in_cache.chosen(given.only)))
        return 0
    asked = [name.strip() for name in given.peers.split(",")] if given.peers else list(PEERS)
    unknown = sorted(set(asked) - set(PEERS))
    if unknown:
        sys.exit(f"unknown peers: {', '.join(unknown)}; known are: {', '.join(PEERS)}")
    wanted = list(dict.fromkeys([OURS[0], *asked]))
    present = [name for name in wanted if PEERS[name].is_present()]
    name = "all" if given.all else "some" if given.only else "bench"
    output = given.output or RESULTS / f"{name}.json"
    head = report.header(present)
    missing = [name for name in wanted if name not in present]
    report.console.print(f"not installed: {', '.join(missing)}" if missing else "every peer is installed")

    def is_asked(peer: str, case: Case) -> bool:
        return peer != "torch.compile" or given.all or bool(given.only) or case.compiled

    settings = Settings(given.rounds, given.seconds, given.patience)
    results = run(table, present, settings, is_asked, output, given.resume, head)
    paid = [] if given.no_costs else costs(present)
    targets = report.summary(results, paid)
    report.write_json(output, {**head, "cases": results, "costs": paid, "targets": targets})
    try:
        report.draw(output.with_suffix(".png"), results)
    except ImportError:
        report.console.print("no picture: matplotlib is not installed")
    report.print_results(results)
    report.print_costs(paid)
    report.print_summary(targets)
    report.console.print(f"written: {output}", highlight=False)
    return 1 if given.strict and not all(row["reached"] for row in targets) else 0


def run(table, peers, settings, is_asked, output: Path, resume: bool, head: dict) -> list[dict]:
    """The results of all cases. Each is kept in a file until all are there, so that a run can go on."""
    partial = output.with_suffix(".partial.jsonl")
    known = finished(partial, head) if resume else {}
    partial.parent.mkdir(parents=True, exist_ok=True)
    if not known:
        partial.write_text(json.dumps(mark(head)) + "\n", encoding="utf-8")
    results = []
    with Driver(peers, settings, is_asked) as driver, Progress(console=report.console) as progress:
        task = progress.add_task("", total=len(table))
        for case in table:
            progress.update(task, description=case.name)
            result = known.get(case.name)
            if result is None:
                result = driver.run(case)
                with partial.open("a", encoding="utf-8") as file:
                    print(json.dumps(result), file=file)
            results.append(result)
            progress.advance(task)
    partial.unlink()
    return results


def mark(head: dict) -> dict:
    """What must agree for results to be taken over."""
    return {key: head[key] for key in ("commit", "versions")}


def finished(partial: Path, head: dict) -> dict[str, dict]:
    """The results in the file of an unfinished run of the same commit and versions, by case."""
    if not partial.exists():
        return {}
    first, *lines = partial.read_text(encoding="utf-8").splitlines()
    if json.loads(first) != mark(head):
        return {}
    return {result["name"]: result for result in map(json.loads, lines)}


if __name__ == "__main__":
    sys.exit(main())
