"""The arguments of a call with device arrays: which lies where; all arrays of a call lie on one device."""

from numbers import Number
from typing import Any

import numpy as np

from lossgen.errors import DeviceError
from lossgen.runtime.cuda.arrays import DeviceArray, described
from lossgen.runtime.elsewhere import lies_on_device

NUMBERS = ("sample_weight", "mask")
"""Arguments that may be a number of the host beside device arrays."""

Argument = DeviceArray | Number | None


def arguments_of(**arguments: Any) -> dict[str, Argument]:
    """The arguments by name: descriptions of device arrays, numbers, None.

    Raises:
        DeviceError: an array lies in the memory of the host, or two lie on two devices; says which is where.
        DtypeError: an array holds no real numbers.
    """
    found = {name: argument_of(name, given) for name, given in arguments.items() if given is not None}
    on_device = {name: one for name, one in found.items() if isinstance(one, DeviceArray)}
    devices = {one.device for one in on_device.values()} - {None}
    if len(devices) > 1 or any(one is HOST for one in found.values()):
        where = ", ".join(f"{name} {place_of(one, arguments[name])}" for name, one in found.items())
        raise DeviceError(f"The arrays of one call must lie on one device. Received: {where}")
    return {name: found.get(name) for name in arguments}


class _Host:
    """Stands for an array in the memory of the host."""


HOST = _Host()


def argument_of(name: str, given: Any) -> Any:
    """The description of a device array, a number where one may stand, or `HOST`."""
    if lies_on_device(given):
        return described(name, given)
    if name in NUMBERS and isinstance(given, Number | np.generic):
        return given
    if name in NUMBERS and isinstance(given, np.ndarray) and given.ndim == 0:
        return given[()]
    return HOST


def place_of(argument: Any, given: Any) -> str:
    """Where an argument lies, in words."""
    kind = f"{type(given).__module__.partition('.')[0]}.{type(given).__name__}"
    kind = kind.removeprefix("builtins.")
    if isinstance(argument, DeviceArray):
        number = "a device" if argument.device is None else f"device {argument.device}"
        return f"on {number} ({kind})"
    return f"is a number ({kind})" if argument is not HOST else f"on the host ({kind})"
