"""One small wrong in the compiler at a time: in a rule of rewriting, a derivative, a term of the sweep.

Nothing is changed in files: a mutant is a context in which the running compiler is another.
"""

import inspect
import textwrap
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from importlib import import_module
from unittest.mock import patch

from sympy import Integer
from sympy.core.cache import clear_cache

from lossgen.compiler import differentiate
from lossgen.compiler.stabilise import driver, rules
from lossgen.language.atoms import ATOMS

accurate = import_module("lossgen.compiler.stabilise.accurate")  # not the function of that name


@dataclass(frozen=True)
class Mutant:
    """A wrong compiler: `kind` and `name` say in which rule, `change` in which way."""

    kind: str
    name: str
    change: str
    alive: Callable[[], AbstractContextManager]

    def __str__(self) -> str:
        return f"{self.kind}: {self.name}, {self.change}"


# Rules of rewriting ---------------------------------------------------------------------------------------


@contextmanager
def other_rules(found: tuple) -> Iterator[None]:
    """`stabilise` with another table."""
    with patch.object(driver, "RULES", found), patch.object(driver, "_BY_NODE", {}):
        yield


def other_last_rules(found: tuple) -> AbstractContextManager:
    """`accurate` with another table."""
    return patch.object(accurate, "RULES", found)


def nearly(apply: Callable, *arguments):
    """What a rule gives, times a number close to 1."""
    changed = apply(*arguments)
    return None if changed is None or changed == arguments[0] else changed * Integer(1001) / 1000


def rules_before() -> Iterator[Mutant]:
    """Each rule of `stabilise` left out, and with a wrong result."""
    for each in rules.RULES:
        without = tuple(rule for rule in rules.RULES if rule is not each)
        wrong = replace(each, apply=partial(nearly, each.apply))
        altered = tuple(wrong if rule is each else rule for rule in rules.RULES)
        yield Mutant("rule", each.name, "left out", partial(other_rules, without))
        yield Mutant("rule", each.name, "altered", partial(other_rules, altered))


def rules_last() -> Iterator[Mutant]:
    """Each rule of `accurate` left out, and with a wrong result."""
    for each in accurate.RULES:
        name, apply = each
        without = tuple(rule for rule in accurate.RULES if rule is not each)
        wrong = (name, partial(nearly, apply))
        altered = tuple(wrong if rule is each else rule for rule in accurate.RULES)
        yield Mutant("last rule", apply.__name__, "left out", partial(other_last_rules, without))
        yield Mutant("last rule", apply.__name__, "altered", partial(other_last_rules, altered))


# Derivatives ----------------------------------------------------------------------------------------------


@contextmanager
def other_atom(name: str, index: int, change: Callable) -> Iterator[None]:
    """The table of atoms with another derivative by one argument."""
    row = ATOMS[name]
    wrong = lambda *arguments: change(row.derivatives[index](*arguments))  # noqa: E731
    derivatives = (*row.derivatives[:index], wrong, *row.derivatives[index + 1 :])
    clear_cache()  # SymPy remembers derivatives
    try:
        with patch.dict(ATOMS, {name: replace(row, derivatives=derivatives)}):
            yield
    finally:
        clear_cache()


CHANGES = {
    "disabled": lambda derivative: Integer(0),
    "altered": lambda derivative: derivative * Integer(1001) / 1000,
    "made up": lambda derivative: derivative + 1,
}


def derivatives() -> Iterator[Mutant]:
    """Each derivative of each atom; those that are 0 are made up, all others disabled and altered."""
    for name, row in ATOMS.items():
        arguments = import_module("test_atoms").ARGUMENTS[: len(row.derivatives)]
        for index, derivative in enumerate(row.derivatives):
            is_zero = derivative(*arguments) == 0
            for change in ("made up",) if is_zero else ("disabled", "altered"):
                alive = partial(other_atom, name, index, CHANGES[change])
                yield Mutant("derivative", f"{name} by argument {index + 1}", change, alive)


# The adjoint sweep ----------------------------------------------------------------------------------------

SWEEP = (
    ("weight", "return Integer(1)", "return Integer(2)"),
    ("weight", "return exp(rung.summand - rung.symbol)", "return Integer(1)"),
    ("weight", "return rung.at if", "return Integer(1) if"),
    ("weight", "else hit_symbol(rung)", "else Integer(1)"),
    ("gradient", "adjoint = from_head + _column_sum(through, builder)", "adjoint = from_head"),
    ("gradient", "adjoint = from_head + _column_sum", "adjoint = _column_sum"),
    ("gradient", "adjoints[other.symbol] * weight(other)", "weight(other)"),
    ("gradient", "adjoints[other.symbol] * weight(other)", "adjoints[other.symbol]"),
    ("gradient", "* other.summand.diff(rung.symbol)", ""),
    ("gradient", "rung.summand.diff(symbol) * each", "rung.summand.diff(symbol)"),
    ("gradient", "rung.summand.diff(symbol) * each", "each"),
    ("gradient", "accurate + adjoint * weight(rung) * slope", "accurate + adjoint * slope"),
    ("gradient", "accurate + adjoint * weight(rung) * slope", "accurate"),
    ("gradient", "textbook + adjoint * weight(rung) * slope", "textbook + adjoint * slope"),
    ("gradient", "textbook + adjoint * weight(rung) * slope", "adjoint * weight(rung) * slope"),
    ("_column_sum", "builder.sum(term)", "term"),
    ("_direct", "direct = -through", "direct = through"),
    ("_direct", 'rung.kind != "logsumexp"', "False"),
    ("_direct", "accurate != textbook", "False"),
    ("_direct", "direct if expand_mul(textbook - direct * slope) == 0 else None", "direct"),
    ("_direct", "expand_mul(textbook - direct * slope) == 0", "False"),
    ("_balanced", "- share * others", ""),
    ("_balanced", "kept * softmax_complement(rung.summand, rung.symbol) - share", "- share"),
    ("_balanced", "keep(total - kept)", "keep(total)"),
    ("_balanced", "balanced + from_head * share", "balanced"),
    ("_balanced", "slope * (balanced", "(balanced"),
    ("_balanced", "isinstance(inside, Add) and all(", "False and all("),
    ("_balanced", "if not _is_hit(inside)", "if True"),
    ("_balanced", "if not _is_hit(inside)", "if False"),
    ("_balanced", "kept = keep(inside)", "kept = inside"),
    ("_balanced", "builder.sum(kept)", "kept"),
    ("_balanced", "else builder.sum(inside)", "else inside"),
    ("_balanced", "outside, inside = -outside, -inside", "outside = -outside"),
    ("_is_hit", 'endswith("_hit")', 'endswith("_miss")'),
    ("parameter_gradient", "dict(directions)", "{}"),
    ("hessian_diagonal", "own += share * _column_sum", "own += _column_sum"),
    ("hessian_diagonal", "own = weight(rung) * rung.summand.diff(y_pred)", "own = rung.summand.diff(y_pred)"),
    ("hessian_diagonal", "_column_sum(weight(rung) * rung.summand", "_column_sum(rung.summand"),
    ("hessian_diagonal", "result = first.textbook.diff(y_pred) + Add(", "result = Add("),
    ("hessian_diagonal", "first.textbook.diff(symbol) * share", "first.textbook.diff(symbol)"),
    ("hessian_diagonal", "for symbol, share in shares.items()", "for symbol, share in ()"),
    ("hessian_vector_product", "{y_pred: BEYOND + shared}", "{y_pred: BEYOND}"),
    ("hessian_vector_product", "{BEYOND: DIRECTION - shared}", "{BEYOND: DIRECTION}"),
    ("hessian_vector_product", "if rung is None:", "if True:"),
    ("tangent", "{y_pred: DIRECTION}", "{y_pred: 2 * DIRECTION}"),
    ("_is_shift", "slope != 0 and not slope.free_symbols & ladder.element_symbols", "slope != 0"),
    ("_tangent", "builder.sum(weight(rung) * change)", "builder.sum(change)"),
    ("_tangent", "tangents[rung.symbol] = Add", "tangents[rung] = Add"),
    ("_tangent", "tangents = dict(seeds)", "tangents = {}"),
    ("_changes", "slopes.get(rest, Integer(0)) + number * slope", "number * slope"),
    ("_changes", "+ number * slope", "+ slope"),
    ("_changes", "[rest * slope for", "[slope for"),
)
"""Function of `differentiate.py`, a term of it, and what stands there instead."""


@contextmanager
def other_code(name: str, old: str, new: str) -> Iterator[None]:
    """The function with other code, wherever it has been imported."""
    function = getattr(differentiate, name)
    source = textwrap.dedent(inspect.getsource(function))
    assert source.count(old) >= 1, f"{name} holds no {old!r} any more"
    space = dict(vars(differentiate))
    exec(compile(source.replace(old, new), f"mutant of {name}", "exec"), space)
    before = function.__code__
    function.__code__ = space[name].__code__
    try:
        yield
    finally:
        function.__code__ = before


def sweep() -> Iterator[Mutant]:
    """Each term of the adjoint sweep."""
    for name, old, new in SWEEP:
        yield Mutant("sweep", name, f"{old!r} is {new!r}", partial(other_code, name, old, new))


def mutants() -> list[Mutant]:
    """All of them."""
    return [*rules_before(), *rules_last(), *derivatives(), *sweep()]
