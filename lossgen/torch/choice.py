"""Which code a call runs: kernels, or array code where they cannot run or are not wanted."""

import torch
from torch import Tensor
from torch.autograd import forward_ad

from lossgen.errors import ExecutionError
from lossgen.runtime.execution import get_execution

# Private names of torch. A release that lacks one does not tell what is active: then everything may be.
try:
    from torch._C import _get_tracing_state, _len_torch_dispatch_stack
    from torch._C._functorch import peek_interpreter_stack

    TELLS = hasattr(forward_ad, "_current_level")
except ImportError:
    TELLS = False

try:
    from torch._subclasses.fake_tensor import FakeTensor
except ImportError:
    FakeTensor = ()

PLAIN = (torch.Tensor, torch.nn.Parameter)
"""Types whose memory holds what they are; subclasses may mean something else."""

get_execution()  # reads the environment now: a tracer could not


def is_direct() -> bool:
    """Whether arrays may be handed to kernels at once: nobody records, transforms or traces what happens."""
    return (
        TELLS
        and peek_interpreter_stack() is None
        and forward_ad._current_level < 0
        and not _len_torch_dispatch_stack()
        and _get_tracing_state() is None
    )


def by_kernels(plan, tensors: dict[str, Tensor | None], differentiated: tuple[str, ...]) -> bool:
    """Whether kernels run, as operators at least.

    Args:
        plan: that of the loss.
        tensors: the arguments of the call by name.
        differentiated: names, among targets and parameters, of what a gradient is recorded for.

    Raises:
        ExecutionError: they have to, and cannot.
    """
    execution = get_execution()
    if execution == "ops":
        return False
    reason = obstacle(plan, tensors, differentiated)
    if reason is not None and execution == "kernels":
        raise ExecutionError(
            f"Kernels cannot run {reason}, and the execution is set to 'kernels'. "
            "Let it be 'auto' or 'ops': lossgen.set_execution('auto')."
        )
    return reason is None


def obstacle(plan, tensors: dict[str, Tensor | None], differentiated: tuple[str, ...]) -> str | None:
    """Why kernels cannot run, in words that follow "cannot run"; None where they can."""
    if differentiated:
        return f"where a gradient with respect to {' and '.join(differentiated)} is wanted"
    if is_transformed():
        return "inside a transformation of torch.func or forward-mode differentiation"
    for name, tensor in tensors.items():
        if tensor is None:
            continue
        device = tensor.device
        if device.type == "cuda" and get_execution() == "kernels":  # not by "auto", see `cuda_operators`
            if len(plan.terms) > 1:
                return f"for a sum of losses on the device of `{name}`, {device}"
        elif device.type not in ("cpu", "meta"):
            return f"on the device of `{name}`, {device}"
        if type(tensor) not in PLAIN and not isinstance(tensor, FakeTensor):
            return f"on `{name}` of type {type(tensor).__name__}"
    return None


@torch.compiler.assume_constant_result  # a tracer asks: transformations stand as they will
def is_transformed() -> bool:
    """Whether a transformation is active that operators have no rule for."""
    return is_forward_mode() or peek_interpreter_stack() is not None


def is_forward_mode() -> bool:
    """Whether forward-mode differentiation is active, or may be."""
    return not TELLS or forward_ad._current_level >= 0


def is_readable(tensor: Tensor) -> bool:
    """Whether the numbers of a tensor can be looked at, and without waiting for another device."""
    return (
        not torch.compiler.is_compiling()
        and type(tensor) in PLAIN
        and tensor.device.type == "cpu"
        and is_direct()
    )
