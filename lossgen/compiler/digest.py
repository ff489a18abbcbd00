"""The digests of declarations and of everything that generated text and its kernels are made with."""

import hashlib
from functools import cache
from importlib.resources import files

from lossgen.language.declaration import Declaration
from lossgen.language.penalty import PenaltyDeclaration
from lossgen.runtime.digest import runtime_digest

GENERATING = (
    "lossgen.compiler",
    "lossgen.compiler.properties",
    "lossgen.compiler.stabilise",
    "lossgen.language",
    "lossgen.language.atoms",
    "lossgen.templates",
)
"""The packages that the text of a module depends on, besides the declaration."""


@cache
def toolchain_digest() -> str:
    """Eight hexadecimal digits of the runtime that kernels inline."""
    return runtime_digest()


def origin_of(declaration: Declaration) -> str:
    """What all files of a loss have in common: the digests of its declaration and of the runtime."""
    return f"{digest_of(declaration)}-{toolchain_digest()}"


@cache
def compiler_digest() -> str:
    """Sixteen hexadecimal digits of compiler, language, templates and runtime: the key of a cache."""
    digest = hashlib.sha256(runtime_digest().encode())
    for package in GENERATING:
        for path in sorted(files(package).iterdir(), key=lambda path: path.name):
            if path.name.endswith((".py", ".jinja")):
                digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]


def digest_of(declaration: Declaration) -> str:
    """Eight hexadecimal digits of everything that the declaration says."""
    cases = [
        (
            key,
            [(term.scope, str(term.expression)) for term in case.terms],
            sorted(map(str, case.domain.items())),
            *([case.link] if case.link else []),
        )
        for key, case in declaration.cases.items()
    ]
    facts = (
        declaration.name,
        declaration.class_name,
        dict(declaration.parameters),
        dict(declaration.options),
        declaration.constructor_arguments(),
        declaration.target_preparation,
        declaration.documentation,
        declaration.reference,
        declaration.instance_name,
        declaration.axis_argument,
        cases,
    )
    if isinstance(declaration, PenaltyDeclaration):
        facts += ("penalty", declaration.preparation, declaration.reduction)
    return hashlib.sha256(repr(facts).encode()).hexdigest()[:8]
