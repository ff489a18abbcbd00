"""The intrinsics that generated code calls: types, special values, and that kernels with them are cached."""

import subprocess
import sys

import numpy as np
import pytest
from numba import njit
from numba.core.errors import TypingError

from lossgen.runtime import intrinsics
from lossgen.runtime.intrinsics import (
    accumulate,
    copysign,
    float_from_integer,
    fma,
    integer_from_float,
    like,
    maximum_of,
    minimum_of,
    rint,
    select,
)

OPTIONS = dict(nogil=True, fastmath={"nsz"}, error_model="numpy")
DTYPES = [np.float32, np.float64]


def result_type(kernel):
    return str(kernel.nopython_signatures[-1].return_type)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("number", [1, 0.5, True, np.float32(3), np.int8(-2), np.uint16(7)])
def test_like_takes_the_type_of_an_array_or_a_scalar(dtype, number):
    @njit(**OPTIONS)
    def kernel(x, number):
        return like(x, number)

    name = np.dtype(dtype).name
    read_only = np.zeros(3, dtype)
    read_only.flags.writeable = False
    for x in (np.zeros(3, dtype), np.zeros((4, 6), dtype)[::2, ::3], read_only, dtype(1)):
        assert kernel(x, number) == float(number)
        assert result_type(kernel) == name


def test_like_keeps_float32_beside_a_literal():
    @njit(**OPTIONS)
    def kernel(x):
        return like(x, 0.5) * x[0]

    kernel(np.ones(1, np.float32))
    assert result_type(kernel) == "float32"


def test_like_refuses_integers():
    @njit(**OPTIONS)
    def kernel(x):
        return like(x, 0.5)

    with pytest.raises(TypingError, match="must be a float"):
        kernel(np.ones(1, np.int64))


@pytest.mark.parametrize("dtype", DTYPES)
def test_accumulate_sums(dtype):
    @njit(**OPTIONS)
    def kernel(x):
        total = like(x, 0)
        for i in range(x.size):
            total = accumulate(total, x[i])
        return total

    x = np.arange(1000, dtype=dtype)
    assert kernel(x) == x.sum()
    assert result_type(kernel) == np.dtype(dtype).name
    assert "reassoc" in next(iter(kernel.inspect_llvm().values()))


@pytest.mark.parametrize("dtype", DTYPES)
def test_maximum_and_minimum_propagate_nan(dtype):
    @njit(**OPTIONS)
    def kernel(x):
        most, least = like(x, -np.inf), like(x, np.inf)
        for i in range(x.size):
            most, least = maximum_of(most, x[i]), minimum_of(least, x[i])
        return most, least

    x = np.random.default_rng(1).normal(size=1001).astype(dtype)
    assert kernel(x) == (x.max(), x.min())
    x[500] = np.nan
    assert np.isnan(kernel(x)).all()


@pytest.mark.parametrize("dtype", DTYPES)
def test_select_is_a_select(dtype):
    @njit(**OPTIONS)
    def kernel(x):
        return select(x > 0, x, 0), select(x > 0, 1, like(x, -1))

    assert kernel(dtype(2)) == (2, 1)
    assert kernel(dtype(-2)) == (0, -1)
    assert kernel(dtype(np.nan)) == (0, -1)
    assert result_type(kernel) == f"UniTuple({np.dtype(dtype).name} x 2)"


def test_fma_rounds_once():
    @njit(**OPTIONS)
    def kernel(a, b, c):
        return fma(a, b, c), a * b + c

    x = np.float32(1 + 2**-12)
    fused, rounded = kernel(x, x, np.float32(-1))
    assert fused == float(x) * float(x) - 1 != rounded


@pytest.mark.parametrize("dtype", DTYPES)
def test_rint_and_copysign(dtype):
    @njit(**OPTIONS)
    def kernel(x, y):
        return rint(x), copysign(x, y)

    assert kernel(dtype(2.5), dtype(-0.0)) == (2, -2.5)
    assert kernel(dtype(-3.5), dtype(1)) == (-4, 3.5)


@pytest.mark.parametrize(("dtype", "word"), [(np.float32, np.int32), (np.float64, np.int64)])
def test_bit_casts(dtype, word):
    @njit(**OPTIONS)
    def kernel(x):
        return integer_from_float(x), float_from_integer(integer_from_float(x))

    for x in (1.0, -0.0, np.inf, 1e-40):
        x = dtype(x)
        assert kernel(x) == (int(x.view(word)), x)


def test_every_name_is_exported():
    assert all(hasattr(intrinsics, name) for name in intrinsics.__all__)


KERNEL = """
from numba import njit
from lossgen.runtime.intrinsics import accumulate, like
from lossgen.runtime.options import FAST
from lossgen.runtime.vector_math import sigmoid, softplus

@njit(**FAST)
def point(y, p):
    return softplus(p) - y * p, sigmoid(p) - y

@njit(**FAST)
def kernel(y, p, gradient_out):
    total = like(p, 0)
    for i in range(p.size):
        value, gradient_out[i] = point(y[i], p[i])
        total = accumulate(total, value)
    return total

if __name__ == "__main__":
    import numpy as np
    x = np.ones(5, np.float32)
    print(round(kernel(x, x, x.copy()), 4), sum(kernel.stats.cache_hits.values()))
"""


def test_kernels_are_cached_on_disk(tmp_path):
    path = tmp_path / "kernel_module.py"
    path.write_text(KERNEL)
    runs = [
        subprocess.run([sys.executable, path], capture_output=True, text=True, check=True).stdout.split()
        for _ in range(2)
    ]
    assert runs == [["1.5663", "0"], ["1.5663", "1"]]
