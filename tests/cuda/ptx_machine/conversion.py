"""cvt: from each type of number to each other."""

import numpy as np

from .arithmetic import TYPES, flushed

INTEGER_ROUNDING = {"rni": np.rint, "rzi": np.trunc, "rmi": np.floor, "rpi": np.ceil}


def from_bfloat16(bits):
    return (bits.astype(np.uint32) << np.uint32(16)).view(np.float32)


def to_bfloat16(values):
    """Rounded to the nearest, ties to even; NaN stays NaN."""
    bits = np.ascontiguousarray(values, np.float32).view(np.uint32)
    rounded = bits + np.uint32(0x7FFF) + (bits >> np.uint32(16) & np.uint32(1))
    return np.where(np.isnan(values), np.uint32(0x7FFF), rounded >> np.uint32(16)).astype(np.uint16)


def converted(values, to: str, source: str, parts: tuple[str, ...]):
    """The values in type `to`; `parts` are the modifiers of the instruction.

    A float that no integer holds becomes the nearest that does, and NaN 0, as "cvt" of the PTX manual says.
    """
    values = from_bfloat16(values) if source == "bf16" else values
    if "ftz" in parts:
        values = flushed(values)
    if values.dtype.kind == "f":
        rounding = next((part for part in parts if part in INTEGER_ROUNDING), None)
        if rounding:
            values = INTEGER_ROUNDING[rounding](values)
    if to == "bf16":
        return to_bfloat16(values)
    kind = TYPES[to]
    if kind.kind == "f":
        result = _to_float(values, kind, parts)
        return np.where(np.isnan(result), 0, np.clip(result, 0, 1)).astype(kind) if "sat" in parts else result
    if values.dtype.kind == "f":
        return _to_integer(values, kind)
    if "sat" in parts:
        limits = np.iinfo(kind)
        return np.array([min(max(int(value), limits.min), limits.max) for value in values], kind)
    return values.astype(kind)


def _to_float(values, kind: np.dtype, parts: tuple[str, ...]):
    result = values.astype(kind)
    for part, beyond, limit in (("rz", None, 0), ("rm", np.greater, -np.inf), ("rp", np.less, np.inf)):
        if part in parts and values.dtype.kind == "f":
            wrong = np.abs(result) > np.abs(values) if beyond is None else beyond(result, values)
            result = np.where(wrong, np.nextafter(result, kind.type(limit)), result)
        elif part in parts:
            raise NotImplementedError(f"an integer converted with .{part}")
    return result


def _to_integer(values, kind: np.dtype):
    limits = np.iinfo(kind)
    wide = values.astype(np.float64)
    result = np.where((wide > limits.min) & (wide < limits.max), wide, 0).astype(kind)
    result = np.where(wide >= float(limits.max), limits.max, result)
    return np.where(wide <= float(limits.min), limits.min, result).astype(kind)
