"""PTX as data: the entry of a module with its parameters, registers, memories and instructions.

Knows the syntax that NVVM writes ("Parallel Thread Execution ISA", NVIDIA), not what instructions do.
"""

import re
from dataclasses import dataclass, field

PARAMETER = re.compile(r"\.param \.(\w+) (?:\.ptr\S* )*(?:\.align \d+ )*([\w$]+)")
REGISTER = re.compile(r"\.reg \.(\w+)\s+(%?\w+?)(?:<(\d+)>)?\s*;")
VARIABLE = re.compile(
    r"\.(global|const|shared|local)\s+(?:\.align (\d+)\s+)?\.(\w+)\s+([\w$]+)((?:\[\d*\])*)(?:\s*=\s*(.*))?;"
)
LABEL = re.compile(r"([\w$]+):$")
INSTRUCTION = re.compile(r"(?:@(!?)(%\w+)\s+)?([a-z][\w.:]*)\s*(.*);$")
FUNCTION = re.compile(r"^(?:\.\w+ )*\.func (?: ?\([^)]*\) )?([\w$]+)\((?=[^;{]*\n{)", re.MULTILINE)
CALL = re.compile(r"call(?:\.uni)? \((\w+)\), ([\w$]+), \( ?([^)]*)\);")
OWN_REGISTER = re.compile(r"%(?!n?tid\b|n?ctaid\b|laneid\b)(\w+)")
ADDRESS = re.compile(r"\[([%\w$]+)(?:\+(-?\w+))?\]$")
SIZES = {"8": 1, "16": 2, "32": 4, "64": 8}


@dataclass(frozen=True)
class Register:
    """A register, or a special one such as `%tid.x`."""

    name: str


@dataclass(frozen=True)
class Number:
    """A literal: an integer, or the bits of a float (`0f3F800000` has 32, `0d…` 64)."""

    value: int
    float_bits: int = 0


@dataclass(frozen=True)
class Symbol:
    """A variable, a parameter or a label."""

    name: str


@dataclass(frozen=True)
class Address:
    """`[base+offset]`."""

    base: Register | Symbol
    offset: int


@dataclass(frozen=True)
class Vector:
    """`{a, b, c, d}`."""

    items: tuple


Operand = Register | Number | Symbol | Address | Vector


@dataclass(frozen=True)
class Instruction:
    """One line.

    Attributes:
        name: the first word of the mnemonic, "ld" of `ld.global.v4.f32`.
        parts: the other words, ("global", "v4", "f32").
        operands: what follows; of `d|p` both, in this order.
        guard: the predicate register that decides whether it is executed; "" for always.
        negated: executed where the guard is false.
        text: the line.
    """

    name: str
    parts: tuple[str, ...]
    operands: tuple[Operand, ...]
    guard: str
    negated: bool
    text: str

    @property
    def space(self) -> str:
        """Of a load or store: "global", "shared", "local", "param", "const", or "generic"."""
        return next((part for part in self.parts if part in SPACES), "generic")

    @property
    def bytes(self) -> int:
        """Of a load or store: how much one thread moves."""
        return type_bytes(self.parts[-1]) * self.elements

    @property
    def elements(self) -> int:
        """Of a load or store: how many registers it fills or writes."""
        return next((int(part[1:]) for part in self.parts if part in ("v2", "v4", "v8")), 1)

    @property
    def is_memory(self) -> bool:
        return self.name in ("ld", "st", "ldu", "atom", "red")


SPACES = ("global", "shared", "local", "param", "const")


@dataclass(frozen=True)
class Variable:
    """Memory that has a name: `space` as of an instruction, `size` in bytes, initial bytes or b""."""

    name: str
    space: str
    size: int
    alignment: int
    initial: bytes = b""


@dataclass(frozen=True)
class Kernel:
    """The entry of a PTX module.

    Attributes:
        name: its symbol.
        version, target: what the head of the module says, "9.0" and "sm_90".
        parameters: (symbol, type) of each.
        registers: the type of each kind of register by its name without a number: `{"%f": "f32"}`.
        variables: the memories that it names.
        instructions: its code.
        labels: the index of the instruction behind each label.
    """

    name: str
    version: str
    target: str
    parameters: tuple[tuple[str, str], ...]
    registers: dict[str, str]
    variables: tuple[Variable, ...]
    instructions: tuple[Instruction, ...]
    labels: dict[str, int] = field(hash=False)


def type_bytes(kind: str) -> int:
    """Bytes of a PTX type: 4 for "f32"; a "pred" counts as one."""
    return SIZES.get(kind.lstrip("bfsu"), 1)


def read_kernel(ptx: str) -> Kernel:
    """The one entry of a module, with the functions that it calls put in their places.

    Raises:
        ValueError: it has none, or a line that is not understood.
    """
    text = re.sub(r"//[^\n]*", "", ptx)
    version = re.search(r"^\.version (\S+)", text, re.MULTILINE)[1]
    target = re.search(r"^\.target (\w+)", text, re.MULTILINE)[1]
    entry = re.search(r"\.entry ([\w$]+)\(", text)
    if entry is None:
        raise ValueError("this PTX has no entry")
    head, body = _parts(text, entry.end())
    functions = {found[1]: _parts(text, found.end()) for found in FUNCTION.finditer(text)}
    outside = re.sub(r"\n{.*?\n}", "", text, flags=re.DOTALL)
    variables = [_variable(found) for found in VARIABLE.finditer(re.sub(r"\n(?=[^.\t])", " ", outside))]
    registers, instructions, labels = {}, [], {}
    for line in inlined(_lines(body), functions):
        if found := LABEL.match(line):
            labels[found[1]] = len(instructions)
        elif found := REGISTER.match(line):
            registers[found[2]] = found[1]
        elif found := VARIABLE.search(line):
            variables.append(_variable(found))
        elif line in "{}" or line.startswith((".pragma", ".loc", ".file", ".param")):
            continue  # a scope of temporary registers: their names mean the same everywhere
        elif found := INSTRUCTION.match(line):
            instructions.append(_instruction(found, line))
        else:
            raise ValueError(f"this line of PTX is not understood: {line}")
    return Kernel(
        entry[1], version, target, tuple((name, kind) for kind, name in PARAMETER.findall(head)),
        registers, tuple(variables), tuple(instructions), labels,
    )  # fmt: skip


def _parts(text: str, start: int) -> tuple[str, str]:
    """The parameters and the body behind the opening bracket of an entry or a function."""
    opening = text.index("\n{", start)
    return text[start:opening], text[opening + 2 : text.index("\n}", opening)]


def _lines(body: str) -> list[str]:
    """One statement each; a call is written over several lines."""
    joined = re.sub(r"\bcall[^;]*;", lambda found: " ".join(found[0].split()), body)
    return [line.strip() for line in joined.splitlines() if line.strip()]


def inlined(lines: list[str], functions: dict[str, tuple[str, str]], caller: str = "") -> list[str]:
    """Statements in which each call is replaced by the body of the function.

    Its registers and labels get names of their own; its parameters have those of the variables that the
    caller passes.
    """
    result = []
    for number, line in enumerate(lines):
        found = CALL.match(line)
        if not found:
            result.append(line)
            continue
        head, body = functions[found[2]]
        call, end = f"{caller}call{number}_", f"$end{caller}{number}"
        names = {"func_retval0": found[1]}
        parameters = [name for _, name in PARAMETER.findall(head)]
        names |= dict(zip(parameters, _separated(found[3]), strict=True))
        code = "\n".join(_lines(body)).replace("$", f"${call}")
        code = OWN_REGISTER.sub(rf"%{call}\1", code)
        for inside, outside in names.items():
            code = re.sub(rf"\b{re.escape(inside)}\b", outside, code)
        code = re.sub(r"^ret;", f"bra.uni {end};", code, flags=re.MULTILINE)
        result += [*inlined(code.splitlines(), functions, call), f"{end}:"]
    return result


def _instruction(found: re.Match, line: str) -> Instruction:
    name, *parts = found[3].replace("::", ".").split(".")
    operands = tuple(_operand(text) for text in _separated(found[4]))
    return Instruction(name, tuple(parts), operands, found[2] or "", bool(found[1]), line)


def _separated(text: str) -> list[str]:
    """The operands of a line: commas inside braces separate none; `d|p` are two."""
    return [part.strip() for part in re.split(r"[,|](?![^{]*})", text) if part.strip()]


def _operand(text: str) -> Operand:
    if text.startswith("{"):
        return Vector(tuple(_operand(part.strip()) for part in text[1:-1].split(",")))
    if found := ADDRESS.match(text):
        base = Register(found[1]) if found[1].startswith("%") else Symbol(found[1])
        return Address(base, int(found[2] or "0", 0))
    if text.startswith("%") or text == "_":
        return Register(text)
    if re.match(r"0[fF][0-9A-Fa-f]{8}$", text):
        return Number(int(text[2:], 16), 32)
    if re.match(r"0[dD][0-9A-Fa-f]{16}$", text):
        return Number(int(text[2:], 16), 64)
    if re.match(r"-?(0x)?[0-9A-Fa-f]+U?$", text) and not text[0].isalpha():
        return Number(int(text.rstrip("U"), 0))
    return Symbol(text)


def _variable(found: re.Match) -> Variable:
    space, alignment, kind, name, shape, initial = found.groups()
    size = type_bytes(kind)
    count = 1
    for length in re.findall(r"\[(\d*)\]", shape):
        count *= int(length or "0")
    numbers = re.findall(r"-?(?:0x[0-9a-fA-F]+|\d+)", initial or "")
    content = b"".join((int(number, 0) % (1 << 8 * size)).to_bytes(size, "little") for number in numbers)
    return Variable(name, space, size * count, int(alignment or size), content.ljust(size * count, b"\0"))
