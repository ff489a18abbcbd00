"""Long lines of generated code, broken: the same program as before, in lines that fit."""

import ast
import random

import pytest

from lossgen.compiler.folding import WIDTH, fold

NAMES = ("p", "row_maximum_1", "inverse_total_1", "factor_3", "exponential", "label_hit", "vector", "delta")
FUNCTIONS = ("exp", "log1p", "like", "select", "xlogy")


def expression(draw: random.Random, depth: int) -> str:
    """Sums, products, calls, brackets and negations in the way of the printer."""
    if depth == 0:
        return draw.choice((*NAMES, "2", "0.5"))
    kind = draw.choice("+++**(fn-t?")
    one, two = (expression(draw, draw.randrange(depth)) for _ in range(2))
    return {
        "+": f"{one} {draw.choice('+-')} {expression(draw, depth - 1)}",
        "*": f"({one})*({expression(draw, depth - 1)})",
        "(": f"({expression(draw, depth - 1)})",
        "f": f"{draw.choice(FUNCTIONS)}({one}, {two}, {expression(draw, depth - 1)})",
        "n": f"{draw.choice(FUNCTIONS)}({expression(draw, depth - 1)})",
        "-": f"-({expression(draw, depth - 1)})",
        "t": f"{one}*{draw.choice(NAMES)}[row, column]",
        "?": f"({one} if {two} > 0 else {expression(draw, depth - 1)})",
    }[kind]


def statement(draw: random.Random) -> str:
    """A line as a template writes it, long or short."""
    whole = lambda: expression(draw, draw.randrange(2, 6))  # noqa: E731
    names = ", ".join(draw.sample(NAMES, draw.randrange(2, len(NAMES))))
    line = draw.choice(
        (
            lambda: f"return {whole()}",
            lambda: f"return {whole()}, {whole()}, {names}",
            lambda: f"gradient = {whole()}",
            lambda: f"total += {whole()}",
            lambda: f"value_out[row] = {whole()}",
            lambda: f"{names} = product_sweep({whole()}, {names})",
            lambda: f"product_sweep({whole()}, {names}, product_out[row])",
            lambda: f"if {whole()} > 0 and {whole()} < 1: pass",
            lambda: f"from lossgen.runtime.vector_math import {names}, {', '.join(FUNCTIONS)}",
            lambda: f"def product_sweep({names}, {', '.join(FUNCTIONS)}): pass",
        )
    )()
    return line


@pytest.mark.parametrize("seed", range(100))
def test_broken_lines_say_the_same(seed):
    line = statement(random.Random(seed))
    folded = fold(f"    {line}")
    assert program(folded) == program(f"    {line}"), folded


def program(text: str) -> str:
    return ast.dump(ast.parse(f"def function():\n{text}"))


SUM = "inverse_total_1*exponential + p*inverse_total_1*exponential - p*sum_1*inverse_total_1*exponential - 1"


@pytest.mark.parametrize("line", [f"return {SUM}", f"gradient = ({SUM})", f"return ({SUM})"])
def test_a_sum_gets_brackets_and_no_comma(line):
    folded = fold(f"    {line}")
    assert program(folded) == program(f"    {line}")
    assert max(map(len, folded.splitlines())) <= WIDTH < len(line) + 4


def test_what_fits_and_comments_stay():
    for line in ("x = 1", "# " + 200 * "-", '"' + 200 * "x" + '"'):
        assert fold(line) == line
