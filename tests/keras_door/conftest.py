"""Tests of `lossgen.keras` on the backend that KERAS_BACKEND names.

They are collected only where this folder is named, `python -m pytest tests/keras_door`, because a process has
one backend; `tests/test_keras_door.py` runs them for each. Keras does not train on NumPy, and only TensorFlow
has replicas: what needs them is left out elsewhere.
"""

import os

BACKEND = os.environ.get("KERAS_BACKEND")
TRAINS = ("fit", "training", "saved_models", "gradients", "regularizers")

collect_ignore = [f"test_{name}.py" for name in TRAINS] if BACKEND == "numpy" else []
if BACKEND == "tensorflow":
    import tensorflow as tf

    device = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(device, [tf.config.LogicalDeviceConfiguration()] * 2)
else:
    collect_ignore.append("test_replicas.py")


def pytest_ignore_collect(collection_path, config):
    """Whether the folder was not asked for."""
    return None if any("keras_door" in str(one) for one in config.invocation_params.args) else True
