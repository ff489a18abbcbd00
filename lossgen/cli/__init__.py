"""The command `lossgen`: one module a subcommand; an error is one readable line and exit code 2."""

from lossgen.cli.main import main

__all__ = ["main"]
