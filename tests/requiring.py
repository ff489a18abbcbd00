"""When a missing library is a failure, and when a reason to skip. (Several files are called `conftest`.)"""

import importlib
import os

import pytest


def require(module: str, reason: str = ""):
    """The module; without it the test is skipped, or fails where LOSSGEN_REQUIRE_ALL=1.

    Call it at the top of a test module or inside a test.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        missing(f"{reason or 'compares with ' + module}: {error}")


def missing(reason: str):
    """Skip with this reason, or fail where LOSSGEN_REQUIRE_ALL=1 says that nothing is missing."""
    if os.environ.get("LOSSGEN_REQUIRE_ALL") == "1":
        pytest.fail(f"LOSSGEN_REQUIRE_ALL=1, but {reason}", pytrace=False)
    pytest.skip(reason, allow_module_level=True)
