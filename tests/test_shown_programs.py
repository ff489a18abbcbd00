"""The programs that the documentation shows beside its pages' own: snippets of every loss, the gallery."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from requiring import require

DOCS = Path(__file__).parents[1] / "docs"

SNIPPETS = """
import sys
sys.path.insert(0, {extensions!r})
from lossgen import losses, penalties
from lossgen.catalog import DECLARATIONS, PENALTIES
from loss_pages.snippets import snippets

count = 0
for declaration in (*DECLARATIONS, *PENALTIES):
    made = getattr(losses if declaration in DECLARATIONS else penalties, declaration.class_name)
    for snippet in snippets(declaration, made):
        if snippet.framework != {framework!r}:
            continue
        code = snippet.code
        if count % {every}:  # imports and data; the loss is made, not called
            head, mark, rest = code.partition("loss = ")
            code = head + mark + rest.partition("\\n")[0]
        try:
            exec(compile(code, declaration.name, "exec"), {{"__name__": "snippet"}})
        except Exception as error:
            raise AssertionError(code) from error
        count += 1
print(count)
"""


@pytest.mark.parametrize(
    ("framework", "module", "count", "every"),
    [
        ("NumPy", "numpy", 44, 1),
        ("Keras", "keras", 44, 1),
        ("PyTorch", "torch", 44, 9),
        ("JAX", "jax", 44, 9),
        ("TensorFlow", "tensorflow", 44, 9),
        ("XGBoost", "xgboost", 12, 1),
    ],
)
def test_snippets_of_the_pages_run(framework, module, count, every, tmp_path):
    """Where kernels of a framework's own take long to compile, one of `every` is called; all are made."""
    require(module, "runs what the pages show")
    require("sphinx", "runs what the pages show")
    program = tmp_path / "snippets.py"
    text = SNIPPETS.format(extensions=str(DOCS / "_extensions"), framework=framework, every=every)
    program.write_text(text, encoding="utf-8")
    environment = os.environ | {"KERAS_BACKEND": "torch", "TF_CPP_MIN_LOG_LEVEL": "3"}
    run = subprocess.run(
        [sys.executable, program], cwd=tmp_path, capture_output=True, text=True, env=environment
    )
    assert run.returncode == 0, run.stderr
    assert int(run.stdout.split()[-1]) == count


@pytest.mark.parametrize("example", sorted((DOCS / "examples").glob("*.py")), ids=lambda path: path.stem)
def test_examples_of_the_gallery_run(example, tmp_path):
    for module in ("sklearn", "matplotlib", "torch", "keras", "lightgbm"):
        require(module, "runs the examples")
    environment = os.environ | {"KERAS_BACKEND": "torch", "MPLBACKEND": "Agg"}
    run = subprocess.run(
        [sys.executable, example], cwd=tmp_path, capture_output=True, text=True, env=environment
    )
    assert run.returncode == 0, run.stderr
