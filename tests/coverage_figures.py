"""Lines and branches that `make coverage` saw run, by package; exit code 1 where one has less than 95 %."""

import json
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

LEAST = 95.0
PARTS = ("num_statements", "covered_lines", "num_branches", "covered_branches")


def figures(report: dict) -> dict[str, float]:
    """By package the share of lines and branches together, in percent."""
    sums: dict[str, Counter] = {}
    for name, file in report["files"].items():
        package = Path(name).parts[Path(name).parts.index("lossgen") + 1]
        sums.setdefault(package, Counter()).update({part: file["summary"][part] for part in PARTS})
    return {
        package: 100
        * (each["covered_lines"] + each["covered_branches"])
        / (each["num_statements"] + each["num_branches"])
        for package, each in sums.items()
    }


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "coverage.json")
        subprocess.run([sys.executable, "-m", "coverage", "json", "-q", "-o", str(path)], check=True)
        found = figures(json.loads(path.read_text("utf-8")))
    subprocess.run([sys.executable, "-m", "coverage", "report", "-m"], check=True)
    for package, share in found.items():
        print(f"{package}: {share:.1f} % of lines and branches")
    return int(min(found.values()) < LEAST)


if __name__ == "__main__":
    sys.exit(main())
