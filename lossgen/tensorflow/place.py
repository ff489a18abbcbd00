"""Which code runs here: kernels on the host, or array code, as the device and the tracing state allow.

Asked anew at every step (values, gradients, products): a gradient may be traced where its value was not.
"""

from collections.abc import Sequence

import tensorflow as tf

from lossgen.errors import ExecutionError
from lossgen.runtime.execution import get_execution

try:
    from tensorflow.python.framework.ops import get_default_graph
    from tensorflow.python.ops.control_flow_util import GraphOrParentsInXlaContext
    from tensorflow.python.saved_model.save_context import in_save_context
except ImportError:  # private names: without them every graph is taken for one that has no host calls
    get_default_graph = GraphOrParentsInXlaContext = in_save_context = None

try:
    from tensorflow.python.eager.forwardprop_util import pack_tangents
except ImportError:  # a private name: without it every call is taken for one in forward mode
    pack_tangents = None


def runs_ops(prediction: tf.Tensor, parameters: bool = False) -> bool:
    """Whether array code runs for a prediction; otherwise kernels do.

    Args:
        parameters: whether a parameter is a tensor, which kernels do not read.

    Raises:
        ExecutionError: kernels were demanded where they cannot run.
    """
    execution = get_execution()
    if execution == "ops":
        return True
    reason = "a parameter is a tensor" if parameters else obstacle(prediction)
    if reason and execution == "kernels":
        raise ExecutionError(
            f'Kernels cannot run here, because {reason}: call lossgen.set_execution("auto"), which takes '
            "array code there."
        )
    return bool(reason)


def obstacle(prediction: tf.Tensor) -> str:
    """Why no code of the host can run here; empty if it can."""
    if tf.executing_eagerly():
        return "" if "CPU" in prediction.device else f"the prediction lies on {prediction.device}"
    if GraphOrParentsInXlaContext is None:
        return "this release of TensorFlow does not say whether XLA compiles the graph"
    if GraphOrParentsInXlaContext(get_default_graph()):
        return "XLA compiles the graph (jit_compile=True)"
    if in_save_context():
        return "the graph is being saved"
    if "CPU" not in prediction.device and _has_accelerators():
        return "the graph may run on an accelerator"
    return ""


def _has_accelerators() -> bool:
    return any(device.device_type != "CPU" for device in tf.config.list_logical_devices())


def has_tangents(inputs: Sequence[tf.Tensor]) -> bool:
    """Whether a `tf.autodiff.ForwardAccumulator` is at work on one of the inputs.

    It takes the derivative of a custom gradient for zero (in graphs the first, outside them the second), and
    says nothing; so it is given array code without one. Where TensorFlow does not tell, the answer is yes.
    """
    return pack_tangents is None or bool(pack_tangents(inputs).tangents)
