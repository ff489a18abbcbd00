"""`make regression-update`: records the results of every loss; without `--update` it only compares."""

import argparse
import json
import os
import sys

os.environ.pop("NUMBA_ENABLE_CUDASIM", None)

from rich.console import Console
from rich.progress import track

from regression.records import CATALOGUE, FOLDER, MADE_WITH, differences, made_with, read, record, write


def main() -> int:
    """Exit code 1 if something differs and is not recorded anew."""
    parser = argparse.ArgumentParser(prog="python -m regression", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="LOSS", help="all by default")
    parser.add_argument("--update", action="store_true", help="record what is computed now")
    options = parser.parse_args()
    screen = Console(stderr=True, highlight=False)
    chosen = {name: CATALOGUE[name] for name in options.names or CATALOGUE}
    recorded = json.loads(MADE_WITH.read_text(encoding="utf-8")) if MADE_WITH.exists() else {}
    here, changed = made_with(), 0
    if options.update and options.names and recorded.get("processor", here["processor"]) != here["processor"]:
        screen.print(f"recorded on {recorded['processor']}: on {here['processor']} record all losses or none")
        return 2
    for name, declaration in track(chosen.items(), "losses", console=screen, disable=not screen.is_terminal):
        if options.update:
            write(name, record(declaration))
        else:
            same = recorded["processor"] == here["processor"]
            for text in differences(declaration, read(name), same):
                screen.print(text, markup=False)
                changed += 1
    if options.update and not options.names:
        for path in FOLDER.glob("*.json"):
            if path.stem not in CATALOGUE and path != MADE_WITH:
                path.unlink()
        write(MADE_WITH.stem, here)
    return int(changed > 0)


if __name__ == "__main__":
    sys.exit(main())
