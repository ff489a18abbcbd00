"""Show one loss: its formula, gradient and Hessian, rewrites, passes; or its LaTeX; or the generated code."""

import argparse

from rich.console import Console

from lossgen.cli.finding import find, from_file, option_values

EPILOG = """\
examples:
  lossgen show huber
  lossgen show categorical_crossentropy from_logits=true --trace
  lossgen show mse --latex
  lossgen show dice --code
  lossgen show my_losses.py:wing_ratio

Options of the loss are written name=value; the others have their defaults.
"""


def add_arguments(command: argparse.ArgumentParser) -> None:
    """The arguments of `lossgen show`."""
    command.add_argument("name", metavar="NAME", help="name, class or identifier of a loss, or FILE.py:NAME")
    command.add_argument("options", nargs="*", metavar="OPTION=VALUE", help="options of the loss")
    what = command.add_mutually_exclusive_group()
    what.add_argument("--latex", action="store_true", help="loss, gradient and Hessian as LaTeX source")
    what.add_argument("--code", action="store_true", help="the generated module")
    what.add_argument("--trace", action="store_true", help="every rewrite with its before and after")


def run(options: argparse.Namespace) -> int:
    """Print what was asked for."""
    file, colon, name = options.name.rpartition(":")
    declaration = find(name, from_file(file)) if colon else find(options.name)
    chosen = option_values(options.options)
    if options.latex:
        from lossgen.inspection.formulas import WHICH, latex

        print("\n".join(latex(declaration, which, **chosen) for which in WHICH))
    elif options.code:
        from lossgen.inspection.source import source

        _print_code(source(declaration, **chosen))
    else:
        from lossgen.inspection.explain import explain

        print(explain(declaration, trace=options.trace, **chosen), end="")
    return 0


def _print_code(code: str) -> None:
    """With colours in a terminal, as it is into a file or a pipe."""
    console = Console()
    if not console.is_terminal:
        print(code, end="")
        return
    from rich.syntax import Syntax

    console.print(Syntax(code, "python", background_color="default"))
