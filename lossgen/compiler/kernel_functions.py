"""Functions that appear only in finished expressions: the pieces of a log-sum-exp carried as (maximum, rest).

They have no derivatives on purpose: nothing after `finish` is differentiated. Each has the same name in
`lossgen.runtime.ladder_math`.
"""

from sympy import Function


class KernelFunction(Function):
    """A function of finished code."""

    def _eval_is_extended_real(self):
        return True

    def fdiff(self, argindex=1):
        raise NotImplementedError(
            f"{type(self).__name__} belongs to finished code and is never differentiated"
        )


class guarded_product(KernelFunction):
    """a·b, and 0 where a = 0 even if b is infinite."""

    nargs = (2,)


class vanishing(KernelFunction):
    """(base, power of it): the power, and 0 where the base is 0: the slope of a norm at its kink."""

    nargs = (2,)


class shifted(KernelFunction):
    """u − maximum: never positive, 0 at every column that attains the maximum."""

    nargs = (2,)


class excluded_exponential(KernelFunction):
    """exp(s) of a shifted s < 0, and 0 for s = 0: the maximum itself stays out of the sum."""

    nargs = (1,)


class is_maximum(KernelFunction):
    """1 for a shifted s = 0, else 0."""

    nargs = (1,)


class complement(KernelFunction):
    """1 − softmax from (s, exp(s), excluded sum, 1/(1 + excluded sum))."""

    nargs = (4,)


KERNEL_FUNCTIONS = (guarded_product, vanishing, shifted, excluded_exponential, is_maximum, complement)
