"""What the tests of refusals share: call something that must be refused, and read the message."""

import pytest

import lossgen as lg


def refused(make, *fragments, error=lg.DeclarationError):
    """Call `make` and look for every fragment in the one-line message of the error it must raise."""
    with pytest.raises(error) as caught:
        make()
    message = str(caught.value)
    for fragment in fragments:
        assert fragment in message, message
    assert "\n" not in message
    assert message.endswith((".", "?")) or "Received: " in message, message


def formula_refused(formula, *fragments, **facts):
    """Declare a formula, given as a value or as a function of target and prediction, and expect a refusal."""
    function = formula if callable(formula) else lambda y_true, y_pred: formula
    refused(lambda: lg.loss(name="Test", **facts)(function), *fragments)
