"""The threads of a grid: their registers and memories, and the instructions that move data between them."""

from collections.abc import Callable

import numpy as np

from lossgen.inspection.cuda.ptx import Address, Instruction, Kernel, Number, Register, Vector

from .arithmetic import TYPES
from .conversion import converted
from .memory import BlockMemory, DeviceArray, DeviceMemory, ThreadMemory

WARP = 32
SHARED_WINDOW = 0x1_0000_0000
LOCAL_WINDOW = 0x2_0000_0000
BITS = {"pred": np.dtype(bool), **{f"{k}{n}": np.dtype(f"uint{n}") for k in "bsuf" for n in (16, 32, 64)}}


def parameter_values(kernel: Kernel, arguments: tuple) -> dict[str, np.ndarray]:
    """What Numba passes for the arguments, by the names of the parameters.

    An array of one dimension is seven parameters: two addresses of no interest on a GPU, number of elements,
    bytes of one, address, shape, stride. None is an address of no interest.
    """
    flat: list = []
    for argument in arguments:
        if isinstance(argument, DeviceArray):
            size, step = argument.size, argument.dtype.itemsize
            flat += [0, 0, size, step, argument.address, size, step]
        else:
            flat.append(0 if argument is None else argument)
    if len(flat) != len(kernel.parameters):
        raise TypeError(f"the kernel has {len(kernel.parameters)} parameters, {len(flat)} are given")
    return {
        name: np.array([value % (1 << 64) if kind == "u64" else value], TYPES[kind])
        for (name, kind), value in zip(kernel.parameters, flat, strict=True)
    }


class Threads:
    """The state of all threads of a launch; registers are arrays of bits with one element a thread."""

    def __init__(
        self, memory: DeviceMemory, kernel: Kernel, blocks: tuple[int, int], threads: int, arguments: tuple
    ):
        self.memory, self.kernel = memory, kernel
        self.parameters = parameter_values(kernel, arguments)
        self.count = blocks[0] * blocks[1] * threads
        everyone = np.arange(self.count)
        self.block = everyone // threads
        self.thread = everyone % threads
        self.warp = self.block * -(-threads // WARP) + self.thread // WARP
        self.lane = self.thread % WARP
        special = {
            "tid": (self.thread, 0, 0),
            "ntid": (threads, 1, 1),
            "ctaid": (self.block % blocks[0], self.block // blocks[0], 0),
            "nctaid": (*blocks, 1),
        }
        self.special = {
            f"%{name}.{axis}": np.broadcast_to(value, self.count)
            for name, values in special.items()
            for axis, value in zip("xyz", values, strict=True)
        } | {"%laneid": self.lane}
        self.registers: dict[str, np.ndarray] = {}
        self.passed: dict[str, np.ndarray] = {}  # what functions are given and give back
        self.carry = np.zeros(self.count, bool)
        self.places = self._placed_variables(blocks[0] * blocks[1])

    def _placed_variables(self, blocks: int) -> dict[str, int]:
        """The address of each variable; shared and local memory begin at 0."""
        places, used = {}, {"shared": 0, "local": 0}
        for variable in self.kernel.variables:
            if variable.space in used:
                start = -(-used[variable.space] // variable.alignment) * variable.alignment
                places[variable.name], used[variable.space] = start, start + variable.size
            else:
                content = np.frombuffer(variable.initial, np.uint8)
                places[variable.name] = self.memory.put(content, variable.name[:40]).address
        self.shared = BlockMemory(blocks, used["shared"])
        self.local = ThreadMemory(self.count, used["local"])
        return places

    # Operands -------------------------------------------------------------------------------------

    def value(self, operand, kind: str, threads: np.ndarray) -> np.ndarray:
        """An operand as numbers of a type, one a thread; a literal may come as one for all."""
        if isinstance(operand, Register):
            if operand.name in self.special:
                return self.special[operand.name][threads].astype(TYPES[kind])
            bits = self.registers[operand.name][threads]
            wanted = TYPES[kind]
            if bits.dtype == bool:
                return bits
            return bits.astype(f"uint{8 * wanted.itemsize}", copy=False).view(wanted)
        if isinstance(operand, Number):
            return self._literal(operand, kind)
        return np.array([self.places[operand.name]], np.uint64)

    @staticmethod
    def _literal(number: Number, kind: str) -> np.ndarray:
        wanted = TYPES[kind]
        if kind == "pred":
            return np.array([bool(number.value)])
        if number.float_bits:
            bits = np.array([number.value], f"uint{number.float_bits}").view(f"float{number.float_bits}")
            return bits.astype(wanted) if wanted.kind == "f" else bits.view(wanted)
        if wanted.kind == "f":
            return np.array([number.value], wanted)
        bits = 8 * wanted.itemsize
        return np.array([number.value % (1 << bits)], f"uint{bits}").view(wanted)

    def set(self, register: Register, kind: str, threads: np.ndarray, values) -> None:
        """Writes a register of some threads; a register that is wider is extended as the type says."""
        name = register.name
        if name == "_":
            return
        values = np.broadcast_to(values, threads.shape)
        store = self.registers.get(name)
        if store is None:
            kinds = self.kernel.registers
            declared = BITS[kinds.get(name) or kinds[name.rstrip("0123456789")]]
            store = self.registers[name] = np.zeros(self.count, declared)
        if store.dtype == bool:
            store[threads] = values
            return
        values = np.ascontiguousarray(values, TYPES[kind])
        if store.dtype.itemsize > values.dtype.itemsize:
            signed = kind.startswith("s")
            values = values.view(f"{'int' if signed else 'uint'}{8 * values.dtype.itemsize}")
            values = values.astype(f"{'int' if signed else 'uint'}{8 * store.dtype.itemsize}")
        store[threads] = values.view(store.dtype)

    # Memory and moves -----------------------------------------------------------------------------

    def _load(self, instruction: Instruction, threads: np.ndarray) -> None:
        target, address = instruction.operands
        kind = instruction.parts[-1]
        if instruction.space == "param":
            passed = self.passed.get(address.base.name)
            values = self.parameters[address.base.name] if passed is None else passed[threads]
            self.set(target, kind, threads, values)
            return
        targets = target.items if isinstance(target, Vector) else (target,)
        space, places = self._space(instruction.space, self._address(address, threads))
        unit, count = TYPES[kind], len(targets)
        if space == "shared":
            loaded = self.shared.load(places, unit, count, self.block[threads], self.thread[threads])
        elif space == "local":
            loaded = self.local.load(places, unit, count, threads)
        else:
            loaded = self.memory.load(places, unit, count, self.warp[threads])
        for number, register in enumerate(targets):
            self.set(register, kind, threads, loaded[:, number])

    def _store(self, instruction: Instruction, threads: np.ndarray) -> None:
        address, source = instruction.operands
        kind = instruction.parts[-1]
        if instruction.space == "param":
            passed = self.passed.setdefault(address.base.name, np.zeros(self.count, TYPES[kind]))
            passed[threads] = self.value(source, kind, threads)
            return
        sources = source.items if isinstance(source, Vector) else (source,)
        columns = [np.broadcast_to(self.value(part, kind, threads), threads.shape) for part in sources]
        values = np.stack(columns, axis=1)
        space, places = self._space(instruction.space, self._address(address, threads))
        if space == "shared":
            self.shared.store(places, values, self.block[threads], self.thread[threads])
        elif space == "local":
            self.local.store(places, values, threads)
        else:
            self.memory.store(places, values, self.warp[threads])

    def _address(self, address: Address, threads: np.ndarray) -> np.ndarray:
        base = np.broadcast_to(self.value(address.base, "u64", threads), threads.shape).astype(np.uint64)
        return base + np.uint64(address.offset % (1 << 64))

    @staticmethod
    def _space(space: str, places: np.ndarray) -> tuple[str, np.ndarray]:
        """Which memory a generic address belongs to, and the address there."""
        if space != "generic":
            return space, places
        for name, window in (("shared", SHARED_WINDOW), ("local", LOCAL_WINDOW)):
            if (places >> np.uint64(32) == np.uint64(window >> 32)).all():
                return name, places - np.uint64(window)
        return "global", places

    def _to_space(self, instruction: Instruction, threads: np.ndarray) -> None:
        """cvta: between generic addresses and those of one memory."""
        target, source = instruction.operands
        space = next((part for part in instruction.parts if part in ("shared", "local")), None)
        window = np.uint64({"shared": SHARED_WINDOW, "local": LOCAL_WINDOW, None: 0}[space])
        address = self.value(source, "u64", threads)
        self.set(target, "u64", threads, address - window if "to" in instruction.parts else address + window)

    def _move(self, instruction: Instruction, threads: np.ndarray) -> None:
        """mov: also of the halves of a register into two, and back."""
        target, source = instruction.operands
        kind = instruction.parts[-1]
        if isinstance(target, Vector):
            bits = np.broadcast_to(self.value(source, kind, threads), threads.shape)
            unit = f"b{8 * TYPES[kind].itemsize // len(target.items)}"
            halves = np.ascontiguousarray(bits)[:, None].view(TYPES[unit])
            for number, register in enumerate(target.items):
                self.set(register, unit, threads, halves[:, number])
        elif isinstance(source, Vector):
            unit = f"b{8 * TYPES[kind].itemsize // len(source.items)}"
            parts = [np.broadcast_to(self.value(part, unit, threads), threads.shape) for part in source.items]
            self.set(target, kind, threads, np.stack(parts, axis=1).view(TYPES[kind])[:, 0])
        else:
            self.set(target, kind, threads, self.value(source, kind, threads))

    def _convert(self, instruction: Instruction, threads: np.ndarray) -> None:
        target, source = instruction.operands
        *parts, to, kind = instruction.parts
        self.set(target, to, threads, converted(self.value(source, kind, threads), to, kind, tuple(parts)))

    def _nothing(self, instruction: Instruction, threads: np.ndarray) -> None:
        """An order of memory accesses: here all are in order."""


MOVES: dict[str, Callable] = {
    "ld": Threads._load, "ldu": Threads._load, "st": Threads._store, "cvta": Threads._to_space,
    "mov": Threads._move, "cvt": Threads._convert, "membar": Threads._nothing, "fence": Threads._nothing,
}  # fmt: skip
