"""A GPU in NumPy: executes the PTX of a kernel, thread by thread, and counts what it reads and writes."""

from .machine import Deadlock, Machine
from .memory import DeviceArray, DeviceMemory, MemoryFault, Race

__all__ = ["Deadlock", "DeviceArray", "DeviceMemory", "Machine", "MemoryFault", "Race"]
