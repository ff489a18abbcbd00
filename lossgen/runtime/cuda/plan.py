"""What an instance of a loss computes on a device: its CUDA kernels, beside what its plan has bound."""

from threading import RLock
from weakref import WeakKeyDictionary

import numpy as np

from lossgen.runtime.cuda.site import Site
from lossgen.runtime.cuda.variant import CudaTerm, cuda_variant_of
from lossgen.runtime.plan import BoundTerm, Plan

_terms: WeakKeyDictionary[Plan, tuple["DeviceTerm", ...]] = WeakKeyDictionary()
_one_at_a_time = RLock()


class DeviceTerm:
    """A bound term and its CUDA kernels.

    Attributes:
        bound: scope and parameters.
        kernels: by schedule and output.
    """

    def __init__(self, bound: BoundTerm, kernels: CudaTerm):
        self.bound, self.kernels = bound, kernels
        self.on_device: dict[tuple, tuple] = {}

    def flat_parameters(self, columns: int) -> tuple:
        """Parameters for a flat kernel: all numbers."""
        return self.bound.flat_parameters(columns)

    def row_parameters(self, site: Site, columns: int, computed: np.dtype) -> tuple:
        """Parameters for a kernel by rows: numbers, and a line of one number a column for per-class ones,
        in the dtype that the loss is computed in, which is brought to the device once.

        Raises:
            ShapeError: a per-class parameter has another length than there are columns.
        """
        if not self.bound.per_class:
            return self.bound.scalars
        key = site.device, columns, computed
        if key not in self.on_device:
            self.on_device[key] = tuple(
                site.upload(value.astype(computed)) if isinstance(value, np.ndarray) else value
                for value in self.bound.row_parameters(columns)
            )
        return self.on_device[key]


def device_terms(plan: Plan) -> tuple[DeviceTerm, ...]:
    """The terms of a plan with their CUDA kernels, whose module is imported now.

    Raises:
        CompileError: the loss has none.
    """
    with _one_at_a_time:
        if plan not in _terms:
            kernels = cuda_variant_of(plan.module).terms
            _terms[plan] = tuple(
                DeviceTerm(bound, one) for bound, one in zip(plan.terms, kernels, strict=True)
            )
        return _terms[plan]
