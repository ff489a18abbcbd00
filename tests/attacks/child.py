"""A process that feeds one part of the corpus to lossgen: `python -m attacks.child ENTRY FOLDER` prints JSON.

A line for each attack says its number, what came of it, the message, and the seconds of processor time.

Memory may grow by 100 MB while attacks run and no further; processor time is measured, and an attack that
takes five seconds is interrupted. An audit hook notes what only executed code would do.
"""

import contextlib
import hashlib
import io
import json
import os
import resource
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from attacks.corpus import CANARY, MODULE

MEMORY, SECONDS = 100 * 2**20, 5.0
SUSPICIOUS = (
    "os.",
    "subprocess.",
    "socket.",
    "ctypes.",
    "pickle.",
    "marshal.",
    "shutil.",
    "urllib.",
    "code.",
)
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
HARMLESS = {"os.listdir", "os.scandir", "ctypes.dlopen", "ctypes.dlsym", "ctypes.addressof", "marshal.loads"}


class TooSlow(BaseException):
    """The attack took too long."""


def interrupt(*_: object) -> None:
    raise TooSlow


HANDED = ("nothing.py", "fine.py")
"""Files of losses that the command line is given: the person's own programs, which it runs."""


class Watch:
    """What was done while an attack ran that reading text does not do."""

    def __init__(self) -> None:
        import lossgen

        places = (sys.prefix, sys.base_prefix, Path(lossgen.__file__).parent, Path(__file__).parent)
        self.installed = tuple(f"{place}{os.sep}" for place in places)
        self.events: list[str] = []
        self.on = False
        sys.addaudithook(self.hook)

    def hook(self, event: str, arguments: tuple[object, ...]) -> None:
        if not self.on:
            return
        if event == "import" and str(arguments[0]).startswith(MODULE):
            self.events.append(f"import {arguments[0]}")
        elif event == "exec":
            file = getattr(arguments[0], "co_filename", "")
            if not file.startswith((*self.installed, "<frozen")) and Path(file).name not in HANDED:
                self.events.append(f"exec of {file}")
        elif event == "open" and (
            set(str(arguments[1] or "")) & set("wax+") or (arguments[2] or 0) & WRITING  # os.open has no mode
        ):
            self.events.append(f"open {arguments[0]}")
        elif event.startswith(SUSPICIOUS) and event not in HARMLESS:
            self.events.append(event)


def filled(data: object, folder: Path) -> object:
    """The data with the paths of the canary and of the folder in it."""
    if isinstance(data, str):
        if len(data) > 10_000:
            return data
        return data.replace(CANARY, str(folder / "canary")).replace("@folder@", str(folder))
    if isinstance(data, list):
        return [filled(each, folder) for each in data]
    if isinstance(data, dict):
        return {filled(key, folder): filled(value, folder) for key, value in data.items()}
    return data


def run(attacks: list[Callable[[], object]], writes: bool = False) -> None:
    """Runs each attack within the limits and prints what came of it.

    Args:
        writes: whether the attacked command may write files.
    """
    import lossgen as lg

    lg.compile(lg.declare("Fine", "mean(where(p > y, exp(p), lgamma(y)) + max(p, y))"))
    lg.compile(lg.penalty(name="few")(lambda x: lg.Sum(x**2)))
    lg.from_json(lg.to_json(lg.declare("Fine", "mean(p**2)").renamed("Other")))
    with contextlib.suppress(lg.LossgenError):
        lg.parse("meen(p)", part=lg.y_pred + 0.1)
    watch = Watch()
    size = int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    signal.signal(signal.SIGPROF, interrupt)
    resource.setrlimit(resource.RLIMIT_AS, (size + MEMORY, resource.RLIM_INFINITY))
    out = sys.stdout
    for number, attack in enumerate(attacks):
        print(json.dumps({"number": number, "outcome": "begun"}), file=out, flush=True)
        watch.events.clear()
        began = time.process_time()
        signal.setitimer(signal.ITIMER_PROF, SECONDS)
        said = io.StringIO()
        try:
            with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
                watch.on = True
                result = attack()
            outcome, message = "accepted", repr(result)[:200]
        except BaseException as error:
            outcome = " ".join(each.__name__ for each in type(error).__mro__)
            message = str(error)
        finally:
            watch.on = False
            signal.setitimer(signal.ITIMER_PROF, 0)
        seconds = time.process_time() - began
        events = [each for each in watch.events if not (writes and each.startswith(("open", "os.")))]
        line = {"number": number, "outcome": outcome, "message": message, "printed": said.getvalue()[-5000:]}
        print(json.dumps(line | {"seconds": seconds, "events": events}), file=out, flush=True)


# What is attacked --------------------------------------------------------------------------------------


def formulas(folder: Path) -> Iterator[Callable[[], object]]:
    import lossgen as lg
    from attacks.corpus import FORMULAS

    for text in filled(FORMULAS, folder):
        yield lambda text=text: lg.parse(text)
        yield lambda text=text: lg.declare("Attack", text)


def fine_formulas(folder: Path) -> Iterator[Callable[[], object]]:
    import lossgen as lg
    from attacks.corpus import FINE_FORMULAS

    for text in FINE_FORMULAS:
        yield lambda text=text: lg.parse(text)


def names(folder: Path) -> Iterator[Callable[[], object]]:
    import lossgen as lg
    from attacks.corpus import NAMES

    p = lg.y_pred
    for name in filled(NAMES, folder):
        delta = lg.parameter_symbol("delta")
        yield lambda name=name: lg.declare(name, lg.Mean(p))
        yield lambda name=name: lg.loss(name=name)(lambda y_true, y_pred: lg.Mean(y_pred))
        yield lambda name=name: lg.declare("Fine", lg.Mean(p)).renamed(name)
        yield lambda name=name: lg.declare("Fine", lg.Mean(p * lg.parameter_symbol(name)), **{name: 1.0})
        yield lambda name=name, delta=delta: lg.declare(
            "Fine", lg.Mean(p * delta), delta=1.0
        ).renamed_arguments(delta=name)


def expressions(folder: Path) -> Iterator[Callable[[], object]]:
    import lossgen as lg
    from attacks.expressions import EXPRESSIONS

    p, y = lg.y_pred, lg.y_true
    huber = lg.declare("Fine", lg.Mean((p - y) ** 2))
    for formula in EXPRESSIONS.values():
        inside = lg.Mean(formula)
        yield lambda inside=inside: lg.declare("Attack", inside)
        yield lambda inside=inside: lg.loss(name="attack")(lambda y_true, y_pred: inside)
        yield lambda formula=formula: lg.declare("Attack", huber(y, formula))
        yield (
            lambda formula=formula: (
                lg.parse("mean(part)", part=formula)
                and lg.declare("Attack", lg.parse("mean(part)", part=formula))
            )
        )
        yield lambda inside=inside: lg.penalty(name="attack")(lambda x: inside)


def configurations(folder: Path, doors: str = "lossgen") -> Iterator[Callable[[], object]]:
    for door in doors.split("+"):
        yield from configurations_of(door, folder)


def configurations_of(door: str, folder: Path) -> Iterator[Callable[[], object]]:
    from importlib import import_module

    import lossgen as lg
    from attacks.corpus import CONFIGURATIONS, EXPRESSIONS_OF_LISTS, GROWING, IDENTIFIERS
    from lossgen.runtime.configuration import DECLARATION

    module = import_module(door)
    for name in ("Huber", "huber", "BinaryCrossentropy", "SparseCategoricalCrossentropy", "L1", "hubre"):
        with contextlib.suppress(ValueError):
            module.get(name)
    sys.path.insert(0, str(folder))
    for data in filled(CONFIGURATIONS, folder):
        yield lambda data=data: module.deserialize(data)
        yield lambda data=data: module.get(data) if isinstance(data, dict) else module.deserialize(data)
    fine = json.loads(lg.to_json(lg.declare("Fine", "mean(p**2)")))
    for each in filled([*EXPRESSIONS_OF_LISTS, *GROWING], folder):
        declaration = json.loads(json.dumps(fine))
        declaration["cases"][0]["terms"][0]["expression"] = each
        data = {"class_name": "Fine", "config": {DECLARATION: declaration}, "registered_name": "Custom>Fine"}
        yield lambda data=data: module.deserialize(data)
    for name in filled(IDENTIFIERS, folder):
        yield lambda name=name: module.deserialize(name)
        yield lambda name=name: module.get(name)


def entries(folder: Path) -> Iterator[Callable[[], object]]:
    from attacks.corpus import FILES_OF_ENTRIES, MANIFESTS
    from lossgen.compiler.cache import MANIFEST, intact_files

    secret = folder / "secret.py"
    secret.write_text("secret = True\n")
    (folder / "canary.json").write_text("{}")

    def made(kind: str, path: Path) -> None:
        path.unlink(missing_ok=True)
        if kind == "pipe":
            os.mkfifo(path, 0o600)
        elif kind == "huge":
            path.touch(0o600)
            os.truncate(path, 10**11)
        elif kind == "folder":
            path.mkdir()
        elif kind == "socket":
            with socket.socket(socket.AF_UNIX) as one:
                os.chdir(path.parent)  # names of sockets are short
                one.bind(path.name)
        else:
            path.symlink_to({"link": secret, "device": "/dev/zero", "terminal": "/dev/tty"}[kind])

    attacked = []
    for number, manifest in enumerate(filled(MANIFESTS, folder)):
        entry = folder / f"number-{number:024x}"
        entry.mkdir(mode=0o700)
        (entry / MANIFEST).write_text(manifest, encoding="utf-8", errors="surrogatepass")
        attacked.append(entry)
    for name in ("x.py", MANIFEST):
        for kind in FILES_OF_ENTRIES:
            entry = folder / f"{kind}_{name[0]}-{0:024x}"
            entry.mkdir(mode=0o700)
            digest = hashlib.sha256(secret.read_bytes()).hexdigest()
            (entry / MANIFEST).write_text(json.dumps({"x.py": digest}))
            made(kind, entry / name)
            attacked.append(entry)
    for entry in attacked:
        yield lambda entry=entry: intact_files(entry)


def lines(folder: Path) -> Iterator[Callable[[], object]]:
    from attacks.corpus import LINES
    from lossgen.cli.main import main

    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        main(["show", "huber"])
        main(["show", "hubre"])
        main(["build", str(folder / "fine.py"), "-o", str(folder / "fine")])
        main(["list", "--names"])
        for command in (["warm"], ["verify"], ["export", "-o", str(folder / "other")]):
            main([*command, "nothing"])
    for words in filled(LINES, folder):
        yield lambda words=words: main(words)


def lists(folder: Path) -> Iterator[Callable[[], object]]:
    import lossgen as lg
    from attacks.corpus import EXPRESSIONS_OF_LISTS, NAMES

    fine = json.loads(lg.to_json(lg.declare("Fine", "mean(delta*(p - y)**2)", delta=1.0)))

    def read(data: object) -> object:
        return lg.from_json(json.dumps(data))

    for each in filled(EXPRESSIONS_OF_LISTS, folder):
        data = json.loads(json.dumps(fine))
        data["arguments"] = []
        data["cases"][0]["terms"][0]["expression"] = each
        yield lambda data=data: read(data)
    yield lambda: lg.from_json(json.dumps(fine).replace("-1", "9" * 5000))
    for key in fine:
        for value in (None, "\x00", [[]], {"a": {}}, 10**400, True, f"open('{folder}/canary','w')", "../x"):
            if key != "scope" or value is not None:
                yield lambda key=key, value=value: read({**fine, key: value})
    for name in filled(NAMES, folder):
        yield lambda name=name: read({**fine, "name": name})
        yield lambda name=name: read({**fine, "class": name})
        argument = {**fine["arguments"][0], "name": name}
        yield lambda argument=argument: read({**fine, "arguments": [argument]})
    for text in (
        "", " ", "{", "[" * 100_000, '{"a":' * 100_000, "nul", "NaN", "1e999", "9" * 900_000,
        '"' + "x" * 900_000, "\x00", "\ufeff{}", '{"lossgen": 1, "lossgen": 1}', "{}", "[]", "0",
        '{"lossgen": 1e0}', '{"lossgen": 99}',
        '{"__class__": "os"}', '{"$ref": "file:///etc/passwd"}', "!!python/object:os.system", "x" * 2_000_000,
        "[" + "0," * 400_000 + "0]", '{"lossgen": 1, "kind": "loss"}', "\ud800", "'x'", "// x",
    ):  # fmt: skip
        yield lambda text=text: lg.from_json(text)
    entries = ",".join(f'"{number}":0' for number in range(80_000))
    yield lambda: lg.from_json(f'{{{entries},"79999":1}}')
    waves = ["Sum", ["+", *(["sin", ["*", k, "y_pred", "y_true"]] for k in range(2, 390))]]
    terms = [{"scope": [-1 - k, -70], "expression": waves} for k in range(60)]
    large = json.dumps({**fine, "arguments": [], "scope": None, "cases": [{"terms": terms}]})
    yield lambda: lg.from_json(large)
    yield lambda: lg.from_json(b"\xff\xfe\x00")
    yield lambda: lg.from_json(None)


if __name__ == "__main__":
    entry, place = sys.argv[1], Path(sys.argv[2])
    kind, _, rest = entry.partition(":")
    makers = {
        each.__name__: each
        for each in (formulas, fine_formulas, names, expressions, configurations, entries, lines, lists)
    }
    run(list(makers[kind](place, *([rest] if rest else []))), writes=kind == "lines")
