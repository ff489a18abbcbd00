"""Where CUDA modules are found, and when they are imported."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from device_arrays import device
from test_calls import agree

import lossgen as lg
from lossgen import losses
from lossgen.errors import CompileError
from lossgen.runtime.cuda.plan import device_terms
from lossgen.runtime.cuda.variant import cuda_variant_of, sibling_of

Y, P = np.random.default_rng(9).normal(size=(2, 4, 3))

NOTHING_OF_CUDA = """
import sys
import numpy as np
from lossgen import losses, penalties
y, p = np.random.random((2, 5, 3))
loss = losses.Huber()
loss(y, p), loss.value_and_gradient(y, p, np.ones(5), mask=np.ones(5)), loss.gradient_and_hessian(y, p)
loss(y.tolist(), p.tolist()), loss.hessian_vector_product(y, p, p), penalties.l2(p), loss.sum_and_weight(y, p)
found = [name for name in sys.modules if "cuda" in name and name.startswith("lossgen")]
assert not found, found
"""


def test_nothing_of_cuda_is_imported_for_arrays_of_the_host():
    subprocess.run([sys.executable, "-c", NOTHING_OF_CUDA], check=True)


@pytest.mark.parametrize("own", [dict(from_logits=True), dict(from_logits=False)])
def test_a_variant_in_a_module_of_its_own(own):
    loss = losses.BinaryCrossentropy(**own)
    name = "from_logits" if own["from_logits"] else "no_from_logits"
    assert loss._plan.module == f"lossgen.generated.binary_crossentropy.{name}"
    module = sibling_of(sys.modules[loss._plan.module])
    assert module.__name__ == f"lossgen.generated.binary_crossentropy._cuda_{name}"
    assert sibling_of(sys.modules[loss._plan.module]) is module
    assert device_terms(loss._plan)[0].kernels is module.cuda_variant.terms[0]


def test_losses_compiled_in_memory():
    error = lg.y_pred - lg.y_true
    flag = lg.Option(False)

    @lg.loss
    def memory(y_true, y_pred, *, twice=flag):
        """Squares, once or twice."""
        return lg.Mean(error**2) * (2 if twice else 1)

    for make in (lg.compile(lg.declare("memory_square", lg.Mean(error**2 + error))), lg.compile(memory)):
        agree(make().value_and_gradient(device(Y), device(P)), make().value_and_gradient(Y, P))
    agree(lg.compile(memory)(twice=True)(device(Y), device(P)), lg.compile(memory)(twice=True)(Y, P))


def test_packages_of_ones_own(tmp_path):
    source = tmp_path / "mine.py"
    source.write_text(
        "import lossgen as lg\n\n\n@lg.loss\ndef cube(y_true, y_pred):\n"
        '    """Cubes."""\n    return lg.Mean((y_pred - y_true) ** 3)\n'
    )
    lossgen = [sys.executable, "-m", "lossgen.cli"]
    subprocess.run([*lossgen, "build", source, "-o", tmp_path / "built"], check=True, capture_output=True)
    code = (
        "import simulator, numpy as np; simulator.install()\n"
        "from numba import cuda; from built import Cube\n"
        "y, p = np.arange(6.0).reshape(2, 3), np.ones((2, 3))\n"
        "assert abs(Cube()(cuda.to_device(y), cuda.to_device(p)).copy_to_host() - Cube()(y, p)) < 1e-12\n"
    )
    path = os.pathsep.join(map(str, (tmp_path, Path(__file__).parents[1])))
    environment = {**os.environ, "PYTHONPATH": path, "NUMBA_ENABLE_CUDASIM": "1"}
    subprocess.run([sys.executable, "-c", code], check=True, env=environment)


def test_a_module_without_a_sibling():
    with pytest.raises(CompileError, match=r"no _cuda_test_loading.py beside it"):
        cuda_variant_of(__name__)
