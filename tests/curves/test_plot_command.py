"""`lossgen plot`: files, the terminal, one-line errors."""

import sys

import pytest
from requiring import require

from lossgen.cli import main
from lossgen.cli.main import with_negative_values

MY_LOSSES = """
import lossgen as lg

own = lg.declare("Own", lg.Mean(abs(lg.y_pred - lg.y_true)))
"""


def error_line(capsys) -> str:
    printed = capsys.readouterr()
    lines = printed.err.strip().splitlines()
    assert len(lines) == 1 and lines[0].startswith("lossgen: "), printed.err
    return lines[0].removeprefix("lossgen: ")


def test_curves_in_the_terminal_need_no_matplotlib(capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setenv("COLUMNS", "80")
    assert main(["plot", "huber", "--interval", "-2,2", "delta=0.5,1"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "Huber" and "δ = 0.5" in lines[2] and "δ = 1" in lines[2]
    assert max(map(len, lines)) == 80 and lines[-2].split()[::4] == ["−2", "2"]


def test_a_comparison_over_the_margin(capsys):
    assert main(["plot", "hinge", "--against", "squared_hinge", "--view", "margin", "--target", "-1"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "Hinge, SquaredHinge" and lines[-1].strip() == "margin y·p   (y = −1)"


def test_a_figure_goes_to_a_file(tmp_path, capsys):
    require("matplotlib", "plots")
    file = tmp_path / "huber.svg"
    assert main(["plot", "huber", "-o", str(file), "delta=0.5,1,2"]) == 0
    assert file.stat().st_size > 5_000 and capsys.readouterr().err.strip() == f"wrote {file}"


def test_level_sets_go_to_a_file(tmp_path):
    require("matplotlib", "plots")
    file = tmp_path / "simplex.svg"
    command = ["plot", "categorical_generalized_cross_entropy", "q=0.25", "--simplex", "--target", "2"]
    assert main([*command, "-o", str(file)]) == 0
    assert "class 2" in file.read_text("utf-8")


def test_losses_of_ones_own(tmp_path, capsys):
    (tmp_path / "mine.py").write_text(MY_LOSSES, encoding="utf-8")
    assert main(["plot", f"{tmp_path / 'mine.py'}:Own"]) == 0
    assert capsys.readouterr().out.startswith("Own\nL = 1/C · Σ |p − y|\nkink at 0\n")


REFUSED = [
    ("hubr", "there is no loss `hubr`; did you mean `huber`?"),
    ("focal", "there is no loss `focal`; did you mean `binary_focal_crossentropy`, "
     "`categorical_focal_crossentropy` or `sigmoid_focal`?"),
    ("MSEE", "there is no loss `MSEE`; did you mean `mean_squared_error` or "
     "`mean_squared_logarithmic_error`?"),
    ("huber --against hubr", "there is no loss `hubr`; did you mean `huber`?"),
    ("huber delta=-1", "`delta` must be a finite number > 0. Received: delta=-1"),
    ("huber delta=1,0", "`delta` must be a finite number > 0. Received: delta=0"),
    ("huber delta=wide", "`delta` must be a finite number > 0. Received: delta='wide'"),
    ("huber delt=1", "Huber has no parameter or option `delt`; did you mean `delta`?"),
    ("huber delta", "`delta` is no option; write name=value, for example from_logits=true"),
    ("huber --view margin", "Huber has no view over the margin; write view='residual' or view='prediction'"),
    ("huber --interval 2,-2", "`interval` must go from a smaller number to a larger one. Received: 2 to -2"),
    ("huber --interval 2", "`--interval 2`: write two numbers, such as --interval -2,2"),
    ("huber --target a", "`--target a`: write numbers with commas, such as --target 0,1"),
    ("poisson --interval -1,1", "`interval` must lie in the domain of the prediction of Poisson, from 0 on. "
     "Received: -1 to 1"),
    ("poisson --target -1", "a target of Poisson must be at least 0. Received: -1"),
    ("huber -o huber.gif", "a figure is saved by the ending of its file as .png, .svg, .pdf. "
     "Received: huber.gif"),
    ("huber --simplex", "level sets are not drawn in a terminal: add -o FILE.png, .svg or .pdf."),
    ("huber --simplex -o huber.png", "Huber is no loss of class probabilities, so it has no level sets over "
     "them; leave `simplex` out"),
    ("huber --arrows", "`--arrows` says something only with --simplex: add that, or leave it out."),
]  # fmt: skip


@pytest.mark.parametrize(("words", "message"), REFUSED, ids=[words for words, _ in REFUSED])
def test_bad_input_is_one_line(words, message, capsys):
    require("matplotlib", "plots")
    assert main(["plot", *words.split()]) == 2
    assert error_line(capsys) == message


def test_without_matplotlib_files_say_what_to_install(capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert main(["plot", "huber", "-o", "huber.png"]) == 2
    assert error_line(capsys) == "plots need matplotlib: pip install 'lossgen[plot]'"


def test_negative_values_and_options_at_the_end(capsys):
    assert with_negative_values(["plot", "huber", "--interval", "-2,2", "-o", "-x.png"]) == [
        "plot", "huber", "--interval=-2,2", "-o", "-x.png",
    ]  # fmt: skip
    with pytest.raises(SystemExit) as stop:
        main(["plot", "huber", "--nonsense"])
    assert stop.value.code == 2
    assert error_line(capsys) == "unrecognized arguments: --nonsense; see `lossgen --help`"
    with pytest.raises(SystemExit) as stop:
        main(["plot", "huber", "--view", "foo"])
    assert stop.value.code == 2 and "argument --view: invalid choice: 'foo'" in error_line(capsys)
    assert main(["show", "binary_crossentropy", "--latex", "from_logits=true"]) == 0
    assert "softplus" in capsys.readouterr().out
