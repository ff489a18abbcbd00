"""The reference that everything is held to: independent of what it judges."""

import subprocess
import sys

JUDGED = ("lossgen.compiler", "lossgen.generated", "lossgen.runtime.vector_math", "numba")
"""What the reference must not lean on: the compiler, its products, and what they run on."""


def test_the_reference_uses_the_language_only():
    code = "import sys, lossgen.inspection.verification.contract\nprint(*sys.modules)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = result.stdout.split()
    assert "lossgen.inspection.verification.reference" in loaded
    assert not [name for name in loaded if name.startswith(JUDGED)]
