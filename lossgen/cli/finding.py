"""Which declaration a name on the command line means, and what `option=value` stands for."""

import importlib.util
import sys
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path

from lossgen.errors import CommandError, FileError, LossgenError, UnknownLossError
from lossgen.inspection.classes import loss_class
from lossgen.language.declaration import Declaration
from lossgen.language.limits import MAXIMUM_FILE, MAXIMUM_NAME
from lossgen.language.names import suggestion
from lossgen.language.portable_text import from_json
from lossgen.runtime.compiled import Compiled

MOST_NAMES = 3
"""Names that are proposed for one that is unknown."""

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
        others = "see `lossgen list`" if declarations is None else "there is " + _names(known)
        raise UnknownLossError(f"there is no loss `{name}`{nearest(name, named, others)}")
    return named[name]


def _names(declarations: tuple[Declaration, ...]) -> str:
    return ", ".join(each.class_name for each in declarations)


def nearest(name: str, named: Mapping[str, Declaration], otherwise: str = "see `lossgen list`") -> str:
    """The end of a message: the closest names, or those that hold the word, one a loss and at most three."""
    close = get_close_matches(name[:MAXIMUM_NAME].lower(), {key.lower(): None for key in named}, n=9)
    found = [each for key in close for other, each in named.items() if other.lower() == key]
    found += [each for key, each in named.items() if len(name) > 2 and name.lower() in key.lower()]
    names = [f"`{each.name}`" for each in dict.fromkeys(found)][:MOST_NAMES]
    if not names:
        return f"; {otherwise}"
    return f"; did you mean {' or '.join(filter(None, (', '.join(names[:-1]), names[-1])))}?"


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
    file = _existing(path)
    if file.suffix == ".json":
        if file.stat().st_size > MAXIMUM_FILE:
            raise FileError(f"{path} has more than {MAXIMUM_FILE} bytes; no declaration is that large")
        return (from_json(file.read_bytes()),)
    return tuple(variables_of(path).values())


def variables_of(path: str) -> dict[str, Declaration]:
    """The declarations at the top level of a Python file, by the names that they have there, each once.

    Raises:
        FileError: the file is missing, fails to run, or declares no loss.
    """
    file = _existing(path)
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
    own: dict[str, Declaration] = {}
    for name, value in vars(module).items():
        if isinstance(value, Declaration) and not any(value is other for other in own.values()):
            own[name] = value
    if not own:
        raise FileError(f"{path} declares no loss; write `@lg.loss` above a function f(y_true, y_pred)")
    return own


def _existing(path: str) -> Path:
    file = Path(path)
    try:
        found = file.is_file()
    except (OSError, ValueError):  # a name that no file can have
        found = False
    if not found:
        raise FileError(f"there is no file {path}")
    return file


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
        values[name] = value_of(value)
    return values


def only_options(declaration: Declaration, words: Sequence[str]) -> dict[str, object]:
    """`option_values` of a loss that is looked at whatever its parameters are.

    Raises:
        CommandError: a word has no `=`, sets a parameter, or names no option.
    """
    values = option_values(words)
    for name, value in values.items():
        if name in declaration.parameters:
            raise CommandError(
                f"`show` takes options only, and `{name}` of {declaration.name} is a parameter: leave it "
                f"out, or see its curve with `lossgen plot {declaration.name} {name}={value}`"
            )
        if name not in declaration.options:
            known = ", ".join(declaration.options)
            takes = f"; its options are {known}" if known else ", and none at all; leave it out"
            raise CommandError(
                f"{declaration.name} has no option `{name}`{suggestion(name, declaration.options, takes)}"
            )
    return values


def value_of(written: str) -> object:
    """A word of the command line as true, false, none, a number or itself."""
    if written.lower() in WORDS:
        return WORDS[written.lower()]
    for kind in (int, float):
        try:
            return kind(written)
        except ValueError:
            continue
    return written
