"""The greatest error of a function over float32 numbers, piece by piece."""

from dataclasses import dataclass

import numpy as np

from exhaustive.errors import float32_errors, values_of
from exhaustive.references import LIMITS, REFERENCES

NUMBERS = 2**32
CHUNK = 2**17  # arguments at a time: everything about them stays in the cache


@dataclass(frozen=True)
class Worst:
    """The greatest error in units in the last place, and the argument that has it."""

    ulp: float = 0.0
    argument: float = 0.0

    def or_worse(self, other: "Worst") -> "Worst":
        return other if other.ulp > self.ulp else self


def sweep(name: str, first: int, last: int, stride: int = 1) -> Worst:
    """The worst argument among the bit patterns first, first + stride, … below last."""
    worst = Worst()
    errors = np.empty(CHUNK)
    with np.errstate(all="ignore"):
        for start in range(first, last, CHUNK * stride):
            bits = np.arange(start, min(start + CHUNK * stride, last), stride, dtype=np.uint64)
            x = bits.astype(np.uint32).view(np.float32)
            exact = REFERENCES[name](x.astype(np.float64))
            part = errors[: x.size]
            float32_errors(values_of(name, x), exact, part)
            if name in LIMITS:
                part[np.abs(x) > LIMITS[name]] = 0
            place = int(np.argmax(part))
            worst = worst.or_worse(Worst(float(part[place]), float(x[place])))
    return worst
