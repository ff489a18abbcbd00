"""What is counted out of the coverage is what Numba compiles; figures are sums of lines and branches."""

import tomllib
from pathlib import Path

from coverage_figures import figures

from lossgen.runtime.digest import INLINED

ROOT = Path(__file__).parents[1]


def test_what_is_counted_out_is_what_kernels_inline():
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["coverage"]["run"]
    counted_out = {name.removeprefix("*/runtime/").removesuffix("/*") for name in settings["omit"]}
    assert counted_out == set(INLINED)


def test_figures():
    summary = {"num_statements": 6, "covered_lines": 5, "num_branches": 4, "covered_branches": 3}
    empty = {"num_statements": 10, "covered_lines": 0, "num_branches": 0, "covered_branches": 0}
    report = {
        "files": {
            "lossgen/language/a.py": {"summary": summary},
            "/x/lossgen/runtime/b.py": {"summary": empty},
        }
    }
    assert figures(report) == {"language": 80.0, "runtime": 0.0}
