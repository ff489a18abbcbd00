"""What the algorithms need to know about float32 and float64: widths, thresholds, polynomial coefficients.

`python tests/polynomial_fits.py` prints the coefficients and the error of each polynomial.
"""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Format:
    """One float format.

    mantissa         bits of the fraction
    bias             of the exponent
    smallest_normal  smallest number of full precision
    tiny             below it, 1 + x is 1
    huge             above it, 1 + x² is x²
    exp_lowest       its exponential rounds to 0, as does that of any smaller number
    exp_highest      its exponential rounds to infinity
    ln2              log 2 as the sum of two numbers
    inverse_ln2      1/log 2 likewise
    exp              (eʳ − 1 − r)/r² on ±½ log 2
    expm1            the same with a term more where that is needed
    log              (2·atanh(s)/s − 2)/s² as a polynomial in s², |s| ≤ 3 − 2√2
    log1p            (log(1+x) − x)/x² on [−¼, ½]
    log_cosh         (log cosh(x)/x² − ½)/x² as a polynomial in x², |x| ≤ 0.8
    tanh             (tanh(x)/x − 1)/x² as a polynomial in x², |x| ≤ 0.55
    """

    mantissa: int
    bias: int
    smallest_normal: float
    tiny: float
    huge: float
    exp_lowest: float
    exp_highest: float
    ln2: tuple[float, float]
    inverse_ln2: tuple[float, float]
    exp: tuple[float, ...]
    expm1: tuple[float, ...]
    log: tuple[float, ...]
    log1p: tuple[float, ...]
    log_cosh: tuple[float, ...]
    tanh: tuple[float, ...]

    @property
    def half_range(self) -> int:
        """About half the exponent range: 2^-half_range times any number above 2^-half_range is exact."""
        return self.bias // 2

    @property
    def rounder(self) -> float:
        """Adding it to a number leaves the nearest integer in the lowest bits."""
        return 1.5 * 2.0**self.mantissa


def format_of(x) -> Format:
    """The format of a traced float."""
    return FLOAT32 if x.bits == 32 else FLOAT64


FLOAT32 = Format(
    mantissa=23, bias=127, smallest_normal=2.0**-126, tiny=2.0**-30, huge=2.0**30,
    exp_lowest=-104.0, exp_highest=89.0,
    ln2=(0.693147182464599609375, -1.904654299957768e-09),
    inverse_ln2=(1.4426950216293335, 1.925963033500011e-08),
    exp=(0.5, 0.16666517, 0.041666456, 0.008369091, 0.001393576),
    expm1=(0.5, 0.16666667, 0.041666456, 0.008333198, 0.001393576, 0.00019953406),
    log=(0.66666776, 0.39977586, 0.29870695),
    log1p=(
        -0.5000001, 0.33333483, -0.24999233, 0.19988394, -0.16664435, 0.14537078, -0.130836,
        0.10019943, -0.04104726,
    ),
    log_cosh=(
        -0.083333306, 0.022221416, -0.006737864, 0.002147865, -0.00064033014, 0.00012450035,
    ),
    tanh=(-0.33333316, 0.13332558, -0.05384987, 0.021063065, -0.0062634824),
)

FLOAT64 = Format(
    mantissa=52, bias=1023, smallest_normal=2.0**-1022, tiny=2.0**-60, huge=2.0**60,
    exp_lowest=-746.0, exp_highest=710.0,
    ln2=(0.693147180559945286226764, 2.319046813846299558417771e-17),
    inverse_ln2=(1.4426950408889634, 2.0355273740931033e-17),
    exp=(
        0.5000000000000013, 0.16666666666666685, 0.04166666666651157, 0.008333333333315953,
        0.0013888888947866068, 0.0001984126989866504, 2.480148917221876e-05, 2.7557232864913826e-06,
        2.763152642071582e-07, 2.5112658733312472e-08,
    ),
    expm1=(
        0.5000000000000013, 0.16666666666666685, 0.04166666666651157, 0.008333333333315953,
        0.0013888888947866068, 0.0001984126989866504, 2.480148917221876e-05, 2.7557232864913826e-06,
        2.763152642071582e-07, 2.5112658733312472e-08,
    ),
    log=(
        0.6666666666666736, 0.3999999999940539, 0.28571428744097693, 0.22222198421269884,
        0.1818357136433957, 0.15313886675602248, 0.14797464964876322,
    ),
    log1p=(
        -0.5000000000000006, 0.33333333333335347, -0.2499999999999692, 0.19999999999452844,
        -0.16666666664643187, 0.14285714336364033, -0.1250000030397938, 0.11111109133195586,
        -0.09999982345721112, 0.09090931602562838, -0.08333834912042015, 0.07692964275031372,
        -0.07136171931280613, 0.06643731741729116, -0.06270099816516918, 0.06114803463400107,
        -0.05924637990557291, 0.04883501492281856, -0.027260039980761708, 0.00722811576429584,
    ),
    log_cosh=(
        -0.08333333333333161, 0.02222222222203916, -0.00674603173920455, 0.002186948725240254,
        -0.0007386015391757798, 0.0002565704926862697, -9.094161014300946e-05, 3.26213432307555e-05,
        -1.1594162434634085e-05, 3.827061701624468e-06, -1.0037020945705942e-06,
        1.4684861999806865e-07,
    ),
    tanh=(
        -0.333333333333333, 0.1333333333332661, -0.05396825396376355, 0.0218694883860839,
        -0.008863232606640285, 0.0035920920925950122, -0.001455543287971718, 0.0005884464250902402,
        -0.0002333867116736725, 8.332403889106473e-05, -1.9499467221367055e-05,
    ),
)

# float64 arithmetic for a result that is rounded to float32: shorter polynomials, and an exponential that is
# confined to a range beyond that of float32 on both sides
SHORT = replace(
    FLOAT64,
    exp_lowest=-200.0,
    exp_highest=200.0,
    exp=(
        0.5000000080857981, 0.16666666790151932, 0.04166626296625078, 0.008333280485974006,
        0.0013946458679424266, 0.00019909660746671368,
    ),
    log=(
        0.6666666562234083, 0.40000339155783315, 0.28537101483019284, 0.23585536545855626,
    ),
)
