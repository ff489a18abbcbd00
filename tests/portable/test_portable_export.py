"""Exported modules: bit for bit what lossgen computes, in a process that has neither lossgen nor SymPy."""

import ast
import importlib
import json
import os
import subprocess
import sys
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from portable.declared import own_penalty, two_scopes, with_further_input

import lossgen as lg
from lossgen.catalog import DECLARATIONS, PENALTIES
from lossgen.cli import main
from lossgen.errors import CompileError
from lossgen.export.module import exported
from lossgen.language.declaration import Declaration

HERE = Path(__file__).parent
SHIPPED: dict[str, Declaration] = {each.name: each for each in (*DECLARATIONS, *PENALTIES)}

EXPORTED = {
    "huber": ("numbers", {"delta": 0.5}, [("few", "float64"), ("chunks", "float64")]),
    "sparse_categorical_crossentropy": (
        "labels",
        {"from_logits": True, "ignore_class": 1},
        [("few", "float32"), ("tiles", "float64"), ("long", "float32")],
    ),
    "dice": ("probabilities", {}, [("few", "float64"), ("long", "float32")]),
    "hinge": ("signs", {}, [("few", "float32")]),
    "two": ("probabilities", {}, [("few", "float32")]),
}
EXPORTED_PENALTIES = {"total_variation": {"axes": [0, 2]}, "own_penalty": {"weight": 0.5, "axis": 1}}
OWN = {"two": two_scopes.renamed("two"), "own_penalty": own_penalty}

PROGRAM = """
import json, sys
from pathlib import Path

where, turn = sys.argv[1:]
if where == "exported":
    for name in ("lossgen", "sympy", "jinja2", "mpmath"):
        sys.modules[name] = None
else:
    import lossgen
sys.path[:0] = [{here!r}, str(Path.cwd())]
from importlib import import_module
import numpy as np
from exported_calls import losses, penalties

for name, (text, cls, kind, arguments, calls) in json.loads(Path("calls.json").read_text()).items():
    if where == "exported":
        made = getattr(import_module(name), cls)
    else:
        made = lossgen.compile(lossgen.from_json(text))
    found = penalties(made, arguments) if kind is None else losses(made, kind, arguments, calls)
    np.savez(f"{{where}}_{{turn}}_{{name}}.npz", **found)
    one = made(**arguments)
    assert repr(made.from_config(json.loads(json.dumps(one.get_config())))) == repr(one)
"""


def test_results_are_those_of_lossgen_bit_for_bit(tmp_path):
    """In a process that compiles all kernels, and in one that reads their machine code from files."""
    calls = {**EXPORTED, **{name: (None, each, []) for name, each in EXPORTED_PENALTIES.items()}}
    table = {}
    for name, call in calls.items():
        declaration = OWN.get(name) or SHIPPED[name]
        (tmp_path / f"{name}.py").write_text(exported(declaration), encoding="utf-8")
        table[name] = (lg.to_json(declaration), declaration.class_name, *call)
    (tmp_path / "calls.json").write_text(json.dumps(table))
    (tmp_path / "program.py").write_text(PROGRAM.format(here=str(HERE)))
    runs = [(where, turn) for turn in ("compiled", "loaded") for where in ("lossgen", "exported")]
    for where, turn in runs:
        own_cache = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path / where)}
        command = [sys.executable, "-I", "program.py", where, turn]
        run = subprocess.run(command, cwd=tmp_path, env=own_cache, capture_output=True, text=True)
        assert run.returncode == 0, run.stderr[-3000:]
    for (where, turn), name in product(runs[1:], calls):
        with (
            np.load(tmp_path / f"{where}_{turn}_{name}.npz") as found,
            np.load(tmp_path / f"lossgen_compiled_{name}.npz") as expected,
        ):
            assert set(found.files) == set(expected.files)
            for key in expected.files:
                one, other = found[key], expected[key]
                assert one.dtype == other.dtype and one.tobytes() == other.tobytes(), (where, turn, name, key)


@pytest.mark.parametrize(
    "declaration", [*DECLARATIONS[::8], *PENALTIES[::3]], ids=lambda each: each.name
)
def test_a_module_defines_what_it_uses_and_no_more(declaration):
    tree = ast.parse(exported(declaration))
    roots = {
        (node.module if isinstance(node, ast.ImportFrom) else alias.name).partition(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
    assert roots - sys.stdlib_module_names == {"numpy", "numba", "llvmlite"}  # llvmlite is a part of Numba
    defined = [name for node in tree.body for name in names_of(node)]
    assert len(defined) == len(set(defined))
    used = {
        node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)
    }
    used |= {"__all__", declaration.name, declaration.class_name}
    assert [names for node in tree.body if (names := names_of(node)) and not used & {*names}] == []


def names_of(node):
    if isinstance(node, ast.Import | ast.ImportFrom):
        return [] if getattr(node, "module", "") == "__future__" else [a.asname or a.name for a in node.names]
    if isinstance(node, ast.Assign):
        return [each.id for target in node.targets for each in ast.walk(target) if isinstance(each, ast.Name)]
    if isinstance(node, ast.AnnAssign):
        return [node.target.id]
    return [node.name] if hasattr(node, "name") else []


@pytest.mark.parametrize("name", ["math", "inspect", "team"])
def test_a_loss_may_be_called_as_a_module_that_is_used(name, tmp_path, monkeypatch):
    text = exported(lg.declare(name, "mean(delta*(p - y)**2)", delta=2.0))
    (tmp_path / f"vendored_{name}.py").write_text(text, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    made = importlib.import_module(f"vendored_{name}")  # all names are defined; nothing is compiled
    assert getattr(made, name).loss_class is getattr(made, name.capitalize())
    assert f"# {name}: generated from the formula -" in text


def test_every_rejected_argument_is_named(tmp_path, monkeypatch):
    (tmp_path / "exported_huber.py").write_text(exported(SHIPPED["huber"]), encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    from exported_huber import Huber, huber

    y, p = np.zeros((2, 3)), np.ones((2, 3))
    assert Huber(0.5)(y, p) == lg.losses.Huber(0.5)(y, p) and repr(Huber(0.5)) == "Huber(delta=0.5)"
    np.testing.assert_array_equal(huber(y, p, delta=2.0), lg.losses.huber(y, p, delta=2.0))
    assert issubclass(Huber.__mro__[1].__mro__[1], object) and Huber(reduction="auto").reduction != "auto"
    for wrong, message in (
        (lambda: Huber(-1.0), "`delta` must be a finite number > 0"),
        (lambda: Huber(reduction="all"), "Invalid value for argument `reduction`"),
        (lambda: Huber(dtype="int8"), "`dtype` must be None"),
        (lambda: Huber()(y, p[:, :2]), "must have the same shape"),
        (lambda: Huber()(y, p, np.ones(5)), "`sample_weight` must broadcast"),
        (lambda: Huber()(np.ma.array(y), p), "must not be a masked array"),
        (lambda: Huber.from_config({"sigma": 1}), "has no argument `sigma`"),
    ):
        with pytest.raises(ValueError, match=message):
            wrong()
    with pytest.raises(AttributeError, match="`delta` of Huber cannot be changed"):
        Huber().delta = 2.0
    with pytest.raises(CompileError, match="extra inputs"):
        exported(with_further_input)


def test_the_command(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("mine.py").write_text(
        "import lossgen as lg\n\n@lg.loss\ndef cubic(y_true, y_pred):\n"
        "    return lg.Mean(abs(y_pred - y_true) ** 3)\n"
    )
    assert main(["export", "mse", "mine.py:cubic", "l1", "-o", "vendored"]) == 0
    assert {path.name for path in Path("vendored").iterdir()} == {
        "mean_squared_error.py",
        "cubic.py",
        "l1.py",
    }
    first = Path("vendored/cubic.py").read_text("utf-8")
    assert main(["export", "mine.py:cubic", "-o", "vendored"]) == 0  # its own file is written again
    assert Path("vendored/cubic.py").read_text("utf-8") == first
    Path("vendored/huber.py").write_text("mine = 1\n")
    capsys.readouterr()
    assert main(["export", "huber", "l2", "-o", "vendored"]) == 2
    assert "huber.py was not written by `lossgen export`" in capsys.readouterr().err
    assert Path("vendored/huber.py").read_text() == "mine = 1\n" and not Path("vendored/l2.py").exists()
    assert main(["export", "huber", "-o", "mine.py"]) == 2
    assert "mine.py is a file, where a folder is needed" in capsys.readouterr().err
    assert main(["export", "hubert", "-o", "vendored"]) == 2
    assert "did you mean `huber`?" in capsys.readouterr().err


def test_commands_read_what_to_json_wrote(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    declaration = lg.declare("cubic", lg.Mean(abs(lg.y_pred - lg.y_true) ** 3))
    Path("cubic.json").write_text(lg.to_json(declaration), encoding="utf-8")
    assert main(["export", "cubic.json", "-o", "vendored"]) == 0
    assert Path("vendored/cubic.py").read_text("utf-8") == exported(declaration)
    assert main(["build", "cubic.json", "-o", "built"]) == 0 and Path("built/cubic.py").is_file()
    capsys.readouterr()
    Path("bad.json").write_text('{"lossgen": 1, "kind": "model"}')
    assert main(["show", "bad.json"]) == 2
    assert "kind: 'model' is none of 'loss', 'penalty'" in capsys.readouterr().err
    Path("large.json").write_text(" " * 1_000_001)
    assert main(["show", "large.json"]) == 2
    assert "large.json has more than 1000000 bytes" in capsys.readouterr().err
