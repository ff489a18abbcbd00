"""The documents: every Python block runs, every link leads somewhere, the examples do what they say."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from requiring import require

import lossgen as lg

ROOT = Path(__file__).parents[1]
WRITTEN_BY_THE_BUILD = ("_build", "losses", "gallery", "changelog.md", "commands.md")
PAGES = [
    ROOT / "README.md",
    *sorted(
        page
        for page in (ROOT / "docs").rglob("*.md")
        if not set(page.relative_to(ROOT / "docs").parts) & set(WRITTEN_BY_THE_BUILD)
    ),
]
BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)#:]+)\)")


def python(script: Path, cwd: Path) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, script], cwd=cwd, capture_output=True, text=True)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_python_blocks_run_one_after_the_other(page, tmp_path):
    """In a file of its own, because a declaration reads its own source."""
    name = page.stem.replace("-", "_")
    program = tmp_path / f"page_{name}.py"  # not dask.py, which would hide dask
    program.write_text("\n\n".join(BLOCK.findall(page.read_text("utf-8"))), encoding="utf-8")
    run = python(program, cwd=tmp_path)
    assert run.returncode == 0, run.stderr


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_between_pages_lead_somewhere(page):
    """But for links to pages that the build writes; it checks those, see test_documentation.py."""
    links = LINK.findall(page.read_text("utf-8"))
    missing = [link for link in links if not (page.parent / link).exists()]
    assert not [link for link in missing if not set(Path(link).parts) & set(WRITTEN_BY_THE_BUILD)]


def test_commands_of_the_page_on_shipping_run(tmp_path, monkeypatch):
    from lossgen.cli import main

    monkeypatch.chdir(tmp_path)
    page = (ROOT / "docs" / "howto" / "ship-losses.md").read_text("utf-8")
    exec(BLOCK.search(page)[1], {})  # writes my_losses.py
    commands = re.findall(r"^lossgen (.*)$", page, re.MULTILINE)
    assert [command.split()[0] for command in commands] == ["build", "verify", "export", "warm"]
    for command in commands:
        assert main(command.split()) == 0


def test_the_landing_page_shows_what_is_derived_generated_and_measured():
    import json

    from lossgen.catalog.regression import huber

    page = (ROOT / "docs" / "index.md").read_text("utf-8")
    shown = " ".join(page.split())
    assert huber.latex("gradient") in page and huber.latex("hessian") in page
    code = huber.code()
    point = code[code.index("def element") : code.index("return sum_1_element")]
    assert " ".join(point.split()) in shown
    run = json.loads((ROOT / "benchmarks" / "results" / "bench.json").read_text("utf-8"))
    (case,) = [case for case in run["cases"] if case["name"] == "huber 16M"]
    names = {"lossgen": "lossgen", "JAX, `jit`": "jax", "PyTorch, eager": "torch"}
    names |= {"scikit-learn": "sklearn", "Keras on PyTorch": "keras torch"}
    for name, peer in names.items():
        (figure,) = re.findall(rf"^\| {re.escape(name)} \| ([\d.]+) \|$", page, re.MULTILINE)
        assert float(figure) == pytest.approx(1000 * case["peers"][peer]["seconds"], rel=0.02)


def test_the_explanation_in_the_readme_is_what_explain_prints(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "examples")
    from my_losses import quantile_huber

    page = (ROOT / "README.md").read_text("utf-8")
    shown = page.partition(">>> print(quantile_huber.explain())\n")[2].partition("\n…")[0]
    assert len(shown) > 500 and str(quantile_huber.explain()).startswith(shown)


def test_the_losses_of_the_examples_have_the_gradients_of_their_values(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "examples")
    from my_losses import quantile_huber, symmetric_cross_entropy

    random, step = np.random.default_rng(0), 1e-6
    p = random.normal(size=(5, 3))
    targets = {quantile_huber: np.zeros((5, 3)), symmetric_cross_entropy: np.array([0, 1, 2, 1, 0])}
    for declaration, y in targets.items():
        loss = lg.compile(declaration)()
        gradient = loss.gradient(y, p)
        for place in np.ndindex(p.shape):
            change = np.zeros_like(p)
            change[place] = step
            slope = (loss(y, p + change) - loss(y, p - change)) / (2 * step)
            assert gradient[place] == pytest.approx(slope, abs=1e-8)


def test_the_demo_runs(tmp_path):
    for module in ("sklearn", "matplotlib"):
        require(module, "the demo")
    demo = python(ROOT / "examples" / "demo.py", cwd=tmp_path)
    assert demo.returncode == 0, demo.stderr
    assert {path.name for path in (tmp_path / "demo_output").iterdir()} == {
        "loss_gradient_hessian.png", "fit.png", "digits.png",
    }  # fmt: skip
    lines = [line for line in demo.stdout.splitlines() if "│" in line]
    rows = [[cell.strip(" %") for cell in line.split("│")] for line in lines]
    last_epoch = {row[1]: float(row[3]) for row in rows if "entropy" in row[1]}
    assert last_epoch["symmetric cross-entropy"] > last_epoch["cross-entropy"] + 3
