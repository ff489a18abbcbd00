"""Nanoseconds an element on one thread where all arrays are in the L2 cache: what the arithmetic costs.

These figures hold on a busy machine, too; see `Driver.nanoseconds`.
"""

from collections.abc import Iterator
from fnmatch import fnmatch

from .cases import MORE_ROWS, ROWS, Case, cases
from .driver import Driver
from .peers import OURS

COLUMNS = (3, 10, 100, 1000)
PEERS = (*OURS[1:], "torch", "sklearn")


def chosen(patterns: list[str]) -> list[Case]:
    """The cases of the table whose name matches one of the patterns; all for no pattern."""
    return [case for case in table() if not patterns or any(fnmatch(case.name, one) for one in patterns)]


def table() -> Iterator[Case]:
    """Every elementwise loss in both precisions, every loss of rows at several numbers of columns."""
    for case in cases():
        if case.group == 1 and case.size == 1 << 20:
            yield case
    for loss, data, arguments in (*ROWS, *MORE_ROWS):
        for columns in COLUMNS:
            yield Case(loss, data, (1000, columns), arguments, group=2)


def measure(driver: Driver, table: list[Case]) -> list[dict]:
    """By case: `name`, and nanoseconds by peer; the slowest first."""
    results = []
    for case in table:
        figures = {peer: driver.nanoseconds(peer, case) for peer in driver.peers}
        name = case.name.removesuffix(" 1M") if case.group == 1 else case.name.replace("1000×", "…×", 1)
        results.append({"name": name.replace(" 1M float64", " float64"), "peers": figures})
    return sorted(results, key=lambda one: -(one["peers"][OURS[1]] or 0.0))
