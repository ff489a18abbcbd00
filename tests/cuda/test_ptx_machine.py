"""The machine that executes PTX: what each instruction computes, and the faults that it must find."""

import struct

import numpy as np
import pytest
from ptx_machine import Deadlock, Machine, MemoryFault, Race

from lossgen.inspection.cuda.ptx import read_kernel

REGISTERS = """
.reg .pred %p<9>; .reg .b16 %rs<9>; .reg .b32 %r<19>; .reg .b64 %rd<19>; .reg .f32 %f<9>; .reg .f64 %fd<9>;
"""


def kernel_of(body: str, before: str = ""):
    """A kernel with the addresses `%rd1` of what it reads and `%rd2` of what it writes, thread `%r1`."""
    registers = "\n".join(f"\t{part};" for part in REGISTERS.strip().split("; "))
    lines = "\n".join(f"\t{line.strip()}" if ":" not in line else line for line in body.strip().splitlines())
    return read_kernel(
        f".version 8.0\n.target sm_90\n.address_size 64\n{before}\n"
        f".visible .entry kernel(\n\t.param .u64 a,\n\t.param .u64 b\n)\n{{\n{registers}\n".replace(";;", ";")
        + "\tld.param.u64 %rd1, [a];\n\tld.param.u64 %rd2, [b];\n\tmov.u32 %r1, %tid.x;\n"
        + f"{lines}\n\tret;\n}}\n"
    )


def lines(text: str) -> str:
    return "\n".join(f"{line.strip()};" for line in text.strip().splitlines())


def result_of(line: str, kind: str, register: str):
    """What one thread has in a register after a line, or several."""
    machine = Machine()
    out = machine.put(np.zeros(1, TYPES.get(kind, np.float64)))
    source = machine.put(np.zeros(1))
    body = lines(line.replace("; ", "\n") + f"\nst.global.{kind} [%rd2], {register}")
    machine.launch(kernel_of(body), 1, 1, source.address, out.address)
    return machine.get(out)[0]


def f32(value: float) -> str:
    return f"0f{struct.unpack('<I', struct.pack('<f', value))[0]:08X}"


def f64(value: float) -> str:
    return f"0d{struct.unpack('<Q', struct.pack('<d', value))[0]:016X}"


NAN = float("nan")
BELOW_ONE = np.nextafter(np.float32(1), np.float32(0))
INTEGERS = {
    "add.s32 %r2, -5, 3": ("s32", -2),
    "sub.u32 %r2, 3, 5": ("u32", 2**32 - 2),
    "mul.lo.s32 %r2, 100000, 100000": ("s32", 10**10 % 2**32),
    "mul.hi.u32 %r2, 4000000000, 3": ("u32", 12 * 10**9 >> 32),
    "mul.hi.s64 %rd3, -9223372036854775807, 6": ("s64", -3),
    "mul.wide.s32 %rd3, -3, 2000000000": ("s64", -6 * 10**9),
    "mul.wide.u32 %rd3, 4000000000, 4000000000": ("u64", 16 * 10**18),
    "mad.lo.s32 %r2, 7, -6, 50": ("s32", 8),
    "mad.wide.u32 %rd3, 4000000000, 2, 5": ("u64", 8 * 10**9 + 5),
    "mul24.lo.s32 %r2, 16777215, 5": ("s32", -5),
    "div.s32 %r2, -7, 2": ("s32", -3),
    "rem.s32 %r2, -7, 2": ("s32", -1),
    "div.u32 %r2, 4294967289, 2": ("u32", 2147483644),
    "shl.b32 %r2, 1, 31": ("u32", 2**31),
    "shl.b32 %r2, 1, 32": ("u32", 0),
    "shr.s32 %r2, -8, 1": ("s32", -4),
    "shr.s32 %r2, -8, 99": ("s32", -1),
    "shr.u32 %r2, 4294967288, 1": ("u32", 2147483644),
    "bfe.u32 %r2, 0xABCD1234, 8, 8": ("u32", 0x12),
    "bfe.s32 %r2, 0x0000F000, 12, 4": ("s32", -1),
    "bfi.b32 %r2, 0xF, 0x1000, 4, 4": ("u32", 0x10F0),
    "prmt.b32 %r2, 0x33221100, 0x77665544, 0x7531": ("u32", 0x77553311),
    "lop3.b32 %r2, 12, 10, 9, 0x96": ("u32", 12 ^ 10 ^ 9),
    "shf.l.wrap.b32 %r2, 0x80000000, 0x1, 4": ("u32", 0x18),
    "shf.r.wrap.b32 %r2, 0x10, 0x3, 4": ("u32", 0x30000001),
    "clz.b32 %r2, 0xFF": ("u32", 24),
    "popc.b32 %r2, 0xFF00F": ("u32", 12),
    "brev.b32 %r2, 1": ("u32", 2**31),
    "min.s32 %r2, -1, 1": ("s32", -1),
    "max.u32 %r2, 4294967295, 1": ("u32", 2**32 - 1),
    "not.b32 %r2, 0": ("u32", 2**32 - 1),
    "abs.s32 %r2, -9": ("s32", 9),
    "setp.lt.s32 %p1, -1, 1; selp.b32 %r2, 4, 5, %p1": ("u32", 4),
    "setp.lt.u32 %p1, -1, 1; selp.b32 %r2, 4, 5, %p1": ("u32", 5),
    "setp.eq.s32 %p2|%p3, 1, 2; selp.u32 %r2, 4, 5, %p3": ("u32", 4),
    "mov.pred %p1, 0; @!%p1 mov.u32 %r2, 3": ("u32", 3),
    "mad.lo.cc.u32 %r3, 4294967295, 2, 5; madc.hi.u32 %r2, 4294967295, 2, 0": ("u32", 2),
    "mov.b64 {%r3, %r2}, 0x0000000500000007": ("u32", 5),
    "mov.u32 %r3, 7; mov.u32 %r4, 5; mov.b64 %rd3, {%r3, %r4}": ("u64", 0x500000007),
    "cvt.s64.s32 %rd3, -5": ("s64", -5),
    "cvt.u64.u32 %rd3, 4294967295": ("u64", 2**32 - 1),
    "cvt.u32.u64 %r2, 0x1234567890": ("u32", 0x34567890),
    f"cvt.rni.s32.f32 %r2, {f32(2.5)}": ("s32", 2),
    f"cvt.rzi.s32.f32 %r2, {f32(-2.9)}": ("s32", -2),
    f"cvt.rmi.s32.f32 %r2, {f32(-2.1)}": ("s32", -3),
    f"cvt.rzi.s32.f32 %r2, {f32(1e20)}": ("s32", 2**31 - 1),
    f"cvt.rzi.u32.f32 %r2, {f32(-5)}": ("u32", 0),
    f"cvt.rzi.s32.f32 %r2, {f32(NAN)}": ("s32", 0),
    f"mov.b32 %r2, {f32(1)}": ("u32", 0x3F800000),
    f"setp.ne.f32 %p1, {f32(NAN)}, {f32(1)}; selp.b32 %r2, 4, 5, %p1": ("u32", 5),
    f"setp.neu.f32 %p1, {f32(NAN)}, {f32(1)}; selp.b32 %r2, 4, 5, %p1": ("u32", 4),
    f"setp.nan.f32 %p1, {f32(NAN)}, {f32(1)}; selp.b32 %r2, 4, 5, %p1": ("u32", 4),
    f"setp.gtu.f64 %p1, {f64(1)}, {f64(2)}; selp.b32 %r2, 4, 5, %p1": ("u32", 5),
    f"mov.pred %p1, -1; setp.lt.and.f32 %p2, {f32(0)}, {f32(1)}, %p1; selp.b32 %r2, 4, 5, %p2": ("u32", 4),
    f"testp.infinite.f32 %p1, {f32(float('inf'))}; selp.b32 %r2, 4, 5, %p1": ("u32", 4),
}
FLOATS = {
    f"add.f32 %f1, {f32(0.1)}, {f32(0.2)}": ("f32", np.float32(0.1) + np.float32(0.2)),
    f"add.rz.f32 %f1, {f32(1)}, {f32(-(2**-30))}": ("f32", BELOW_ONE),
    f"fma.rn.f32 %f1, {f32(1 + 2**-12)}, {f32(1 - 2**-12)}, {f32(-1)}": ("f32", np.float32(-(2**-24))),
    f"fma.rn.f64 %fd1, {f64(1 + 2**-30)}, {f64(1 - 2**-30)}, {f64(-1)}": ("f64", -(2**-60)),
    f"fma.rm.f32 %f1, {f32(1)}, {f32(1)}, {f32(-(2**-40))}": ("f32", BELOW_ONE),
    f"min.f32 %f1, {f32(NAN)}, {f32(2)}": ("f32", 2),
    f"min.NaN.f32 %f1, {f32(NAN)}, {f32(2)}": ("f32", NAN),
    f"max.f64 %fd1, {f64(3)}, {f64(2)}": ("f64", 3),
    f"copysign.f32 %f1, {f32(-1)}, {f32(5)}": ("f32", -5),
    f"abs.f64 %fd1, {f64(-3)}": ("f64", 3),
    f"neg.f32 %f1, {f32(3)}": ("f32", -3),
    f"div.rn.f32 %f1, {f32(1)}, {f32(3)}": ("f32", np.float32(1) / np.float32(3)),
    f"sqrt.rn.f64 %fd1, {f64(2)}": ("f64", np.sqrt(2.0)),
    f"rcp.rn.f64 %fd1, {f64(3)}": ("f64", 1 / 3),
    f"rcp.approx.ftz.f32 %f1, {f32(4)}": ("f32", 0.25),
    f"ex2.approx.ftz.f32 %f1, {f32(-3)}": ("f32", 0.125),
    f"ex2.approx.ftz.f32 %f1, {f32(-140)}": ("f32", 0),
    f"ex2.approx.f32 %f1, {f32(-140)}": ("f32", 2.0**-140),
    f"lg2.approx.f32 %f1, {f32(8)}": ("f32", 3),
    f"rsqrt.approx.f32 %f1, {f32(16)}": ("f32", 0.25),
    f"cvt.sat.f32.f32 %f1, {f32(1.5)}": ("f32", 1),
    f"cvt.rmi.f32.f32 %f1, {f32(-1.5)}": ("f32", -2),
    f"cvt.rn.f32.f64 %f1, {f64(0.1)}": ("f32", np.float32(0.1)),
    f"cvt.rz.f32.f64 %f1, {f64(1 - 2**-40)}": ("f32", BELOW_ONE),
    f"cvt.f64.f32 %fd1, {f32(0.5)}": ("f64", 0.5),
    "cvt.rn.f32.s32 %f1, -16777217": ("f32", -16777216),
    f"cvt.rn.f16.f32 %rs1, {f32(0.1)}; cvt.f32.f16 %f1, %rs1": ("f32", np.float32(np.float16(0.1))),
    f"cvt.rn.bf16.f32 %rs1, {f32(1.01)}; cvt.f32.bf16 %f1, %rs1": ("f32", 1.0078125),
}


TYPES = {"s32": np.int32, "u32": np.uint32, "s64": np.int64, "u64": np.uint64, "f32": np.float32}


@pytest.mark.parametrize("line", [*INTEGERS, *FLOATS])
def test_an_instruction(line):
    kind, expected = (INTEGERS | FLOATS)[line]
    register = {"s32": "%r2", "u32": "%r2", "s64": "%rd3", "u64": "%rd3", "f32": "%f1", "f64": "%fd1"}[kind]
    result = result_of(line, kind, register)
    np.testing.assert_equal(result, TYPES.get(kind, np.float64)(expected))


DOUBLED = """
    mul.wide.u32 %rd3, %r1, 4
    add.s64 %rd4, %rd1, %rd3
    add.s64 %rd5, %rd2, %rd3
    {0}
    add.f32 %f1, %f1, %f1
    {1}
"""


def test_reads_and_writes_are_counted_by_byte_instruction_and_sector():
    machine = Machine()
    values = np.arange(64, dtype=np.float32)
    source, out = machine.put(values, "source"), machine.put(np.zeros(64, np.float32), "out")
    body = lines(DOUBLED.format("ld.global.f32 %f1, [%rd4]", "st.global.f32 [%rd5], %f1"))
    machine.launch(kernel_of(body), 1, 64, source.address, out.address)
    np.testing.assert_array_equal(machine.get(out), 2 * values)
    assert dict(source.loads) == {4: 64} and dict(out.stores) == {4: 64} and not source.stores
    assert (source.reads == 1).all() and (out.writes == 1).all()
    assert source.requested == 256 and source.sectors == 8


def test_scattered_reads_cost_a_sector_each():
    machine = Machine()
    source = machine.put(np.zeros(32 * 8, np.float32))
    body = lines("mul.wide.u32 %rd3, %r1, 32\nadd.s64 %rd4, %rd1, %rd3\nld.global.f32 %f1, [%rd4]")
    machine.launch(kernel_of(body), 1, 32, source.address, 0)
    assert source.sectors == 32 and source.requested == 128


def test_four_numbers_at_once():
    machine = Machine()
    source, out = machine.put(np.arange(8, dtype=np.float32)), machine.put(np.zeros(8, np.float32))
    body = lines("""
        mul.wide.u32 %rd3, %r1, 16
        add.s64 %rd4, %rd1, %rd3
        add.s64 %rd5, %rd2, %rd3
        ld.global.v4.f32 {%f1, %f2, %f3, %f4}, [%rd4]
        st.global.v4.f32 [%rd5], {%f4, %f3, %f2, %f1}
    """)
    machine.launch(kernel_of(body), 1, 2, source.address, out.address)
    assert machine.get(out).tolist() == [3, 2, 1, 0, 7, 6, 5, 4]
    assert dict(source.loads) == {16: 2}


@pytest.mark.parametrize(("offset", "what"), [(256, "from the beginning of source"), (2, "not aligned")])
def test_an_access_outside_or_unaligned_is_a_fault(offset, what):
    machine = Machine()
    source = machine.put(np.zeros(64, np.float32), "source")
    body = lines(f"ld.global.f32 %f1, [%rd1+{offset}]")
    with pytest.raises(MemoryFault, match=what):
        machine.launch(kernel_of(body), 1, 1, source.address, 0)


LOOP = lines("mov.u32 %r2, 0\nmov.u32 %r3, 0") + """
again:
""" + lines("""
    add.u32 %r2, %r2, %r1
    add.u32 %r3, %r3, 1
    setp.le.u32 %p1, %r3, %r1
    @%p1 bra again
    mul.wide.u32 %rd3, %r1, 4
    add.s64 %rd5, %rd2, %rd3
    st.global.u32 [%rd5], %r2
""")  # fmt: skip


def test_threads_that_part_go_their_own_way():
    machine = Machine()
    out = machine.put(np.zeros(40, np.uint32))
    machine.launch(kernel_of(LOOP), 1, 40, 0, out.address)
    assert machine.get(out).tolist() == [thread * (thread + 1) for thread in range(40)]


SHARED = ".shared .align 8 .b8 memory[256];"
EXCHANGED = """
    mul.lo.u32 %r2, %r1, 4
    mov.u32 %r3, memory
    add.u32 %r4, %r3, %r2
    st.shared.u32 [%r4], %r1
    {0}
    sub.u32 %r5, 252, %r2
    add.u32 %r6, %r3, %r5
    ld.shared.u32 %r7, [%r6]
    mul.wide.u32 %rd3, %r1, 4
    add.s64 %rd5, %rd2, %rd3
    st.global.u32 [%rd5], %r7
"""


def test_shared_memory_with_a_barrier():
    machine = Machine()
    out = machine.put(np.zeros(64, np.uint32))
    machine.launch(kernel_of(lines(EXCHANGED.format("bar.sync 0")), SHARED), 1, 64, 0, out.address)
    assert machine.get(out).tolist() == list(range(63, -1, -1))


def test_shared_memory_without_a_barrier_is_a_race():
    machine = Machine()
    out = machine.put(np.zeros(64, np.uint32))
    with pytest.raises(Race, match="since the last barrier"):
        machine.launch(kernel_of(lines(EXCHANGED.format("mov.u32 %r8, 0")), SHARED), 1, 64, 0, out.address)


SHUFFLED = """
    {0}
    mul.wide.u32 %rd3, %r1, 4
    add.s64 %rd5, %rd2, %rd3
    st.global.u32 [%rd5], %r2
"""


@pytest.mark.parametrize(
    ("shuffle", "source"),
    [
        ("shfl.sync.bfly.b32 %r2, %r1, 16, 31, -1", lambda lane: lane ^ 16),
        ("shfl.sync.bfly.b32 %r2|%p1, %r1, 1, 0x1c1f, -1", lambda lane: lane ^ 1),
        ("shfl.sync.down.b32 %r2, %r1, 3, 31, -1", lambda lane: min(lane + 3, 31) if lane < 29 else lane),
        ("shfl.sync.up.b32 %r2, %r1, 3, 0, -1", lambda lane: lane - 3 if lane > 2 else lane),
        ("shfl.sync.idx.b32 %r2, %r1, 0, 0x1c1f, -1", lambda lane: lane & 28),
    ],
)
def test_a_shuffle(shuffle, source):
    machine = Machine()
    out = machine.put(np.zeros(64, np.uint32))
    machine.launch(kernel_of(lines(SHUFFLED.format(shuffle))), 1, 64, 0, out.address)
    assert machine.get(out).tolist() == [32 * warp + source(lane) for warp in (0, 1) for lane in range(32)]


@pytest.mark.parametrize("meeting", ["shfl.sync.bfly.b32 %r2, %r1, 1, 31, -1", "bar.sync 0"])
def test_a_meeting_that_some_threads_miss_is_a_deadlock(meeting):
    body = lines("setp.lt.u32 %p1, %r1, 5\n@%p1 bra early") + f"\n{meeting};\nbra.uni end;\nearly:\n"
    other = "bar.sync 1;\nmov.u32 %r4, 1;\nend:\n"
    with pytest.raises(Deadlock, match="waits"):
        Machine().launch(kernel_of(body + other), 1, 32, 0, 0)


def test_a_shuffle_after_some_threads_have_ended_is_a_deadlock():
    body = lines(
        "setp.lt.u32 %p1, %r1, 5\n@%p1 bra end\nshfl.sync.bfly.b32 %r2, %r1, 1, 31, -1\nend:"
    ).replace(":;", ":")
    with pytest.raises(Deadlock, match="waits"):
        Machine().launch(kernel_of(body), 1, 32, 0, 0)


def test_what_is_not_known_is_refused():
    with pytest.raises(NotImplementedError, match="does not know"):
        Machine().launch(kernel_of("red.global.add.f32 [%rd2], %f1;"), 1, 1, 0, 0)
    with pytest.raises(ValueError, match="not understood"):
        kernel_of("what is this?\n")
