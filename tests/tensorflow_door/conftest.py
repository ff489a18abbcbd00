"""Tests of `lossgen.tensorflow`, for a process that imports no other framework and has two logical CPUs.

They are collected only where this folder is named; `tests/test_tensorflow_doors.py` runs them.
"""


def pytest_ignore_collect(collection_path, config):
    """Whether the folder was not asked for."""
    return None if any("tensorflow_door" in str(one) for one in config.invocation_params.args) else True


def pytest_collection(session):
    """TensorFlow has to know its devices before it computes anything."""
    import tensorflow as tf

    (cpu,) = tf.config.list_physical_devices("CPU")
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
