"""The parser of the command line and the way its errors are shown."""

import argparse
import os
import re
import sys
from collections.abc import Sequence
from importlib import import_module
from types import ModuleType
from typing import NoReturn

import lossgen
from lossgen.errors import LossgenError, readable

COMMANDS = {
    "list": "the losses that ship",
    "show": "formula, gradient, Hessian, passes of a loss",
    "plot": "curves of a loss in the terminal or as a file",
    "explore": "a page with sliders: curves of losses, formulas, kernels",
    "build": "write the modules of declared losses",
    "export": "write losses as modules that need no lossgen",
    "warm": "compile losses ahead of their first use",
    "cache": "what lg.compile has kept, and how to remove it",
    "verify": "accuracy of losses against their formulas",
}
"""Subcommands and what they show or do; each is a module of this package with `add_arguments` and `run`."""

EPILOG = """\
examples:
  lossgen list
  lossgen show huber
  lossgen show binary_crossentropy from_logits=true --latex
  lossgen explore huber log_cosh -o huber.html
  lossgen plot huber delta=0.5,1,2 -o huber.svg
  lossgen build my_losses.py -o my_package/
  lossgen build --check
  lossgen export huber -o vendored/
  lossgen warm huber
  lossgen verify my_losses.py

`lossgen COMMAND --help` tells more.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        arguments: what follows `lossgen`; by default that of the process.

    Returns:
        The exit code: 0, 1 where a check failed, 2 for an error of the person's.
    """
    options = parsed(sys.argv[1:] if arguments is None else arguments)
    try:
        return command_module(options.command).run(options)
    except LossgenError as error:
        return refuse(str(error))
    except KeyboardInterrupt:
        return refuse("interrupted", code=130)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:  # no space left, no permission
        return refuse(f"{error.strerror}: {error.filename}" if error.filename else str(error))


class Parser(argparse.ArgumentParser):
    """A parser that says in one line what is wrong, like every other error."""

    def error(self, message: str) -> NoReturn:
        """End the program with exit code 2."""
        sys.exit(refuse(f"{message}; see `{self.prog} --help`"))


def parser() -> argparse.ArgumentParser:
    """The parser with every subcommand."""
    top = Parser(
        prog="lossgen",
        description="A loss compiler: write the formula once, get its derivatives and fast kernels.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("--version", action="version", version=f"lossgen {lossgen.__version__}")
    commands = top.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, summary in COMMANDS.items():
        module = command_module(name)
        command = commands.add_parser(
            name,
            help=summary,
            description=module.__doc__,
            epilog=module.EPILOG,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        module.add_arguments(command)
    return top


def parsed(arguments: Sequence[str]) -> argparse.Namespace:
    """The arguments as values; `name=value` may stand after an option, and a value may be negative."""
    top = parser()
    options, rest = top.parse_known_args(with_negative_values(arguments))
    if rest and hasattr(options, "options") and not any(word.startswith("-") for word in rest):
        options.options += rest
    elif rest:
        top.error(f"unrecognized arguments: {' '.join(rest)}")
    return options


def with_negative_values(arguments: Sequence[str]) -> list[str]:
    """`--interval -2,2`, which would be taken for two options, as `--interval=-2,2`."""
    joined: list[str] = []
    for word in arguments:
        if re.match(r"[-−][\d.]", word) and joined and re.fullmatch(r"--[a-z-]+", joined[-1]):
            joined[-1] += f"={word}"
        else:
            joined.append(word)
    return joined


def command_module(name: str) -> ModuleType:
    """The module of a subcommand."""
    return import_module(f"lossgen.cli.{name}_command")


def refuse(message: str, code: int = 2) -> int:
    """Say on standard error, in one line, what is wrong."""
    print(f"lossgen: {' '.join(readable(message).split())}", file=sys.stderr)
    return code
