"""The innermost loops of a kernel's assembly, and what each does: vectorised or not, loads, stores, calls.

Which lines form a loop is what LLVM says in the comments of its assembly; which loops only finish what a
vectorised one leaves over is what it says in the metadata of its code. What the instructions do is known for
x86-64 alone.
"""

import platform
import re
from dataclasses import dataclass, field, replace

from lossgen.inspection.machine_code import MachineCode, demangled

FUNCTION = re.compile(r'^"?([A-Za-z_][\w.$]*)"?:')
BLOCK = re.compile(r"^(?:\.L(BB\d+_\d+):|# %bb\.\d+:)")
NAME = re.compile(r"# %(\S+)")
HEADER = re.compile(r"# *=> *This (Inner )?Loop Header: Depth=(\d+)")
MEMBER = re.compile(r"# +in Loop: Header=(BB\d+_\d+)")

ARITHMETIC = re.compile(
    r"v?(?:add|sub|mul|div|sqrt|rsqrt14|rcp14|max|min|rndscale|round|scalef|getexp|getmant|range|reduce"
    r"|fn?m(?:add|sub)(?:132|213|231)|cmp\w*?)([ps][sd])"
)
"""Instructions that compute with floats; the last two letters say packed or scalar, single or double.

`ucomis` is none of them: in a vectorised loop it compares a parameter with a constant, for a jump.
"""

MEMORY = re.compile(r"-?\w*\(%(\w+)[^)]*\)(\{1to\d+\})?")
REGISTERS = {"x": 16, "y": 32, "z": 64}  # bytes of xmm, ymm and zmm
WIDENING = {"cvtps2pd": 2, "cvtdq2pd": 2, "pmovsxdq": 2, "pmovzxdq": 2, "pmovsxwd": 2, "pmovzxwd": 2,
            "pmovsxbw": 2, "pmovzxbw": 2, "pmovsxbd": 4, "pmovzxbd": 4, "pmovsxwq": 4, "pmovzxwq": 4,
            "pmovsxbq": 8, "pmovzxbq": 8}  # fmt: skip
"""How many times wider than the memory that it reads the result of a conversion is."""
NARROWING = {"cvtpd2ps": 2, "pmovqd": 2, "pmovdw": 2, "pmovwb": 2, "pmovqw": 4, "pmovdb": 4, "pmovqb": 8}
"""The same for what it writes."""

LIBRARY = frozenset(
    f"{name}{suffix}"
    for name in (
        "exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "pow", "cbrt", "hypot", "fmod", "ldexp",
        "sin", "cos", "tan", "asin", "acos", "atan", "atan2", "sinh", "cosh", "tanh", "asinh", "acosh",
        "atanh", "erf", "erfc", "lgamma", "tgamma",
    )
    for suffix in ("", "f")
)  # fmt: skip
SYMBOL = re.compile(r"(?:\$|callq?\s+)([a-z]\w*)")


@dataclass(frozen=True)
class Loop:
    """An innermost loop.

    Attributes:
        function: the Python function that it belongs to, in which the sweeps may be inlined.
        block: LLVM's name of its first block.
        depth: how many loops of the function it is in, itself included.
        blocks: LLVM's names of all of them.
        lines: its assembly.
        kind: "vector" (packed arithmetic), "scalar" (arithmetic one number at a time), "remainder" (what a
            vectorised loop leaves over), or "moves" (no arithmetic of floats).
        width: bits of the vectors that it computes in; 0 without any.
        elements: numbers of an array that one iteration processes; None where LLVM does not say.
        loads, stores: bytes that one iteration moves between arrays and registers in vectors.
        spills: vectors or numbers that it keeps on the stack for want of registers, times written or read.
        scalar_operations: instructions that compute with one float.
        calls: how many calls it makes.
    """

    function: str
    block: str
    depth: int
    blocks: tuple[str, ...] = ()
    lines: tuple[str, ...] = ()
    kind: str = "moves"
    width: int = 0
    elements: int | None = None
    loads: int = 0
    stores: int = 0
    spills: int = 0
    scalar_operations: int = 0
    calls: int = 0


def is_analysed() -> bool:
    """Whether the instructions of this machine are known here."""
    return platform.machine().lower() in ("x86_64", "amd64")


def innermost_loops(code: MachineCode) -> tuple[Loop, ...]:
    """The innermost loops of a kernel and of the functions that it calls, in the order of the assembly."""
    notes = _llvm_notes(code.llvm)
    return tuple(
        _analysed(loop, notes[symbol])
        for symbol, loops in _loops(code.assembly)
        for loop in loops
        if not notes[symbol].callers & set(loop.blocks)
    )


def hot_loops(loops: tuple[Loop, ...]) -> tuple[Loop, ...]:
    """The loops that do the work: those with arithmetic that are no remainders."""
    return tuple(loop for loop in loops if loop.kind in ("vector", "scalar"))


def library_calls(code: MachineCode) -> tuple[str, ...]:
    """Functions of the C library's `math.h` that a kernel calls, one number at a time, in a loop or not."""
    names = set()
    for symbol, lines in _functions(code.assembly):
        if not _is_wrapper(symbol):
            names |= {found for line in lines for found in SYMBOL.findall(line)}
    return tuple(sorted(names & LIBRARY))


# Where the loops are ----------------------------------------------------------------------------------


def _is_wrapper(symbol: str) -> bool:
    """Whether a function only hands Python's arguments on."""
    return symbol.startswith(("_ZN7cpython", "cfunc.", "NRT_", "numba_"))


def _functions(assembly: str):
    """(symbol, lines) of every function."""
    symbol, lines = None, []
    for line in assembly.splitlines():
        found = FUNCTION.match(line)
        if found:
            symbol, lines = found[1], []
        elif line.startswith(".Lfunc_end") and symbol:
            yield symbol, lines
            symbol = None
        elif symbol:
            lines.append(line)


def _loops(assembly: str):
    """(symbol of the function, its innermost loops, not yet analysed) for every function."""
    for symbol, lines in _functions(assembly):
        if _is_wrapper(symbol):
            continue
        blocks = list(_blocks(lines))
        found: dict[str, Loop] = {}
        for label, name, comments, _ in blocks:
            header = next(filter(None, map(HEADER.search, comments)), None)
            if header and header[1]:
                found[label] = Loop(demangled(symbol), name, int(header[2]))
        for label, name, comments, block in blocks:
            member = next(filter(None, map(MEMBER.search, comments)), None)
            header = label if label in found else member[1] if member else None
            if header in found:
                loop = found[header]
                found[header] = replace(loop, blocks=(*loop.blocks, name), lines=(*loop.lines, *block))
        yield symbol, tuple(found.values())


def _blocks(lines: list[str]):
    """(label, LLVM's name, comments below the label, lines with the label) of every block."""
    starts = [number for number, line in enumerate(lines) if BLOCK.match(line)]
    for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
        block = lines[start:end]
        comments = [block[0]]
        for line in block[1:]:
            if not line.strip().startswith("#"):
                break
            comments.append(line)
        name = NAME.search(block[0].removeprefix("# %bb"))
        yield BLOCK.match(block[0])[1], name[1] if name else "", comments, tuple(block)


# What LLVM says of them -------------------------------------------------------------------------------

DEFINITION = re.compile(r'^define .*?@"?([\w.$]+)"?\(')
LABEL = re.compile(r'^"?([\w.$-]+)"?:')
BRANCH = re.compile(r"^\s+br .*!llvm\.loop !(\d+)")
TARGET = re.compile(r'label %"?([\w.$-]+)"?')
STEP = re.compile(r"%index\.next\S* = add .*, (\d+)$")
CALL = re.compile(r'call .*@"?_ZN')
VECTORISED = "llvm.loop.isvectorized"


@dataclass
class Notes:
    """Of one function: the step of each vectorised loop, the blocks at which loops return that a vectorised
    one belongs to, and the blocks that call another function of Numba's, which may hold loops of its own.
    """

    steps: dict[str, int] = field(default_factory=dict)
    vectorised: set[str] = field(default_factory=set)
    callers: set[str] = field(default_factory=set)


def _llvm_notes(llvm: str) -> dict[str, Notes]:
    facts = dict(re.findall(r"^!(\d+) = (?:distinct )?!\{(.*)\}$", llvm, re.MULTILINE))
    notes: dict[str, Notes] = {}
    own, block = Notes(), ""
    for line in llvm.splitlines():
        if found := DEFINITION.match(line):
            own = notes.setdefault(found[1], Notes())
        elif found := LABEL.match(line):
            block = found[1]
        elif found := STEP.search(line):
            own.steps[block] = max(int(found[1]), own.steps.get(block, 0))
        elif CALL.search(line):
            own.callers.add(block)
        elif found := BRANCH.match(line):
            parts = re.findall(r"!(\d+)", facts.get(found[1], ""))
            if any(VECTORISED in facts.get(part, "") for part in parts):
                own.vectorised.update(TARGET.findall(line))
    return notes


def _is_remainder(block: str, notes: Notes) -> bool:
    plain = re.sub(r"\.(prol|epil)$", "", block)
    return block.startswith("vec.epilog") or (plain in notes.vectorised and "vector.body" not in block)


# What the instructions do -----------------------------------------------------------------------------


def _analysed(loop: Loop, notes: Notes) -> Loop:
    width = loads = stores = spills = scalar = calls = 0
    for line in loop.lines:
        instruction, _, comment = line.partition("#")
        mnemonic, _, operands = instruction.strip().partition("\t")
        if not mnemonic or mnemonic.startswith(".") or mnemonic.endswith(":"):
            continue
        calls += mnemonic.startswith("call")
        spills += "Spill" in comment or "Reload" in comment
        arithmetic = ARITHMETIC.fullmatch(mnemonic)
        if arithmetic and arithmetic[1][0] == "p":
            width = max(width, 8 * _register_bytes(operands))
        scalar += bool(arithmetic) and arithmetic[1][0] == "s"
        loaded, stored = _moved(mnemonic, operands)
        loads, stores = loads + loaded, stores + stored
    kind = "vector" if width else "scalar" if scalar else "moves"
    if kind != "moves" and _is_remainder(loop.block, notes):
        kind = "remainder"
    return replace(
        loop,
        kind=kind,
        width=width,
        elements=notes.steps.get(loop.block),
        loads=loads,
        stores=stores,
        spills=spills,
        scalar_operations=scalar,
        calls=calls,
    )


def _register_bytes(operands: str) -> int:
    return max((REGISTERS[letter] for letter in re.findall(r"%([xyz])mm", operands)), default=0)


def _moved(mnemonic: str, operands: str) -> tuple[int, int]:
    """Bytes that a vector instruction reads from arrays and writes to them, neither constants nor stack."""
    found = MEMORY.search(operands)
    if not found or found[1] in ("rsp", "rip") or found[2] or "broadcast" in mnemonic:
        return 0, 0
    size, name = _register_bytes(operands), mnemonic.removeprefix("v")
    if name.endswith(("ss", "sd")):
        return 0, 0  # one number
    if operands.rstrip().endswith(")"):  # AT&T syntax: the destination stands last
        return 0, size // NARROWING.get(name, 1)
    return size // WIDENING.get(name, 1), 0
