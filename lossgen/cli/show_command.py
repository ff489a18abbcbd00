"""Show one loss: its explanation as text, LaTeX, HTML or JSON; or its code, its machine code, its cost."""

import argparse
from typing import TYPE_CHECKING, Any, cast

from rich.console import Console

from lossgen.cli.finding import instance, named, only_options
from lossgen.errors import CommandError
from lossgen.language.declaration import Declaration
from lossgen.runtime.variant import OUTPUTS

if TYPE_CHECKING:
    from lossgen.runtime.loss import Loss

LEXERS = {"asm": "gas", "llvm": "llvm"}

EPILOG = """\
examples:
  lossgen show huber
  lossgen show categorical_crossentropy from_logits=true --trace
  lossgen show mse --json
  lossgen show dice --code
  lossgen show huber --asm --dtype float64
  lossgen show sparse_categorical_crossentropy from_logits=true --asm --schedule lanes
  lossgen show huber --cuda --shape 1000000x1
  lossgen show my_losses.py:wing_ratio

Options of the loss are written name=value; the others have their defaults.
"""


def add_arguments(command: argparse.ArgumentParser) -> None:
    """The arguments of `lossgen show`."""
    command.add_argument("name", metavar="NAME", help="name, class or identifier of a loss, or FILE.py:NAME")
    command.add_argument("options", nargs="*", metavar="OPTION=VALUE", help="options of the loss")
    what = command.add_mutually_exclusive_group()
    what.add_argument("--latex", action="store_true", help="the same as LaTeX, a part of a document")
    what.add_argument("--html", action="store_true", help="the same as a part of a page, formulas typeset")
    what.add_argument("--json", action="store_true", help="the same for programs")
    what.add_argument("--code", action="store_true", help="the generated module")
    what.add_argument("--asm", action="store_true", help="the hot loops of a kernel and a report on them")
    what.add_argument("--llvm", action="store_true", help="LLVM's code of a kernel after optimisation")
    what.add_argument(
        "--cuda", action="store_true", help="registers, traffic and least times of the kernels for GPUs"
    )
    command.add_argument("--trace", action="store_true", help="every rewrite with its before and after")
    command.add_argument(
        "--output", choices=OUTPUTS, help="kernel of --asm and --llvm; value_and_gradient if not said"
    )
    command.add_argument(
        "--dtype", choices=("float32", "float64"), help="of targets and predictions; float32 if not said"
    )
    command.add_argument(
        "--schedule", choices=("flat", "rows", "lanes"), help="how a kernel of --asm or --llvm sees data"
    )
    command.add_argument(
        "--capability", choices=("8.0", "9.0"), help="of the GPU, for --cuda; 9.0 if not said"
    )
    command.add_argument(
        "--shape",
        type=shape,
        metavar="ROWSxCOLUMNS",
        help="of predictions, for --cuda; 16384x1024 if not said",
    )


def shape(written: str) -> tuple[int, int]:
    """ "16384x1024" as numbers."""
    rows, _, columns = written.replace("×", "x").partition("x")
    if not (rows.isdecimal() and columns.isdecimal() and int(rows) and int(columns)):
        raise argparse.ArgumentTypeError(f"write ROWSxCOLUMNS, for example 16384x1024, not {written!r}")
    return int(rows), int(columns)


BELONGINGS = {
    "output": ("asm", "llvm"),
    "schedule": ("asm", "llvm"),
    "dtype": ("asm", "llvm", "cuda"),
    "capability": ("cuda",),
    "shape": ("cuda",),
}
"""What an option says something about."""


def check_belongings(options: argparse.Namespace) -> None:
    """Refuses an option that would say nothing.

    Raises:
        CommandError: names the option, and what it goes with.
    """
    for name, places in BELONGINGS.items():
        if getattr(options, name) is not None and not any(getattr(options, place) for place in places):
            others = " or ".join(f"--{place}" for place in places)
            raise CommandError(f"`--{name}` says something only with {others}: add that, or leave it out.")


def run(options: argparse.Namespace) -> int:
    """Print what was asked for."""
    check_belongings(options)
    declaration = named(options.name)
    chosen = only_options(declaration, options.options)
    dtype = options.dtype or "float32"
    if options.code:
        from lossgen.inspection.source import source

        _print_code(source(declaration, **chosen), "python")
    elif options.asm or options.llvm:
        kind = "asm" if options.asm else "llvm"
        loss = instance(declaration, chosen)
        output = options.output or "value_and_gradient"
        _print_code(loss.source(kind, output, dtype, options.schedule), LEXERS[kind])
    elif options.cuda:
        from lossgen.inspection.cuda.report import report

        major, minor = map(int, (options.capability or "9.0").split("."))
        shape = options.shape or (16_384, 1_024)
        made = cast("Loss", instance(declaration, chosen))  # a penalty is refused there
        print(report(made, dtype, (major, minor), shape), end="")
    else:
        _print_explanation(declaration, options, chosen)
    return 0


def _print_explanation(declaration: Declaration, options: argparse.Namespace, chosen: dict[str, Any]) -> None:
    """In the form that was asked for; with colours in a terminal, plain into a file or a pipe."""
    from lossgen.inspection.explanation import explain

    explanation = explain(declaration, trace=options.trace, **chosen)
    console = Console()
    if options.json:
        print(explanation.json(), end="")
    elif options.latex:
        print(explanation.latex(), end="")
    elif options.html:
        print(explanation.html())
    elif console.is_terminal:
        console.print(explanation)
    else:
        print(explanation, end="")


def _print_code(code: str, lexer: str) -> None:
    """With colours in a terminal, as it is into a file or a pipe."""
    console = Console()
    if not console.is_terminal:
        print(code, end="")
        return
    from rich.syntax import Syntax

    console.print(Syntax(code, lexer, background_color="default"))
