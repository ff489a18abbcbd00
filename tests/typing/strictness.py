"""Which modules mypy checks strictly, which partly, which not: `python tests/typing/strictness.py`.

`--update` writes the lists of `package.toml` anew; a test compares them with what mypy says today. Every
module that stands in no list is strict.
"""

import re
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
CONFIGURATION = Path(__file__).with_name("package.toml")
CHECKED = ["errors.py", "losses.py", "penalties.py", "language", "compiler", "runtime", "inspection", "cli"]

REASONS = {
    "partly": "signatures without types: bodies that Numba compiles, helpers that take any SymPy object",
    "unchecked": "what mypy cannot follow: attributes of SymPy and Numba, unions told apart elsewhere",
}
SETTINGS = {
    "partly": """disallow_untyped_defs = false
disallow_incomplete_defs = false
disallow_untyped_calls = false
disallow_any_generics = false
implicit_reexport = true
""",
    "unchecked": "ignore_errors = true\n",
}


def failing(configuration: Path) -> tuple[set[str], str]:
    """The modules in which mypy finds errors, and what it said."""
    paths = [str(Path("lossgen", each)) for each in CHECKED]
    command = [sys.executable, "-m", "mypy", "--config-file", str(configuration), *paths]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode in (0, 1), done.stdout + done.stderr
    files = re.findall(r"^(lossgen/[^:]+)\.py:\d+: error", done.stdout, re.MULTILINE)
    return {each.removesuffix("/__init__").replace("/", ".") for each in files}, done.stdout


def listed() -> dict[str, list[str]]:
    """The modules of each list."""
    partly, unchecked = tomllib.loads(CONFIGURATION.read_text("utf-8"))["tool"]["mypy"]["overrides"][-2:]
    return {"partly": partly["module"], "unchecked": unchecked["module"]}


def text(lists: dict[str, list[str]]) -> str:
    """The configuration: that of the project, then the lists."""
    project = (ROOT / "pyproject.toml").read_text("utf-8")
    begin = project.index("[tool.mypy]")
    common = project[begin : project.index("[tool.coverage.run]")].rstrip()
    parts = ["# Written by `python tests/typing/strictness.py --update`.\n\n" + common + "\n"]
    for name, modules in lists.items():
        lines = "".join(f'    "{each}",\n' for each in sorted(modules))
        head = f"\n[[tool.mypy.overrides]]  # {name}: {REASONS[name]}\n"
        parts.append(f"{head}module = [\n{lines}]\n{SETTINGS[name]}")
    return "".join(parts)


def lists_of_today() -> dict[str, list[str]]:
    """What has errors when all is strict, and what still has some when signatures may lack types."""
    with tempfile.TemporaryDirectory() as folder:
        trial = Path(folder, "trial.toml")
        trial.write_text(text({"partly": ["none"], "unchecked": ["none"]}), "utf-8")
        some, _ = failing(trial)
        trial.write_text(text({"partly": sorted(some), "unchecked": ["none"]}), "utf-8")
        many, _ = failing(trial)
    return {"partly": sorted(some - many), "unchecked": sorted(many)}


if __name__ == "__main__":
    today = lists_of_today()
    if "--update" in sys.argv:
        CONFIGURATION.write_text(text(today), "utf-8")
    for name, modules in today.items():
        print(f"{name}: {len(modules)} modules")
