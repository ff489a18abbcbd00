"""The digest of everything that generated text and its compiled kernels are made with."""

import hashlib
from functools import cache
from importlib.resources import files

from lossgen.runtime.digest import runtime_digest


@cache
def toolchain_digest() -> str:
    """Eight hexadecimal digits of the runtime that kernels inline."""
    return runtime_digest()


@cache
def compiler_digest() -> str:
    """Sixteen hexadecimal digits of compiler, language, templates and runtime: the key of a cache."""
    digest = hashlib.sha256(runtime_digest().encode())
    for package in (
        "lossgen.compiler",
        "lossgen.compiler.stabilise",
        "lossgen.language",
        "lossgen.language.atoms",
        "lossgen.templates",
    ):
        for path in sorted(files(package).iterdir(), key=lambda path: path.name):
            if path.name.endswith((".py", ".jinja")):
                digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]
