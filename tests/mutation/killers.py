"""The tests of the suite that should notice a mutant, quick ones first; they are called in this process."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache

import test_atoms
import test_confident_rows
import test_ladder
import test_stabilise

from .mutants import Mutant

Test = tuple[str, Callable[[], None]]


def killers(mutant: Mutant) -> Iterator[Test]:
    """Names and calls of the tests that concern this kind of mutant."""
    if mutant.kind == "derivative":
        name = mutant.name.split()[0]
        row = test_atoms.ATOMS[name]
        yield f"test_atoms.test_derivatives[{name}]", lambda: test_atoms.test_derivatives(row)
        yield from simple(test_atoms.test_subgradients)
        yield from simple(test_atoms.test_a_parenthesis_changes_no_derivative)
    elif mutant.kind == "sweep":
        yield from of_the_ladder()
    elif mutant.kind == "rule":
        yield from of_the_rules()
    else:
        yield from of_the_last_rules()


@cache
def of_the_rules() -> tuple[Test, ...]:
    return (
        *(named(test_stabilise.test_rule, name) for name in test_stabilise.RULES),
        *(named(test_stabilise.test_digits_left, name) for name in test_stabilise.NAIVE),
    )


@cache
def of_the_last_rules() -> tuple[Test, ...]:
    return (
        *(named(test_stabilise.test_last_rewrite, name) for name in test_stabilise.LAST),
        *simple(
            test_stabilise.test_logarithm_of_a_clip,
            test_stabilise.test_power_less_one,
            test_stabilise.test_power_less_one_with_a_large_exponent,
            test_stabilise.test_labels_cancel_exactly,
            test_stabilise.test_log_two_sigmoid,
        ),
        *(named(test_stabilise.test_digits_left, name) for name in test_stabilise.NAIVE),
    )


@cache
def of_the_ladder() -> tuple[Test, ...]:
    return (
        *(named(test_ladder.test_derivatives_by_the_prediction, *case) for case in test_ladder.CASES),
        *(named(test_ladder.test_gradient_by_the_target, each) for each in test_ladder.FORMULAS[:4]),
        *(
            named(test_ladder.test_gradient_by_a_parameter, *case, symbol)
            for case in test_ladder.CASES[:8]
            for symbol in (test_ladder.gamma, test_ladder.delta)
        ),
        *simple(
            test_ladder.test_gradient_by_a_parameter_of_each_class,
            test_confident_rows.test_a_target_that_parameters_change,
            test_confident_rows.test_the_gradient_of_a_label_takes_no_further_sum,
            test_confident_rows.test_what_a_sum_is_compared_with_is_the_number_that_was_added,
            test_confident_rows.test_what_is_balanced_stays_so_under_an_earlier_sum,
            test_confident_rows.test_only_what_all_columns_share_is_measured_from_the_largest,
        ),
        *(named(test_confident_rows.test_digits, name) for name in test_confident_rows.FORMULAS),
    )


def simple(*tests: Callable) -> tuple[Test, ...]:
    return tuple((f"{test.__module__}.{test.__name__}", test) for test in tests)


def named(test: Callable, *arguments) -> Test:
    shown = ", ".join(str(each)[:40] for each in arguments)
    return f"{test.__module__}.{test.__name__}[{shown}]", lambda: test(*arguments)


@dataclass(frozen=True)
class Notice:
    """A test that failed with a mutant; `how` is the type of the exception."""

    test: str
    how: str

    @property
    def is_result(self) -> bool:
        """Whether the test saw a wrong result; otherwise the compiler came to no result."""
        return self.how == "AssertionError"


def killer_of(mutant: Mutant, all_tests: bool = False) -> Notice | None:
    """The first test that fails with the mutant; None if it survives all of them.

    Args:
        all_tests: go on after a crash, and prefer a test that sees a wrong result.
    """
    crash = None
    with mutant.alive():
        for name, test in killers(mutant):
            try:
                test()
            except AssertionError:
                return Notice(name, "AssertionError")
            except Exception as error:  # a compiler that breaks is noticed, too, if by less
                crash = crash or Notice(name, type(error).__name__)
                if not all_tests:
                    return crash
    return crash
