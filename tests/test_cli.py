"""The command line: what it prints, its exit codes, its one-line errors."""

import errno
import subprocess
import sys

import pytest

import lossgen
from lossgen.catalog import DECLARATIONS, PENALTIES
from lossgen.cli import main

MY_LOSSES = """
import sympy as sp
import lossgen as lg

@lg.loss
def my_loss(y_true, y_pred, *, width=lg.Parameter(2.0, positive=True)):
    \"\"\"Bounded squared error.\"\"\"
    return lg.Mean(1 - sp.exp(-((y_pred - y_true) / width) ** 2))

other = lg.declare("OtherLoss", lg.Mean(abs(lg.y_pred - lg.y_true)))
"""


@pytest.fixture
def my_losses(tmp_path):
    path = tmp_path / "my_losses.py"
    path.write_text(MY_LOSSES, encoding="utf-8")
    return path


def python(*arguments: str, cwd=None) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, *arguments], cwd=cwd, capture_output=True, text=True)


def error_line(capsys) -> str:
    """What was printed on standard error: one line, no traceback."""
    printed = capsys.readouterr()
    lines = printed.err.strip().splitlines()
    assert len(lines) == 1 and lines[0].startswith("lossgen: "), printed.err
    return lines[0]


def test_a_full_disk_is_one_line(my_losses, tmp_path, monkeypatch, capsys):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device", "somewhere")

    monkeypatch.setattr("lossgen.compiler.files.os.replace", full)
    assert main(["build", str(my_losses), "-o", str(tmp_path / "package")]) == 2
    assert error_line(capsys) == "lossgen: No space left on device: somewhere"


def test_version(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["--version"])
    assert stop.value.code == 0
    assert capsys.readouterr().out.strip() == f"lossgen {lossgen.__version__}"


@pytest.mark.parametrize("command", ["", "list", "show", "explore", "plot", "build", "warm", "verify"])
def test_help_has_examples(command, capsys):
    with pytest.raises(SystemExit) as stop:
        main([*command.split(), "--help"])
    assert stop.value.code == 0
    assert "examples:" in capsys.readouterr().out


def test_list_shows_every_loss(capsys):
    assert main(["list", "--names"]) == 0
    assert capsys.readouterr().out.split() == [each.name for each in (*DECLARATIONS, *PENALTIES)]


def test_list_is_a_table(capsys):
    assert main(["list", "--group", "robust"]) == 0
    page = capsys.readouterr().out
    assert "cauchy" in page and "c=1" in page and "log(1 + e²/(2·c²))" in page
    assert "huber" not in page
    assert main(["list", "nothing_like_it"]) == 1


def test_show(capsys):
    assert main(["show", "mse"]) == 0
    assert "gradient  g = 2·e/C" in capsys.readouterr().out
    assert main(["show", "BinaryCrossentropy", "from_logits=true", "--latex"]) == 0
    assert r"\sigma\left(p\right)" in capsys.readouterr().out
    assert main(["show", "huber", "--code"]) == 0
    assert "class Huber(Loss)" in capsys.readouterr().out
    assert main(["show", "log_cosh", "--trace"]) == 0
    assert "→" in capsys.readouterr().out


def test_show_a_loss_of_ones_own(my_losses, capsys):
    assert main(["show", f"{my_losses}:my_loss"]) == 0
    assert "MyLoss(width=2)" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["show", "hubber"], "there is no loss `hubber`; did you mean `huber`?"),
        (["show", "zzz"], "there is no loss `zzz`; see `lossgen list`"),
        (["show", "huber", "delta"], "`delta` is no option; write name=value"),
        (["show", "huber", "delta=2"], "`show` takes options only, and `delta` of huber is a parameter: "
         "leave it out, or see its curve with `lossgen plot huber delta=2`"),
        (["show", "huber", "foo=1"], "huber has no option `foo`, and none at all; leave it out"),
        (["show", "binary_crossentropy", "foo=1"], "no option `foo`; its options are from_logits"),
        (["show", "examples/my_losses.py"], "write which of its losses: examples/my_losses.py:QuantileHuber"),
        (["show", "binary_crossentropy", "from_logit=true"], "did you mean `from_logits`?"),
        (["show", "binary_crossentropy", "from_logits=maybe"], "`from_logits` must be one of False, True"),
        (["build", "nope.py", "-o", "x"], "there is no file nope.py"),
        (["build", "my_losses.py"], "say where the modules go: lossgen build my_losses.py -o"),
    ],
)
def test_errors_are_one_line_and_exit_code_2(arguments, message, capsys):
    assert main(arguments) == 2
    assert message in error_line(capsys)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = 1", "declares no loss"),
        ("x =", "line 1"),
        ("\n1 / 0", "line 2 fails: ZeroDivisionError"),
        ("import lossgen as lg\nlg.declare('Bad', lg.y_pred)", "one value a column"),
    ],
)
def test_a_bad_file_is_reported_with_its_line(text, message, tmp_path, capsys):
    path = tmp_path / "bad.py"
    path.write_text(text, encoding="utf-8")
    assert main(["build", str(path), "-o", str(tmp_path / "out")]) == 2
    assert message in error_line(capsys)


def test_build_writes_a_package_that_works(my_losses, tmp_path, capsys):
    package = tmp_path / "my_package"
    assert main(["build", str(my_losses), "-o", str(package)]) == 0
    assert {path.name for path in package.iterdir()} == {
        "__init__.py", "_cuda_my_loss.py", "_cuda_other_loss.py", "my_loss.py", "other_loss.py",
    }  # fmt: skip
    assert main(["build", str(my_losses), "-o", str(package), "--check"]) == 0

    program = "from my_package import MyLoss; print(MyLoss(width=1)([0.0, 0.0], [1.0, 1.0]))"
    run = python("-c", program, cwd=tmp_path)
    assert run.returncode == 0, run.stderr
    assert float(run.stdout) == pytest.approx(1 - 2.718281828459045**-1)

    (package / "my_loss.py").write_text("# edited\n", encoding="utf-8")
    capsys.readouterr()
    assert main(["build", str(my_losses), "-o", str(package), "--check"]) == 1
    assert "my_loss.py" in capsys.readouterr().err


def test_build_leaves_the_files_of_a_person(my_losses, tmp_path, capsys):
    (tmp_path / "other_loss.py").write_text("x = 1\n", encoding="utf-8")
    assert main(["build", str(my_losses), "-o", str(tmp_path)]) == 2
    assert "other_loss.py was not written by lossgen" in error_line(capsys)
    assert {path.name for path in tmp_path.iterdir()} == {"my_losses.py", "other_loss.py"}


@pytest.mark.parametrize("module", ["lossgen", "lossgen.cli"])
def test_the_command_runs_as_a_module(module):
    run = python("-m", module, "show", "nope")
    assert run.returncode == 2 and run.stdout == "" and "Traceback" not in run.stderr


@pytest.mark.parametrize(
    "words",
    [["--capability", "9.0"], ["--shape", "5x5"], ["--dtype", "float64"], ["--cuda", "--schedule", "rows"]],
)
def test_show_refuses_an_option_that_says_nothing(words, capsys):
    assert main(["show", "huber", *words]) == 2
    assert "says something only with --" in error_line(capsys)
