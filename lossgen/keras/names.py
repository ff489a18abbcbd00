"""Strings for `model.compile(loss="tweedie")`: an entry a loss in Keras's own table, on request."""

from typing import Any

from lossgen.generated._index import IDENTIFIERS
from lossgen.keras import catalog, private

_before: dict[str, Any] = {}
"""What Keras's table held under the names that were replaced; None where it held nothing."""


def use_names(replace: bool = False) -> None:
    """Lets Keras know the losses of the catalogue by name, as classes and as functions.

    Keras has no public way to add such names; this adds them to the table that it looks them up in.
    A saved model that was compiled with a string holds the string: call this before you load it too.

    Args:
        replace: whether names that Keras knows itself ("mse", "Huber") mean the losses of lossgen too.
    """
    table = private.table_of_names()
    ours = {**catalog.LOSSES, **{name: catalog.function(name) for name in catalog.LOSS_FUNCTIONS}}
    ours |= {alias: catalog.function(name) for alias, name in IDENTIFIERS.items()}
    for name, found in ours.items():
        if replace or name not in table:
            _before.setdefault(name, table.get(name))
            table[name] = found


def forget_names() -> None:
    """Undoes `use_names`."""
    table = private.table_of_names()
    for name, found in _before.items():
        if found is None:
            del table[name]
        else:
            table[name] = found
    _before.clear()
