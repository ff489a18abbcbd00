"""No rule of the compiler can be left out or altered without a quick test noticing; see `make mutation`."""

import inspect
from contextlib import nullcontext

import pytest
from mutation.killers import killer_of
from mutation.mutants import SWEEP, Mutant, mutants

from lossgen.compiler import differentiate
from lossgen.compiler.stabilise import rules
from lossgen.language.atoms import ATOMS

MUTANTS = mutants()
GROUPS = 6


@pytest.mark.parametrize("group", range(GROUPS))
def test_every_mutant_is_noticed(group):
    survivors = [mutant for mutant in MUTANTS[group::GROUPS] if killer_of(mutant) is None]
    assert not survivors, "\n".join(map(str, survivors))


def test_every_rule_has_mutants():
    names = {(each.kind, each.name.split(" by ")[0]) for each in MUTANTS}
    assert {("rule", each.name) for each in rules.RULES} <= names
    assert {("derivative", name) for name in ATOMS} <= names
    own = {name: each for name, each in vars(differentiate).items() if inspect.isfunction(each)}
    functions = {name for name, each in own.items() if each.__module__ == differentiate.__name__}
    assert functions == {name for name, _, _ in SWEEP}


def test_a_compiler_that_is_right_survives():
    """Without a mutant no test fails: what notices a mutant notices the mutant."""
    for kind in ("rule", "last rule", "sweep"):
        assert killer_of(Mutant(kind, "nothing", "unchanged", nullcontext)) is None
    assert killer_of(Mutant("derivative", "sigmoid by argument 1", "unchanged", nullcontext)) is None
