"""Numba options shared by every compiled function.

`nsz` is the only relaxation: `contract` fuses differently in two kernels that share a point function,
`reassoc` breaks argument reduction, `nnan` and `ninf` break masks and infinite logits. Where they are wanted,
fused multiply-add and reordered sums are written out: `intrinsics.fma`, `intrinsics.accumulate`.
"""

FAST = dict(cache=True, nogil=True, fastmath={"nsz"}, error_model="numpy")

BLOCK = 1024
"""Columns that are summed in the dtype of the prediction before the sum goes on in float64."""

INLINE = {**FAST, "cache": False, "forceinline": True}
"""For point functions: a loop around a function that is called does not vectorise, however large it is.

Their code is part of what the caller's cache file holds.
"""
