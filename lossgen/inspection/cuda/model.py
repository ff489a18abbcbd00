"""How long a kernel takes at best: bytes over the memory's bandwidth, or operations over what a GPU issues.

A roofline (Williams, Waterman, Patterson, CACM 52(4), 2009), not a measurement: the bandwidth of the data
sheet, which real kernels reach to about nine tenths, and no cost of a launch.
"""

from dataclasses import dataclass

REGISTER_UNIT = 256
SHARED_UNIT = 128
SHARED_RESERVED = 1024
WARP = 32


@dataclass(frozen=True)
class Processor:
    """What one multiprocessor of a compute capability holds at a time, and computes in a cycle.

    The first four from the table "Technical Specifications per Compute Capability" of NVIDIA's CUDA C++
    Programming Guide; `single`, computations in float32, and `special`, approximations of special functions,
    from its table of the throughput of arithmetic instructions. It issues 4 × 32 instructions of any kind.
    """

    threads: int
    blocks: int
    registers: int
    shared: int
    single: int
    special: int
    issued: int = 128


PROCESSORS = {
    (8, 0): Processor(threads=2048, blocks=32, registers=65536, shared=164 * 1024, single=64, special=16),
    (9, 0): Processor(threads=2048, blocks=32, registers=65536, shared=228 * 1024, single=128, special=16),
}


@dataclass(frozen=True)
class Device:
    """A GPU for sale.

    Attributes:
        name: as in tables.
        capability: its compute capability.
        bandwidth: of its memory, bytes a second.
        processors: number of multiprocessors.
        clock: cycles a second when it boosts.
        cache: bytes of its level 2 cache.
        source: where the numbers stand.
    """

    name: str
    capability: tuple[int, int]
    bandwidth: float
    processors: int
    clock: float
    cache: float
    source: str


H100 = Device(
    "H100 SXM", (9, 0), 3.35e12, 132, 1.98e9, 50e6,
    "NVIDIA H100 Tensor Core GPU data sheet: 3.35 TB/s, 67 teraFLOPS of FP32 (132 × 128 × 2 × 1.98 GHz)",
)  # fmt: skip
A100 = Device(
    "A100 SXM 80 GB", (8, 0), 2.039e12, 108, 1.41e9, 40e6,
    "NVIDIA A100 Tensor Core GPU data sheet: 2,039 GB/s, 19.5 TFLOPS of FP32 (108 × 64 × 2 × 1.41 GHz)",
)  # fmt: skip
A100_40 = Device("A100 40 GB", (8, 0), 1.555e12, 108, 1.41e9, 40e6, "the same data sheet: 1,555 GB/s")
DEVICES = (H100, A100, A100_40)


@dataclass(frozen=True)
class Work:
    """What a kernel does an element, or a launch in all.

    Attributes:
        bytes: moved between the GPU's memory and its processors.
        operations: instructions of a thread.
        single: how many of them compute in float32.
        special: how many of them the special function units execute.
    """

    bytes: float
    operations: float = 0.0
    single: float = 0.0
    special: float = 0.0


def occupancy(capability: tuple[int, int], registers: int, threads: int, shared: int = 0) -> float:
    """Which part of the threads that a multiprocessor can hold it does hold.

    Args:
        capability: (8, 0) or (9, 0).
        registers: of a thread.
        threads: of a block.
        shared: bytes of a block.

    As NVIDIA's occupancy calculator has it: registers are given to a warp in units of 256, shared memory to a
    block in units of 128 bytes, 1 KiB more for the system.
    """
    processor = PROCESSORS[capability]
    warps = -(-threads // WARP)
    of_warp = -(-registers * WARP // REGISTER_UNIT) * REGISTER_UNIT
    of_block = -(-(shared + SHARED_RESERVED) // SHARED_UNIT) * SHARED_UNIT
    blocks = min(
        processor.blocks,
        processor.threads // (warps * WARP),
        processor.registers // of_warp // warps,
        processor.shared // of_block,
    )
    return blocks * warps * WARP / processor.threads


def seconds(device: Device, work: Work) -> float:
    """The least time for some work: what memory, arithmetic or special functions take, whichever is most."""
    processor = PROCESSORS[device.capability]
    cycles = max(
        work.operations / processor.issued, work.single / processor.single, work.special / processor.special
    )
    return max(work.bytes / device.bandwidth, cycles / device.processors / device.clock)
