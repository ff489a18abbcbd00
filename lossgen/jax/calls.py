"""What one XLA program runs for a loss: the kernel as a custom call on the CPU, array code anywhere else.

Everything here works on inputs that `lossgen.jax.inputs` has prepared and knows nothing of derivatives.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace

import jax
import jax.numpy as jnp
import numpy as np

from lossgen.errors import ExecutionError
from lossgen.jax.native import Structure, handler, number_of
from lossgen.jax.ops import Ops
from lossgen.runtime.arrays import evaluation as array_code
from lossgen.runtime.batch import joint_layout
from lossgen.runtime.dispatch import ALONE_ELEMENTS, choose, chunk_length
from lossgen.runtime.labels import NO_LABEL
from lossgen.runtime.plan import Plan
from lossgen.runtime.shapes import Layout


@dataclass(frozen=True)
class Call:
    """What is known of a call when it is traced.

    Attributes:
        plan: of one term of the loss, see `lossgen.jax.terms`.
        execution: "auto", "kernels" or "ops".
        threads: how many threads of XLA's pool a kernel may use.
        scale: what multiplies totals and their gradient.
        mean_of_valid: whether the scale is divided by the number of labels that are not ignored.
    """

    plan: Plan
    execution: str
    threads: int
    scale: float = 1.0
    mean_of_valid: bool = False

    def unscaled(self) -> "Call":
        """The same for sums."""
        return replace(self, scale=1.0, mean_of_valid=False)

    def layout(self, p) -> Layout:
        """Rows × columns of the whole loss."""
        return joint_layout(p.shape, self.plan.scopes)[1]

    def used(self, y):
        """Which rows have a label that is not ignored; None for all."""
        return None if not self.plan.labels or self.plan.ignore_class is None else y != self.plan.ignore_class

    def cotangent(self, y, p, weight):
        """What multiplies each loss in the total, in the shape of the losses."""
        scale = self.scale
        if self.mean_of_valid:
            scale = scale / jnp.maximum(jnp.sum(self.used(y)), 1).astype(p.dtype)
        shape = self.layout(p).loss_shape
        each = jnp.full(shape, scale, p.dtype) if weight is None else (scale * weight).astype(p.dtype)
        used = self.used(y)
        return each if used is None else jnp.where(used, each, 0)


# Where what runs ------------------------------------------------------------------------------------------


def losses(call: Call, y, p, parameters):
    """The loss of every row."""
    return _dispatch(call, _kernel_losses, _array_losses, y, p, parameters)


def losses_and_gradient(call: Call, y, p, parameters):
    """The loss of every row, and the gradient of each with respect to its own predictions."""
    return _dispatch(call, _kernel_losses_and_gradient, _array_losses_and_gradient, y, p, parameters)


def total(call: Call, y, p, weight, parameters):
    """The weighted, scaled sum of the losses."""
    return _dispatch(call, _kernel_total, _array_total, y, p, weight, parameters)


def total_and_gradient(call: Call, y, p, weight, parameters):
    """The same and its gradient with respect to the predictions."""
    return _dispatch(call, _kernel_total_and_gradient, _array_total_and_gradient, y, p, weight, parameters)


def _dispatch(call: Call, kernels: Callable, operations: Callable, y, p, *others):
    """The one or the other, by the platform that the program is compiled for.

    Neither the default backend nor the devices of arrays say which that is, when a program is traced.
    """
    if p.size == 0 or call.execution == "ops":
        return operations(call, y, p, *others)
    if others[-1]:  # parameters that are arrays: kernels take numbers
        if call.execution == "kernels":
            raise ExecutionError(
                f"Kernels take parameters that are numbers, not arrays: {', '.join(others[-1])}. "
                'Say set_execution("auto").'
            )
        return operations(call, y, p, *others)

    if spreads_by_type():
        if call.execution == "kernels":
            raise ExecutionError(
                "Kernels see the arrays of one device: call the loss inside jax.shard_map, not under a mesh "
                'with explicit axes, or say set_execution("auto").'
            )
        return operations(call, y, p, *others)

    def on_cpu(*operands):
        return kernels(call, *operands)

    def elsewhere(*operands):
        return operations(call, *operands)

    if call.execution == "kernels":
        return jax.lax.platform_dependent(y, p, *others, cpu=on_cpu)
    return jax.lax.platform_dependent(y, p, *others, cpu=on_cpu, default=elsewhere)


def spreads_by_type() -> bool:
    """Whether the types of arrays say how devices share them, which the type of a kernel's result cannot."""
    mesh = jax.sharding.get_abstract_mesh()
    return not mesh.empty and any("Explicit" in str(kind) for kind in mesh.axis_types)


# In array code --------------------------------------------------------------------------------------------


def _array_losses(call: Call, y, p, parameters):
    return array_code.losses(Ops, call.plan, array_target(call, y, p), p, parameters)


def _array_losses_and_gradient(call: Call, y, p, parameters):
    ones = jnp.ones(call.layout(p).loss_shape, p.dtype)
    gradient = array_code.gradient(Ops, call.plan, array_target(call, y, p), p, ones, parameters)
    return _array_losses(call, y, p, parameters), gradient


def _array_total(call: Call, y, p, weight, parameters):
    each = call.cotangent(y, p, weight)
    values = _array_losses(call, y, p, parameters)
    return jnp.sum(jnp.where(each == 0, 0, each * values))


def _array_total_and_gradient(call: Call, y, p, weight, parameters):
    each = call.cotangent(y, p, weight)
    gradient = array_code.gradient(Ops, call.plan, array_target(call, y, p), p, each, parameters)
    return _array_total(call, y, p, weight, parameters), gradient


def array_target(call: Call, y, p):
    """The target as array code reads it."""
    return y if call.plan.labels else y.astype(p.dtype)


# In kernels -----------------------------------------------------------------------------------------------


def _kernel_losses(call: Call, y, p, parameters):
    (values,) = _custom_call(call, "value", y, p, losses=True)
    return values


def _kernel_losses_and_gradient(call: Call, y, p, parameters):
    return _custom_call(call, "value_and_gradient", y, p, losses=True)


def _kernel_total(call: Call, y, p, weight, parameters):
    (value,) = _custom_call(call, "value", y, p, weight)
    return value


def _kernel_total_and_gradient(call: Call, y, p, weight, parameters):
    return _custom_call(call, "value_and_gradient", y, p, weight)


def _custom_call(call: Call, output: str, y, p, weight=None, losses: bool = False) -> tuple[jax.Array, ...]:
    """A kernel: the losses of its rows or their total, and an array if it has one."""
    (term,), layout, weighted = call.plan.terms, call.layout(p), weight is not None
    chosen = choose(term, output, layout, weighted or losses)
    team = "split" if not chosen.multiple else "alone" if p.size <= ALONE_ELEMENTS else "chunks"
    structure = Structure(
        prediction=p.dtype.name, target=y.dtype.name, flat=chosen.flat, labels=term.labels, weighted=weighted,
        losses=losses, has_array=output == "value_and_gradient", team=team,
        parameters=tuple(_kind(value) for value in chosen.fixed),
    )  # fmt: skip
    kernel = chosen.kernel if team == "split" else chosen.kernel[team == "chunks"]
    name = _registered(*handler(structure))
    rows, width = chosen.shape[0], 1 if chosen.flat else chosen.shape[1]
    chunk = chunk_length(rows, p.size, chosen.multiple) if chosen.multiple else rows
    ignore = call.plan.ignore_class if term.labels else None
    ignored = NO_LABEL if ignore is None else ignore
    integers = (
        number_of(kernel, structure.arguments()),
        rows, width, layout.columns, chunk, call.threads, ignored, ignore is not None, call.mean_of_valid
    )  # fmt: skip
    target = y.reshape(-1) if term.labels else _seen(y, layout, chosen.shape)
    operands = [target, _seen(p, layout, chosen.shape)]
    if weighted:
        operands.append(weight.astype(p.dtype).reshape(-1))
    shapes = [(layout.rows,) if losses else ()] + [chosen.shape] * structure.has_array
    numbers = [[call.scale], *(np.atleast_1d(value) for value in chosen.fixed)]
    results = jax.ffi.ffi_call(
        name, [_result_type(shape, p.dtype, operands) for shape in shapes], vmap_method="broadcast_all"
    )(
        *operands,
        integers=np.array(integers, np.int64),
        numbers=np.concatenate(numbers, dtype=np.float64),
    )
    value = results[0].reshape(layout.loss_shape) if losses else results[0]
    return (value, *(_given_back(one, layout) for one in results[1:]))


def _kind(value) -> int:
    """What `Structure.parameters` says of a parameter."""
    return len(value) if isinstance(value, np.ndarray) else -1 if isinstance(value, int) else 0


def _seen(array, layout: Layout, shape: tuple[int, ...]):
    """An array as a kernel sees it."""
    if layout.order is not None and len(shape) > 1:
        array = array.transpose(layout.order)
    return array.reshape(shape)


def _given_back(array, layout: Layout):
    """What a kernel has written, in the shape of the predictions."""
    if layout.order is None or array.ndim == 1:
        return array.reshape(layout.shape)
    moved = array.reshape([layout.shape[axis] for axis in layout.order])
    return moved.transpose(np.argsort(layout.order))


def _result_type(shape: tuple[int, ...], dtype, operands):
    """The type of a result; inside `shard_map` it varies over the axes that the operands vary over."""
    if jax.sharding.get_abstract_mesh().empty:
        return jax.ShapeDtypeStruct(shape, dtype)
    return jax.eval_shape(
        lambda *given: jnp.broadcast_to(sum(jnp.sum(one).astype(dtype) for one in given), shape), *operands
    )


_known: set[str] = set()
_lock = threading.Lock()


def _registered(name: str, compiled) -> str:
    """The name of a handler that XLA knows."""
    with _lock:
        if name not in _known:
            jax.ffi.register_ffi_target(name, jax.ffi.pycapsule(compiled.ctypes), platform="cpu")
            _known.add(name)
    return name
