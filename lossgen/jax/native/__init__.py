"""Kernels as functions that XLA calls: typed FFI handlers, written in Numba alone. Imports no JAX."""

from lossgen.jax.native.handlers import Structure, handler
from lossgen.jax.native.kernels import number_of

__all__ = ["Structure", "handler", "number_of"]
