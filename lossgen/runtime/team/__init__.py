"""Pieces of one kernel call on several threads: native code that never holds the interpreter's lock.

What a piece is never depends on the number of threads, and results are stored by piece, so neither does a
result.
"""

from lossgen.runtime.team.work import in_chunks, in_team

__all__ = ["in_chunks", "in_team"]
