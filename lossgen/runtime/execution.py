"""Which code the doors to the frameworks run: kernels on the host, or array code in their own operations."""

import os

from lossgen.errors import ParameterError

VARIABLE = "LOSSGEN_EXECUTION"
CHOICES = ("auto", "kernels", "ops")

_chosen: str | None = None  # None: not said


def set_execution(execution: str) -> None:
    """Sets which code `lossgen.keras`, `lossgen.torch`, `lossgen.jax` and `lossgen.tensorflow` run.

    Args:
        execution: "auto" for kernels wherever they can run and array code elsewhere (under XLA on TensorFlow,
            on other devices, under transformations that see no kernels); "kernels" for an error where they
            cannot run; "ops" for array code everywhere. Code that a framework has traced already keeps what
            it was traced with.

    Raises:
        ParameterError: it is none of the three.
    """
    global _chosen
    _chosen = _checked("execution", execution)


def get_execution() -> str:
    """What `set_execution` was given; else the environment's LOSSGEN_EXECUTION; else "auto"."""
    global _chosen
    if _chosen is None:
        _chosen = _checked(VARIABLE, os.environ.get(VARIABLE, "auto"))
    return _chosen


def _checked(name: str, execution: object) -> str:
    if not isinstance(execution, str) or execution not in CHOICES:
        raise ParameterError(f"`{name}` must be one of {CHOICES}. Received: {execution!r}")
    return execution
