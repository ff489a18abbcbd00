"""Losses on several devices, in a process that has two."""

import os
import subprocess
import sys
from pathlib import Path

from requiring import require

require("jax")


def test_shares_on_two_devices_add_up_to_the_loss_of_the_whole_batch():
    flags = f"{os.environ.get('XLA_FLAGS', '')} --xla_force_host_platform_device_count=2"
    environment = {**os.environ, "XLA_FLAGS": flags, "JAX_PLATFORMS": "cpu"}
    program = Path(__file__).with_name("sharded.py")
    done = subprocess.run([sys.executable, str(program)], env=environment, capture_output=True, text=True)
    assert done.returncode == 0 and done.stdout == "fine\n", done.stderr[-4000:]
