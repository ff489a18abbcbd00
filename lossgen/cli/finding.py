"""Which declaration a name on the command line means, and what `option=value` stands for."""

import importlib.util
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from lossgen.errors import CommandError, FileError, LossgenError, UnknownLossError
from lossgen.inspection.classes import loss_class
from lossgen.language.declaration import Declaration
from lossgen.language.limits import MAXIMUM_FILE
from lossgen.language.names import suggestion
from lossgen.language.portable_text import from_json
from lossgen.runtime.compiled import Compiled

WORDS = {"true": True, "false": False, "none": None}


def catalogue() -> tuple[Declaration, ...]:
    """The declarations that ship, losses first, then penalties."""
    from lossgen.catalog import DECLARATIONS, PENALTIES

    return (*DECLARATIONS, *PENALTIES)


def find(name: str, declarations: Iterable[Declaration] | None = None) -> Declaration:
    """The declaration of that name: of the function, of the class, or an identifier such as `mse`.

    Raises:
        UnknownLossError: there is none; the message proposes the closest name.
    """
    known = tuple(catalogue() if declarations is None else declarations)
    named = {key: each for each in known for key in (*each.identifiers, each.class_name, each.name)}
    if name not in named:
        others = "; see `lossgen list`" if declarations is None else _names(known)
        raise UnknownLossError(f"there is no loss `{name}`{suggestion(name, named) or others}")
    return named[name]


def _names(declarations: tuple[Declaration, ...]) -> str:
    return "; there is " + ", ".join(each.class_name for each in declarations)


def named(name: str) -> Declaration:
    """The declaration of a name in the catalogue, of `FILE.py:NAME` in one's own file, or of `FILE.json`.

    Raises:
        LossgenError: there is none.
    """
    file, colon, plain = name.rpartition(":")
    if colon:
        return find(plain, from_file(file))
    if name.endswith(".json"):
        return from_file(name)[0]
    if name.endswith(".py"):
        known = ", ".join(f"{name}:{each.class_name}" for each in from_file(name))
        raise UnknownLossError(f"{name} is a file; write which of its losses: {known}")
    return find(name)


def from_file(path: str) -> tuple[Declaration, ...]:
    """The declarations at the top level of a Python file, which is run as the person's own program.

    A `.json` file is what `lg.to_json` wrote: one declaration, of which nothing is run.

    Raises:
        FileError: the file is missing, fails to run, or declares no loss.
        PortableError: it is JSON, and no declaration.
    """
    file = Path(path)
    try:
        found = file.is_file()
    except (OSError, ValueError):  # a name that no file can have
        found = False
    if not found:
        raise FileError(f"there is no file {path}")
    if file.suffix == ".json":
        if file.stat().st_size > MAXIMUM_FILE:
            raise FileError(f"{path} has more than {MAXIMUM_FILE} bytes; no declaration is that large")
        return (from_json(file.read_bytes()),)
    if file.suffix != ".py":
        raise FileError(f"{path} is no file of losses; its name must end in .py or .json")
    spec = importlib.util.spec_from_file_location(file.stem, file)
    assert spec is not None and spec.loader is not None, "a .py file has a loader"
    module = importlib.util.module_from_spec(spec)
    sys.path.insert(0, str(file.resolve().parent))
    try:
        spec.loader.exec_module(module)
    except LossgenError:
        raise
    except (Exception, SystemExit) as error:  # a program that ends early has checked nothing
        raise FileError(f"{path}{_line(error, file)} fails: {type(error).__name__}: {error}") from error
    finally:
        sys.path.remove(str(file.resolve().parent))
    own = {id(value): value for value in vars(module).values() if isinstance(value, Declaration)}
    if not own:
        raise FileError(f"{path} declares no loss; write `@lg.loss` above a function f(y_true, y_pred)")
    return tuple(own.values())


def _line(error: BaseException, file: Path) -> str:
    """`, line 12` of the person's file, where the error came from."""
    if isinstance(error, SyntaxError) and error.lineno:
        return f", line {error.lineno}"
    lines, step = [], error.__traceback__
    while step is not None:
        if Path(step.tb_frame.f_code.co_filename) == file:
            lines.append(step.tb_lineno)
        step = step.tb_next
    return f", line {lines[-1]}" if lines else ""


def instance(declaration: Declaration, options: dict[str, object]) -> Compiled:
    """A loss or penalty with these options, its parameters at their defaults.

    Raises:
        ParameterError: an option is unknown or has none of its choices.
    """
    chosen = zip(declaration.options, declaration.variant_key(options), strict=True)
    return loss_class(declaration)(**dict(chosen))


def option_values(words: Sequence[str]) -> dict[str, object]:
    """`from_logits=true exponent=2` as a dictionary.

    Raises:
        CommandError: a word has no `=`, or an option is given twice.
    """
    values: dict[str, object] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or not name:
            raise CommandError(f"`{word}` is no option; write name=value, for example from_logits=true")
        if name in values:
            raise CommandError(f"`{name}` is given twice; write it once")
        values[name] = _value(value)
    return values


def _value(written: str) -> object:
    if written.lower() in WORDS:
        return WORDS[written.lower()]
    for kind in (int, float):
        try:
            return kind(written)
        except ValueError:
            continue
    return written
