"""What is recorded of a loss, and how what is computed now compares with it.

Of every output there is a digest of all bits and the numbers of a few rows. On a processor with the same
vector instructions all bits must be equal; elsewhere sums are added in another order, and these rows must
agree within twice the accuracy contract: each of two right results may miss the exact one by as much.
Derivatives by targets and parameters are computed by NumPy, whose bits are its own; they are held to the
contract's relative part everywhere.
"""

import hashlib
import json
import math
import platform
import re
from collections.abc import Iterator
from pathlib import Path

import llvmlite.binding
import numba
import numpy as np
from numba.core.registry import cpu_target

from lossgen import losses, penalties
from lossgen.catalog import DECLARATIONS, PENALTIES
from lossgen.inspection.verification.contract import FLOATS, Float, expected
from lossgen.inspection.verification.judgement import Judge, quantities
from lossgen.inspection.verification.results import Compilation, Results, direction
from lossgen.inspection.verification.subjects import Subject, subjects
from lossgen.language.declaration import Declaration
from regression.inputs import ROWS, batch, columns

FOLDER = Path(__file__).parent / "data"
MADE_WITH = FOLDER / "made_with.json"
CATALOGUE = {each.name: each for each in (*DECLARATIONS, *PENALTIES)}
VECTOR_INSTRUCTIONS = re.compile(r"\+((?:sse4|avx|fma|f16c|neon|sve|fp-armv8|vsx|altivec|vector)[\w.-]*)")

Record = dict[str, dict[str, dict[str, str]]]
"""Digest and numbers, by subject, float type and output."""


def made_with() -> dict[str, str]:
    """The processor, which bits depend on, and versions, which they should not depend on."""
    triple, name, features = cpu_target.target_context.codegen().magic_tuple()
    instructions = " ".join(sorted(VECTOR_INSTRUCTIONS.findall(features)))
    return {
        "processor": f"{triple.split('-')[0]} {name}: {instructions}",
        "numba": numba.__version__,
        "llvm": ".".join(map(str, llvmlite.binding.llvm_version_info)),
        "numpy": np.__version__,
        "python": platform.python_version(),
    }


def cases(declaration: Declaration) -> Iterator[tuple[Subject, Compilation]]:
    """Every option variant with the defaults, and with other values of all parameters."""
    home = penalties if declaration in PENALTIES else losses
    cls = getattr(home, declaration.class_name)
    for options in declaration.variants():
        for subject in subjects(declaration, options, quick=True):
            yield subject, Compilation(subject, cls)


def results(subject: Subject, compilation: Compilation, kind: Float) -> Results:
    """All outputs: of kernels for every row, of array code for those that are shown."""
    inputs = batch(subject)
    found = compilation.results(inputs, kind)
    for i in shown(subject):
        for output, (way,) in compilation.beyond(inputs.targets[i], inputs.predictions[i], kind).items():
            found.setdefault(output, [np.empty((0, np.size(way)))])
            found[output] = [np.vstack([found[output][0], np.reshape(way, (1, -1))])]
    return found


def shown(subject: Subject) -> tuple[int, ...]:
    """The rows that have their numbers recorded: of every kind of target, the last one saturated."""
    return (0, 13, 26, 39, 52, ROWS - 1) if columns(subject) == 1 else (5, 26, 44, 60)


def of_shown(subject: Subject, output: str, ways: list[np.ndarray]) -> list[float]:
    """The numbers of these rows; derivatives by targets and parameters have no others."""
    rows = ways[0] if output.startswith("by ") else ways[0][list(shown(subject))]
    return np.ravel(rows).tolist()


def digest(ways: list[np.ndarray]) -> str:
    """Sixteen hexadecimal digits of all bits; NaNs count as one."""
    made = hashlib.sha256()
    for way in ways:
        made.update(np.where(np.isnan(way), np.nan, way).astype("<f8").tobytes())
    return made.hexdigest()[:16]


def short(number: float) -> str:
    """The exact number: `float.hex` without trailing zeros."""
    return re.sub(r"\.?0*p", "p", float(number).hex())


def line(subject: Subject, output: str, ways: list[np.ndarray]) -> str:
    """What is recorded of one output."""
    numbers = " ".join(map(short, of_shown(subject, output, ways)))
    return numbers if output.startswith("by ") else f"{digest(ways)}: {numbers}"


def lines(subject: Subject, found: Results) -> dict[str, str]:
    """What is recorded of all outputs."""
    return {output: line(subject, output, ways) for output, ways in found.items()}


def record(declaration: Declaration) -> Record:
    """What is computed now."""
    return {
        str(subject): {
            kind.dtype.name: lines(subject, results(subject, compilation, kind)) for kind in FLOATS
        }
        for subject, compilation in cases(declaration)
    }


def read(name: str) -> Record:
    """What was recorded."""
    return json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))


def write(name: str, recorded: Record | dict[str, str]) -> None:
    """Records."""
    text = json.dumps(recorded, indent=1, ensure_ascii=False) + "\n"
    (FOLDER / f"{name}.json").write_text(text, encoding="utf-8")


def differences(declaration: Declaration, recorded: Record, same_processor: bool) -> Iterator[str]:
    """One line for every output that is not as it was recorded."""
    found = dict.fromkeys(recorded)
    for subject, compilation in cases(declaration):
        before = recorded.get(str(subject))
        found.pop(str(subject), None)
        if before is None:
            yield f"{subject} is not recorded"
            continue
        for kind in FLOATS:
            now = results(subject, compilation, kind)
            then = before[kind.dtype.name]
            for output in sorted({*now, *then}):
                place = f"{subject} {kind.dtype.name} {output}"
                if output not in now or output not in then:
                    yield f"{place} is {'new' if output in now else 'gone'}"
                elif (text := line(subject, output, now[output])) != then[output] and not agrees(
                    subject, kind, output, now[output], then, same_processor
                ):
                    yield f"{place} was {then[output]} and is {text}"
    yield from (f"{name} is recorded and gone" for name in found)


def agrees(
    subject: Subject,
    kind: Float,
    output: str,
    ways: list[np.ndarray],
    then: dict[str, str],
    same_processor: bool,
) -> bool:
    """Whether other bits are allowed, and the recorded numbers close enough."""
    before, now = numbers(then[output]), of_shown(subject, output, ways)
    if len(before) != len(now):
        return False
    if output.startswith("by "):
        pairs = _pairs_beyond(subject, kind, now, before, numbers(then["value"]))
    elif same_processor:
        return False
    else:
        pairs = _pairs(subject, kind, output, now, before)
    return all(is_close(*each) for each in pairs)


def numbers(recorded: str) -> list[float]:
    """The numbers of a line."""
    return [float.fromhex(text) for text in recorded.rpartition(": ")[2].split()]


def _pairs_beyond(subject: Subject, kind: Float, now: list[float], before: list[float], values: list[float]):
    """Of array code: each number with what it was and with half of the digits of its row."""
    each_row, each_value = (len(found) // len(shown(subject)) for found in (now, values))
    for i, number in enumerate(before):
        row = i // each_row
        sizes = (*before[row * each_row :][:each_row], *values[row * each_value :][:each_value])
        scale = max([abs(each) for each in sizes if math.isfinite(each)], default=0)
        yield now[i], number, kind.ulp(1) ** 0.5 * scale


def _pairs(subject: Subject, kind: Float, output: str, now: list[float], before: list[float]):
    """Each number with what it was and with the error that the contract allows."""
    inputs, judge = batch(subject), Judge(subject)
    each_row = len(now) // len(shown(subject))
    for place, i in enumerate(shown(subject)):
        target = int(inputs.targets[i]) if subject.labels else inputs.targets[i]
        row = judge.row(target, inputs.predictions[i])
        mine, old = (np.array(found[place * each_row :][:each_row]) for found in (now, before))
        way = mine[0] if output == "value" else mine
        for j, quantity in enumerate(quantities(output, way)):
            vector = direction(row.columns)
            _, allowed = expected(subject, row, quantity, target, inputs.predictions[i], vector, kind)
            yield mine[j], old[j], allowed


def is_close(now: float, before: float, allowed) -> bool:
    """Whether both can be within the contract; a number that is not finite stays what it was."""
    if not (math.isfinite(now) and math.isfinite(before)):
        return now == before or (math.isnan(now) and math.isnan(before))
    return abs(now - before) <= 2 * allowed
