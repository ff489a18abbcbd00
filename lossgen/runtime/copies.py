"""Which arguments have to be copied before kernels can read them; a warning if that is more than one."""

import sys
import warnings

import numpy as np

from lossgen.errors import CopyWarning


def must_copy(array: object) -> bool:
    """Whether kernels cannot read an array where it lies."""
    return isinstance(array, np.ndarray) and not (
        array.flags.c_contiguous and array.flags.aligned and array.dtype.isnative
    )


def warn_of_copies(**arguments: object) -> None:
    """Names the arguments that are copied, where there are several.

    Warns:
        CopyWarning: more than one is; each costs as much memory and time as the argument is large.
    """
    warn_of_named_copies([name for name, array in arguments.items() if must_copy(array)])


def warn_of_named_copies(names: list[str], remedy: str = "numpy.ascontiguousarray") -> None:
    """Warns of the arguments that are copied, where there are several.

    Args:
        remedy: what makes an array contiguous.
    """
    if len(names) > 1:
        quoted = [f"`{name}`" for name in names]
        warnings.warn(
            f"{', '.join(quoted[:-1])} and {quoted[-1]} are copied at every call, because they are not "
            f"C-contiguous, aligned and in the machine's byte order; {remedy} makes them so.",
            CopyWarning,
            stacklevel=_level_of_the_caller(),
        )


def _level_of_the_caller() -> int:
    """How many frames above `warn_of_named_copies` lossgen was called."""
    frame, level = sys._getframe(1), 1
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith("lossgen."):
        frame, level = frame.f_back, level + 1
    return level
