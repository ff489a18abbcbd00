"""What is said about CUDA kernels: loops and traffic in their code, the model, `lossgen show --cuda`."""

import os
import subprocess
import sys

import pytest
from requiring import missing

from lossgen.cli.main import main
from lossgen.errors import CompileError, MissingLibraryError
from lossgen.inspection.cuda import assembler
from lossgen.inspection.cuda.facts import Facts, excesses
from lossgen.inspection.cuda.loops import Loop, element_loops
from lossgen.inspection.cuda.model import (
    A100,
    DEVICES,
    H100,
    PROCESSORS,
    Work,
    occupancy,
    seconds,
)
from lossgen.inspection.cuda.ptx import Address, Number, Register, Vector, read_kernel
from lossgen.inspection.cuda.report import duration
from lossgen.inspection.cuda.traffic import Sweep, first_and_last

HEAD = """.version 8.0
.target sm_90
.address_size 64
.visible .entry kernel(
	.param .u64 a
)
{
	.reg .pred %p<9>;
	.reg .b64 %rd<9>;
	.reg .f32 %f<9>;
	.reg .f64 %fd<9>;
	ld.param.u64 %rd1, [a];
"""

NESTED = (
    HEAD
    + """
rows:
	ld.global.f32 %f9, [%rd1];
columns:
	ld.global.v4.f32 {%f1, %f2, %f3, %f4}, [%rd1+16];
	ex2.approx.f32 %f1, %f1;
	cvt.f64.f32 %fd1, %f2;
	st.global.f32 [%rd1], %f1;
	setp.ne.s64 %p1, %rd1, 0;
	@%p1 bra columns;
	add.f64 %fd2, %fd1, %fd1;
	setp.ne.s64 %p2, %rd1, 1;
	@%p2 bra rows;
partials:
	ld.global.f64 %fd3, [%rd1];
	add.f64 %fd2, %fd2, %fd3;
	@%p1 bra partials;
	ret;
}
"""
)


def test_ptx_is_read_into_instructions():
    kernel = read_kernel(NESTED)
    assert (kernel.name, kernel.version, kernel.target) == ("kernel", "8.0", "sm_90")
    assert kernel.parameters == (("a", "u64"),)
    assert kernel.registers == {"%p": "pred", "%rd": "b64", "%f": "f32", "%fd": "f64"}
    load = kernel.instructions[kernel.labels["columns"]]
    assert (load.name, load.space, load.elements, load.bytes) == ("ld", "global", 4, 16)
    assert load.operands == (
        Vector(tuple(map(Register, ("%f1", "%f2", "%f3", "%f4")))),
        Address(Register("%rd1"), 16),
    )
    jump = kernel.instructions[kernel.labels["columns"] + 5]
    assert (jump.name, jump.guard, jump.negated) == ("bra", "%p1", False)
    compare = kernel.instructions[kernel.labels["columns"] + 4]
    assert compare.operands == (Register("%p1"), Register("%rd1"), Number(0))
    with pytest.raises(ValueError, match="no entry"):
        read_kernel(".version 8.0\n.target sm_90\n")


def test_loops_over_elements_are_the_innermost_that_touch_them():
    (loop,) = element_loops(read_kernel(NESTED), 4)
    assert (loop.loads, loop.stores, loop.widest) == (16, 4, 16)
    assert (loop.operations, loop.special, loop.single) == (5, 1, 2)
    assert [each.text for each in loop.double] == ["cvt.f64.f32 %fd1, %f2;"]
    assert len(element_loops(read_kernel(NESTED), 8)) == 1  # of a float64 kernel it is that over partials


def facts(resources: assembler.Resources, schedule: str = "flat") -> Facts:
    (loop,) = element_loops(read_kernel(NESTED), 4)
    clean = Loop(tuple(each for each in loop.instructions if "f64" not in each.parts))
    return Facts("value", schedule, "float32", (9, 0), resources, (clean,), (Sweep(("y",), ("p",)),))


def test_what_exceeds_a_limit_is_named():
    assert excesses(facts(assembler.Resources(64, 0, 0, 0, 256))) == []
    assert excesses(facts(assembler.Resources(128, 0, 0, 0, 0), "rows")) == []
    assert excesses(facts(assembler.Resources(65, 0, 0, 0, 0))) == ["65 registers, at most 64 are allowed"]
    assert "129 registers" in excesses(facts(assembler.Resources(129, 0, 0, 0, 0), "rows"))[0]
    spilled, local = excesses(facts(assembler.Resources(40, 8, 8, 4, 0)))
    assert spilled == "8 bytes spilled, 4 read back" and "local memory" in local
    (dirty,) = element_loops(read_kernel(NESTED), 4)
    bad = Facts("value", "rows", "float32", (9, 0), assembler.Resources(1, 0, 0, 0, 0), (dirty,), ())
    assert excesses(bad) == ["float64 in a loop over elements: cvt.f64.f32 %fd1, %f2;"]
    narrow = Loop(
        tuple(each for each in dirty.instructions if each.elements == 1 and "f64" not in each.parts)
    )
    flat = Facts("value", "flat", "float32", (9, 0), assembler.Resources(1, 0, 0, 0, 0), (narrow,), ())
    assert excesses(flat) == ["no loop reads 16 bytes at once"]


# The model ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("registers", "threads", "shared", "expected"),
    [
        (32, 256, 0, 1.0),  # 8 blocks of 8 warps
        (40, 256, 0, 0.75),  # 6 blocks: 65536 / (40·32) / 8 warps
        (64, 256, 0, 0.5),
        (33, 256, 0, 0.75),  # registers are given in units of 256 a warp
        (32, 32, 0, 0.5),  # 32 blocks at most
        (32, 256, 99 * 1024, 0.25),  # 228 KiB of shared memory hold two blocks
        (255, 1024, 0, 0.0),
    ],
)
def test_occupancy(registers, threads, shared, expected):
    assert occupancy((9, 0), registers, threads, shared) == expected


def test_shared_memory_differs_between_capabilities():
    assert occupancy((8, 0), 32, 256, 99 * 1024) == 0.125


def test_the_least_time_is_that_of_memory_or_of_arithmetic():
    bytes_alone = Work(3.35e9)
    assert seconds(H100, bytes_alone) == pytest.approx(1e-3)
    assert seconds(A100, bytes_alone) == pytest.approx(3.35 / 2.039 * 1e-3)
    busy = Work(1.0, operations=132 * 128 * 1.98e6)
    assert seconds(H100, busy) == pytest.approx(1e-3)
    assert seconds(A100, Work(0, single=108 * 64 * 1.41e6)) == pytest.approx(1e-3)
    assert seconds(H100, Work(0, special=132 * 16 * 1.98e6)) == pytest.approx(1e-3)


def test_the_data_sheets_agree_with_themselves():
    for device, flops in ((H100, 67e12), (A100, 19.5e12)):
        single = PROCESSORS[device.capability].single
        assert device.processors * single * 2 * device.clock == pytest.approx(flops, rel=0.005)
    assert len({device.name for device in DEVICES}) == len(DEVICES)


def test_what_crosses_the_memory_once():
    swept = (Sweep(("p",), ()), Sweep(("p", "y"), ("gradient_out",)))
    assert first_and_last(swept) == Sweep(("p", "y"), ("gradient_out",))


def test_durations_have_three_digits():
    assert [duration(time) for time in (60.13e-6, 2.5e-3, 1.0)] == ["60.1 µs", "2.5 ms", "1e+03 ms"]


# The assembler --------------------------------------------------------------------------------------------

SAID = """ptxas info    : Compiling entry function 'kernel' for 'sm_90'
ptxas info    : Function properties for kernel
    16 bytes stack frame, 8 bytes spill stores, 4 bytes spill loads
ptxas info    : Used 40 registers, used 1 barriers, 16 bytes cumulative stack size, 1024 bytes smem
"""


def assembler_that(tmp_path, name: str, code: int, said: str) -> str:
    path = tmp_path / name
    path.write_text(f"#!/bin/sh\ncat > /dev/null\ncat >&2 <<'END'\n{said}\nEND\nexit {code}\n")
    path.chmod(0o755)
    return str(path)


def test_an_assembler_that_is_too_old_makes_room_for_the_next(tmp_path, monkeypatch):
    old = assembler_that(
        tmp_path, "old", 1, "ptxas fatal : Unsupported .version 9.5; current version is '9.0'"
    )
    new = assembler_that(tmp_path, "new", 0, SAID)
    monkeypatch.setattr(assembler, "_assemblers", lambda: iter([old, new]))
    assert assembler.assembled(NESTED) == assembler.Resources(40, 16, 8, 4, 1024)
    monkeypatch.setattr(assembler, "_assemblers", lambda: iter([old]))
    with pytest.raises(MissingLibraryError, match=r"too old for PTX 8\.0: pip install nvidia-cuda-nvcc"):
        assembler.assembled(NESTED)


def test_without_an_assembler_one_line_says_what_to_install(monkeypatch):
    monkeypatch.setattr(assembler, "_assemblers", lambda: iter([]))
    for ask in (lambda: assembler.assembled(NESTED), assembler.assembler_version):
        with pytest.raises(MissingLibraryError, match="ptxas is not installed: pip install nvidia-cuda-nvcc"):
            ask()


def test_code_that_is_refused_is_shown(tmp_path, monkeypatch):
    refusing = assembler_that(tmp_path, "refusing", 255, "ptxas fatal : Unresolved extern function 'f'")
    monkeypatch.setattr(assembler, "_assemblers", lambda: iter([refusing]))
    with pytest.raises(CompileError, match="Unresolved extern function 'f'"):
        assembler.assembled(NESTED)


# lossgen show ---------------------------------------------------------------------------------------------


def shown(*arguments: str, hidden: str = "") -> str:
    """What `lossgen show` prints in a process without the simulator; `hidden` runs before it."""
    environment = {name: value for name, value in os.environ.items() if name != "NUMBA_ENABLE_CUDASIM"}
    program = f"import sys\n{hidden}\nfrom lossgen.cli.main import main\nsys.exit(main(sys.argv[1:]))"
    command = [sys.executable, "-c", program, "show", *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def line_of(text: str, output: str, schedule: str) -> list[str]:
    (line,) = (line for line in text.splitlines() if line.split()[:2] == [output, schedule])
    return line.split()


def test_show_prints_registers_occupancy_traffic_and_times():
    try:
        assembler.assembler_version()
    except MissingLibraryError as error:
        missing(str(error))
    text = shown("huber", "--cuda", "--shape", "1048576x16")
    assert "compiled for compute capability 9.0, assembled by ptxas" in text
    _, _, registers, *shared, filled, moved, operations, time, unit = line_of(
        text, "value_and_gradient", "flat"
    )[:10]
    assert 16 <= int(registers) <= 64 and shared == ["256", "B"] and filled.endswith("%")
    assert moved == "12" and 5 < int(operations) < 50
    assert (time, unit) == ("60.1", "µs")  # 16M · 12 bytes / 3.35 TB/s
    assert all(device.source in text for device in DEVICES)


def test_show_prints_what_needs_no_toolchain_and_says_what_is_missing():
    hidden = "from lossgen.inspection.cuda import assembler\nassembler._assemblers = lambda: iter([])"
    text = shown("categorical_crossentropy", "from_logits=true", "--cuda", hidden=hidden)
    (line,) = (line for line in text.splitlines() if "not known" in line)
    assert line.endswith("NVIDIA's assembler ptxas is not installed: pip install nvidia-cuda-nvcc")
    assert line_of(text, "value_and_gradient", "rows")[2:7] == ["-", "-", "-", "12", "(28)"]


def test_show_refuses_the_simulator_and_shapes_that_are_none(capsys):
    assert main(["show", "huber", "--cuda"]) != 0
    assert "NUMBA_ENABLE_CUDASIM is set" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["show", "huber", "--cuda", "--shape", "16"])
    assert "write ROWSxCOLUMNS" in capsys.readouterr().err
