"""What the algorithms need to know about float32 and float64: widths, thresholds, polynomial coefficients."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Format:
    """One float format.

    mantissa         bits of the fraction
    bias             of the exponent
    smallest_normal  smallest number of full precision
    tiny             below it, adding the square of x to x changes nothing
    huge             above it, adding 1 to x squared changes nothing
    exp_lowest       exp of it rounds to 0
    exp_highest      exp of it rounds to infinity
    ln2              log 2 as a sum of two numbers
    exp              (eʳ − 1 − r)/r² on ±½ log 2
    log              (2·atanh(s)/s − 2)/s² as a polynomial in s², |s| ≤ 3 − 2√2
    log1p            (log(1+x) − x)/x² on [0, 1]
    """

    bits: int
    mantissa: int
    bias: int
    smallest_normal: float
    tiny: float
    huge: float
    exp_lowest: float
    exp_highest: float
    ln2: tuple[float, float]
    exp: tuple[float, ...]
    log: tuple[float, ...]
    log1p: tuple[float, ...]

    @property
    def rounder(self) -> float:
        """Adding it to a small number leaves the nearest integer in the lowest bits."""
        return 1.5 * 2.0**self.mantissa


FLOAT32 = Format(
    bits=32, mantissa=23, bias=127, smallest_normal=2.0**-126, tiny=2.0**-30, huge=2.0**30,
    exp_lowest=-104.0, exp_highest=89.0,
    ln2=(0.693147182464599609375, -1.904654299957768e-09),
    exp=(5.e-01, 1.6666576e-01, 4.1666552e-02, 8.363233e-03, 1.392625e-03 ),
    log=( 6.666667e-01, 4.0000123e-01, 2.855078e-01, 2.3331614e-01 ),
    log1p=( -5.e-01, 3.3333236e-01, -2.499676e-01, 1.9956708e-01, -1.6365153e-01, 1.3033365e-01, -9.139414e-02, 4.9309973e-02, -1.7184267e-02, 2.801642e-03 )
)

FLOAT64 = Format(
    bits=64, mantissa=52, bias=1023, smallest_normal=2.0**-1022, tiny=2.0**-60, huge=2.0**60,
    exp_lowest=-746.0, exp_highest=710.0,
    ln2=(0.693147180559945286226764, 2.319046813846299558417771e-17),
    exp=( 0.5000000000000001, 0.16666666666666669, 0.041666666666623824, 0.008333333333330039, 0.0013888888917367081, 0.00019841269863171557, 2.4801521057868204e-05, 2.7557268276905696e-06, 2.7620201591031547e-07, 2.5100472505694996e-08 ),
    log=( 0.666666666666667, 0.3999999999989889, 0.28571428626253836, 0.22222211089379496, 0.1818289243253687, 0.15331611722055008, 0.14617807153417325 ),
    log1p=( -0.5, 0.33333333333332466, -0.2499999999987205, 0.1999999999247163, -0.1666666643097834, 0.14285709745445543, -0.12499941281507687, 0.11110571142855806, -0.09996324347550137, 0.09071835292534261, -0.0825618541627825, 0.07444817019942226, -0.06504010366036855, 0.053223522460321214, -0.03912505115233944, 0.024682950191684934, -0.012732150528247672, 0.005081090478548994, -0.0014569248473329174, 0.000265295970542531, -2.2938856818471438e-05 )
)


def format_of(x) -> Format:
    """The format of a traced float."""
    return FLOAT32 if x.bits == 32 else FLOAT64
