"""Reductions over teams of threads: both forms, every size of a team, NaN, more teams than rows."""

import numpy as np
import pytest
from simulator import ON_GPU, simulated_only

from lossgen.runtime.cuda.compiling import kernel
from lossgen.runtime.cuda.intrinsics import load, store
from lossgen.runtime.cuda.reduction import (
    first_of_team,
    joined_first,
    joined_maximum,
    joined_minimum,
    joined_sum,
    maximum_of_team,
    minimum_of_team,
    shuffled,
    sum_of_team,
    team_reductions,
    wide_sum,
)
from lossgen.runtime.cuda.simulated import exchanged
from lossgen.runtime.cuda.toolchain import cuda

FORMS = {"shuffles": team_reductions(shuffled)}
if not ON_GPU:
    FORMS["shared memory"] = team_reductions(exchanged)
LANES = (1, 2, 4, 8, 16, 32)
TEAMS = [(team, 32) for team in LANES] + [(4, 64), (32, 64), (64, 64), (128, 128)]
of_every_team = pytest.mark.parametrize(("team", "threads"), TEAMS)


def reduced(reduction, values: np.ndarray, team: int, threads: int) -> np.ndarray:
    """What every thread gets."""

    @kernel
    def run(values, out):
        i = cuda.grid(1)
        store(out, i, reduction(load(values, i), team))

    out = np.zeros_like(values)
    run[values.size // threads, threads, 0](values, out)
    return out


def numbers(count: int, kind=np.float64) -> np.ndarray:
    """Numbers whose sum depends on its order."""
    generator = np.random.default_rng(count)
    return (generator.normal(size=count) * 10.0 ** generator.integers(-8, 8, count)).astype(kind)


def of_teams(function, values: np.ndarray, team: int) -> np.ndarray:
    """For each thread the NumPy result of its team."""
    return np.repeat(function(values.reshape(-1, team), axis=1), team)


@simulated_only
@of_every_team
def test_both_forms_give_the_same_bits(team, threads):
    values = numbers(2 * threads)
    by_shuffles, by_memory = (reduced(form.sum, values, team, threads) for form in FORMS.values())
    assert by_shuffles.tobytes() == by_memory.tobytes()
    assert np.allclose(by_memory, of_teams(np.sum, values, team), rtol=1e-12, atol=1e-9)
    for name in ("maximum", "minimum"):
        results = [reduced(getattr(form, name), values, team, threads) for form in FORMS.values()]
        assert (results[0] == results[1]).all()
        assert (results[0] == of_teams(getattr(np, name[:3]), values, team)).all()


@simulated_only
def test_both_forms_are_made_from_one_reduction():
    """They differ in how two lanes exchange a value, and in nothing else."""
    shuffles, memory = FORMS.values()
    for name, made in vars(shuffles).items():
        other = getattr(memory, name)
        assert made.__code__ is other.__code__
        free = dict(zip(made.__code__.co_freevars, made.__closure__, strict=True))
        other_free = dict(zip(other.__code__.co_freevars, other.__closure__, strict=True))
        differing = {k for k in free if free[k].cell_contents is not other_free[k].cell_contents}
        assert differing == {"exchange"}
    assert wide_sum.__code__ is shuffles.sum.__code__  # what kernels use here is the twin in shared memory
    assert exchanged in [cell.cell_contents for cell in wide_sum.__closure__]


@pytest.mark.parametrize("form", FORMS)
def test_the_order_of_a_sum_is_the_butterfly(form):
    values = numbers(32)
    expected = values.copy()
    for offset in (1, 2, 4, 8, 16):
        expected = expected + expected[np.arange(32) ^ offset]
    assert reduced(FORMS[form].sum, values, 32, 32).tobytes() == expected.tobytes()


@pytest.mark.parametrize("form", FORMS)
def test_an_extreme_of_floats_is_nan_if_one_is(form):
    values = np.arange(64, dtype=np.float32)
    values[37] = np.nan
    greatest = reduced(FORMS[form].maximum, values, 32, 64)
    assert (greatest[:32] == 31).all()
    assert np.isnan(greatest[32:]).all()
    assert np.isnan(reduced(FORMS[form].minimum, values, 64, 64)).all()


@simulated_only
@of_every_team
def test_a_sum_is_float64_and_an_extreme_keeps_its_type(team, threads):
    seen = set()

    @kernel
    def run(values):
        value = load(values, cuda.threadIdx.x)
        first = first_of_team(cuda.threadIdx.x + 7, team)
        seen.add((type(sum_of_team(value, team)), type(maximum_of_team(value, team)),
                  type(minimum_of_team(value, team)), first == cuda.threadIdx.x // team * team + 7))

    run[1, threads, 0](numbers(threads, np.float32))
    assert seen == {(np.float64, np.float32, np.float32, True)}


def test_float32_numbers_are_summed_in_float64():
    values = np.full(32, 0.1, np.float32)
    values[0] = 1e9

    @kernel
    def run(values, out):
        store(out, cuda.threadIdx.x, sum_of_team(load(values, cuda.threadIdx.x), 32))

    out = np.zeros(32)
    run[1, 32, 0](values, out)
    assert out[0] == pytest.approx(values.astype(np.float64).sum(), rel=1e-15)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("rows", [1, 5, 8])
def test_teams_without_a_row_take_part(rows, form):
    """Eight teams of four threads; those beyond the rows add nothing, and nobody waits for ever."""
    team, columns = 4, 6
    data = numbers(rows * columns)
    total = FORMS[form].sum

    @kernel
    def run(data, out):
        row = cuda.grid(1) // team
        part = 0.0
        for column in range(cuda.threadIdx.x % team, columns if row < rows else 0, team):
            part += load(data, row * columns + column)
        whole = total(part, team)
        if row < rows:
            store(out, row, whole)

    out = np.zeros(rows)
    run[1, 32, 0](data, out)
    assert np.allclose(out, data.reshape(rows, columns).sum(axis=1), rtol=1e-12, atol=1e-9)


@pytest.mark.parametrize("count", [1, 5, 32, 33, 100])
@pytest.mark.parametrize("threads", [32, 64])
def test_a_block_joins_what_blocks_have_left(count, threads):
    partials = numbers(3 * count)

    @kernel
    def run(partials, out):
        results = (
            joined_sum(partials, 1, 3, count), joined_maximum(partials, 0, 3, count),
            joined_minimum(partials, 2, 3, count), joined_first(partials, 2, 3, count),
        )
        for k in range(4):
            store(out, 4 * cuda.threadIdx.x + k, results[k])

    out = np.zeros(4 * threads)
    run[1, threads, 0](partials, out)
    rows = out.reshape(threads, 4)
    assert (rows == rows[0]).all()  # every thread has the results
    assert rows[0, 0] == pytest.approx(partials[1::3].sum(), rel=1e-12, abs=1e-9)
    assert rows[0, 1:].tolist() == [partials[0::3].max(), partials[2::3].min(), partials[2::3].min()]


def test_reductions_may_follow_each_other():
    """The memory of one is free before the next writes to it."""
    values = numbers(64)

    @kernel
    def run(values, out):
        value = load(values, cuda.threadIdx.x)
        for _ in range(3):
            value = maximum_of_team(value, 64) - sum_of_team(value, 64)
        store(out, cuda.threadIdx.x, value)

    out = np.zeros(64)
    run[1, 64, 0](values, out)
    value = values
    for _ in range(3):
        value = np.full(64, value.max() - value.sum())
    assert (out == out[0]).all()
    assert out[0] == pytest.approx(value[0], rel=1e-9)
