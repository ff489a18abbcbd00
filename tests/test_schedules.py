"""The schedules of one loss agree: row by row, in lanes, in a flat line; for any number of rows and columns.

The kernels of a generated module are called directly. The rows kernel on one row at a time is the yardstick.
"""

import numpy as np
import pytest
from cases import cases
from kernel_calls import agree, inputs, one_row_at_a_time, run, settings, term_of

from lossgen.catalog import DECLARATIONS
from lossgen.runtime.dispatch import TAKES_LOSSES
from lossgen.runtime.labels import NO_LABEL
from lossgen.runtime.lanes import LANES
from lossgen.runtime.options import BLOCK
from lossgen.runtime.variant import FURTHER_OUTPUTS, OUTPUTS

BY_NAME = {declaration.name: declaration for declaration in DECLARATIONS}
CASES = {
    str(case): case
    for name in (
        "mean_squared_error", "huber", "binary_crossentropy", "kl_divergence", "categorical_crossentropy",
        "sparse_categorical_crossentropy", "categorical_focal_crossentropy", "cosine_similarity", "dice",
        "categorical_hinge", "multi_margin", "tweedie",
    )
    for case in cases([BY_NAME[name]])
    if not case.arguments or name == "categorical_focal_crossentropy"
}  # fmt: skip
IN_LANES = (
    "categorical_crossentropy-from_logits=True", "sparse_categorical_crossentropy-from_logits=True",
    "cosine_similarity", "categorical_hinge",
    "categorical_focal_crossentropy-gamma=1.5-alpha=(0.25, 0.5, 0.75)",
)  # fmt: skip
FLAT = ("mean_squared_error", "huber", "binary_crossentropy-from_logits=True", "kl_divergence", "tweedie")
RAGGED = (1, LANES // 2 - 1, LANES // 2, LANES - 1, LANES, LANES + 1, 2 * LANES + 2)

# Lanes ----------------------------------------------------------------------------------------------------


def test_every_loss_that_needs_a_result_of_the_row_has_kernels_in_lanes():
    for name in IN_LANES:
        lanes = term_of(CASES[name]).lanes
        assert lanes and set(lanes) <= {*OUTPUTS, *FURTHER_OUTPUTS}, name


@pytest.mark.parametrize(
    ("name", "dtype"), [*((name, np.float64) for name in IN_LANES), (IN_LANES[1], np.float32)]
)
def test_lanes_agree_with_rows(name, dtype):
    case = CASES[name]
    term, columns = term_of(case), 3
    for rows in RAGGED:
        y, p = inputs(case, rows, columns, dtype)
        ignored = None if not case.labels else NO_LABEL
        vector = np.cos(np.arange(p.size)).reshape(p.shape).astype(dtype)
        for output, (kernel, _) in term.lanes.items():
            direction = vector if output == "hessian_vector_product" else None
            for weight, scale in settings(output, rows, dtype):
                fixed = term.row_parameters(columns)
                got = run(kernel, output, y, p, fixed, weight, scale, ignored, direction)
                wanted = one_row_at_a_time(term, output, y, p, columns, weight, scale, ignored, direction)
                agree(got, wanted, dtype)
                if output in TAKES_LOSSES and weight is None:
                    alone = run(kernel, output, y, p, fixed, weight, scale, ignored, direction, False)
                    assert alone[0] == got[0]
                    for one, two in zip(alone[2], got[2], strict=True):
                        np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize("schedule", ["rows", "lanes"])
@pytest.mark.parametrize("rows", [1, LANES, LANES + 1])
def test_ignored_labels(schedule, rows):
    case = CASES["sparse_categorical_crossentropy-from_logits=True"]
    term = term_of(case)
    y, p = inputs(case, rows, 3, np.float64)
    kept = np.arange(rows) % 3 != 0
    marked = np.where(kept, y, -1)
    p[~kept] = np.nan
    for output, (kernel, _) in getattr(term, schedule).items():
        direction = np.ones_like(p) if output == "hessian_vector_product" else None
        got = run(kernel, output, marked, p, (), None, 0.5, -1, direction)
        for array in got[2]:
            assert not array[~kept].any() and np.isfinite(array).all()
        if output in TAKES_LOSSES:
            assert not got[1][~kept].any()
        if kept.any():
            direction = None if direction is None else direction[kept]
            wanted = one_row_at_a_time(
                term, output, y[kept], p[kept], 3, None, 0.5, NO_LABEL, direction
            )
            agree((got[0], None, [array[kept] for array in got[2]]), wanted, np.float64)


@pytest.mark.parametrize("name", IN_LANES[:2])
def test_lanes_keep_what_is_not_a_number_in_its_row(name):
    case = CASES[name]
    term, rows = term_of(case), LANES + 3
    y, p = inputs(case, rows, 3, np.float64)
    fixed, ignored = term.row_parameters(3), NO_LABEL if case.labels else None
    clean = run(term.lanes["value_and_gradient"][0], "value_and_gradient", y, p, fixed, None, 1.0, ignored)
    for bad in (0, 7, rows - 1):
        broken = p.copy()
        broken[bad, 1] = np.nan
        _, values, (gradient,) = run(
            term.lanes["value_and_gradient"][0], "value_and_gradient", y, broken, fixed, None, 1.0, ignored
        )
        others = np.arange(rows) != bad
        np.testing.assert_array_equal(values[others], clean[1][others])
        np.testing.assert_array_equal(gradient[others], clean[2][0][others])
        assert np.isnan(values[bad]) and np.isnan(gradient[bad]).any()


# Flat -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "dtype"), [*((name, np.float64) for name in FLAT), (FLAT[1], np.float32)])
def test_flat_agrees_with_rows(name, dtype):
    case = CASES[name]
    term = term_of(case)
    for rows, columns in ((1, 1), (7, 5), (1, BLOCK - 1), (BLOCK, 1), (BLOCK + 1, 1), (3, BLOCK + 1)):
        y, p = inputs(case, rows, columns, dtype)
        vector = np.cos(np.arange(p.size)).astype(dtype)
        for output, (kernel, _) in term.flat.items():
            direction = vector if output == "hessian_vector_product" else None
            for weight, scale in settings(output, rows, dtype):
                if weight is not None and columns > 1:
                    continue
                fixed = (*term.scalars, float(columns))
                flat = run(
                    kernel, output, y.reshape(-1), p.reshape(-1), fixed, weight, scale, None, direction,
                    with_losses=columns == 1,
                )  # fmt: skip
                wanted = run(
                    term.rows[output][0], output, y, p, term.row_parameters(columns), weight, scale, None,
                    None if direction is None else direction.reshape(p.shape),
                )  # fmt: skip
                agree(flat, wanted, dtype)


# Columns around a block -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [*FLAT[:2], *IN_LANES[:3], "dice"])
def test_columns_around_a_block(name):
    """A row's result does not depend on where its blocks end: repeated columns repeat the gradient."""
    case = CASES[name]
    term = term_of(case)
    for columns in (BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK + 1):
        y, p = inputs(case, 1, columns, np.float64)
        for output, (kernel, _) in term.rows.items():
            direction = np.cos(p) if output == "hessian_vector_product" else None
            fixed, ignored = term.row_parameters(columns), NO_LABEL if case.labels else None
            total, values, arrays = run(kernel, output, y, p, fixed, None, 1.0, ignored, direction)
            backwards = np.arange(columns)[::-1]
            flipped = (columns - 1 - y) if case.labels else np.ascontiguousarray(y[:, backwards])
            again = run(
                kernel, output, flipped, np.ascontiguousarray(p[:, backwards]), fixed, None, 1.0, ignored,
                None if direction is None else np.ascontiguousarray(direction[:, backwards]),
            )  # fmt: skip
            turned = [array[:, backwards] for array in again[2]]
            agree((again[0], again[1], turned), (total, values, arrays), np.float64)
