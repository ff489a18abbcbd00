"""Kernels of the runtime: what a call with device arrays needs besides the kernels of its loss.

Arrays are one-dimensional and C-contiguous, but for the source of `copy_strided`. Unless it says otherwise, a
kernel takes any one-dimensional grid; what blocks leave behind, in float64, is joined by a second kernel of
one block, in an order that depends on the two launches alone. No kernel is given an array of size 0.
"""

from lossgen.runtime.cuda.compiling import kernel
from lossgen.runtime.cuda.intrinsics import (
    is_hidden,
    is_whole,
    lesser,
    like,
    load,
    load_number_strided,
    load_strided,
    store,
    wide,
)
from lossgen.runtime.cuda.reduction import (
    joined_first,
    joined_sum,
    minimum_of_team,
    sum_of_team,
)
from lossgen.runtime.cuda.toolchain import cuda

LABEL_COUNTS = 5
"""What `count_labels` finds: labels that count, those that name no column, those that are no whole number,
the first row with one that names no column, the first with one that is no whole number."""

MASK_COUNTS = 2
"""What `count_mask` finds: elements that are not 0, and NaN."""

NO_ROW = 2.0**63
"""In place of a first row where there is none."""


@kernel
def fill(out, value):
    """Writes a number into every element."""
    for i in range(cuda.grid(1), out.size, cuda.gridsize(1)):
        store(out, i, value)


@kernel
def copy_strided(source, numbers, out):
    """Copies an array of any strides (0 where it is broadcast) and rank ≤ 8 into a line, in the type of that.

    Args:
        source: array, its elements taken in C order; uint16 is bfloat16.
        numbers: None, or True where uint16 is a whole number.
        out: line of as many elements.
    """
    for i in range(cuda.grid(1), out.size, cuda.gridsize(1)):
        if numbers is None:
            store(out, i, load_strided(source, i))
        else:
            store(out, i, load_number_strided(source, i))


@kernel
def sum_partials(partials, count, scale, total_out):
    """Writes scale · Σ partials[:count] into total_out[0], which is of any float type; one block."""
    total = joined_sum(partials, 0, 1, count)
    if cuda.threadIdx.x == 0:
        store(total_out, 0, scale * total)


# Weights and masks ----------------------------------------------------------------------------------------


@kernel
def weigh(weight, mask, weight_out):
    """The weight of each row, and 0 where the mask hides it.

    Args:
        weight: a number a row, or None for 1.
        mask: a number or truth value a row, 0 where hidden, or None.
        weight_out: a number a row.
    """
    for i in range(cuda.grid(1), weight_out.size, cuda.gridsize(1)):
        value = like(weight_out, 1)
        if weight is not None:
            value = like(weight_out, load(weight, i))
        if mask is not None and is_hidden(mask, i):
            value = like(weight_out, 0)
        store(weight_out, i, value)


@kernel
def sum_weights(weight, labels, ignored, partials):
    """partials[block] = Σ weight over the rows of the block; `sum_partials` joins them.

    Args:
        weight: a number a row.
        labels: a label a row, or None.
        ignored: rows with this label do not count.
    """
    total = wide(0)
    for i in range(cuda.grid(1), weight.size, cuda.gridsize(1)):
        if labels is None or load(labels, i) != ignored:
            total += wide(load(weight, i))
    total = sum_of_team(total, cuda.blockDim.x)
    if cuda.threadIdx.x == 0:
        store(partials, cuda.blockIdx.x, total)


@kernel
def count_mask(mask, partials):
    """MASK_COUNTS numbers a block; `join_mask_counts` joins them."""
    used, undefined = wide(0), wide(0)
    for i in range(cuda.grid(1), mask.size, cuda.gridsize(1)):
        value = load(mask, i)
        used += wide(value != 0)
        undefined += wide(value != value)
    used = sum_of_team(used, cuda.blockDim.x)
    undefined = sum_of_team(undefined, cuda.blockDim.x)
    if cuda.threadIdx.x == 0:
        store(partials, 2 * cuda.blockIdx.x, used)
        store(partials, 2 * cuda.blockIdx.x + 1, undefined)


@kernel
def join_mask_counts(partials, blocks, counts_out):
    """Joins the counts of `blocks` blocks; one block."""
    used = joined_sum(partials, 0, 2, blocks)
    undefined = joined_sum(partials, 1, 2, blocks)
    if cuda.threadIdx.x == 0:
        store(counts_out, 0, used)
        store(counts_out, 1, undefined)


# Labels ---------------------------------------------------------------------------------------------------


@kernel
def count_labels(labels, mask, columns, ignored, ignores, partials):
    """LABEL_COUNTS numbers a block; `join_label_counts` joins them.

    Args:
        labels: a label a row, of an integer or a float type.
        mask: 0 where a row does not count, or None.
        columns: labels from 0 up to it name a column.
        ignored: the label of rows that do not count, if `ignores`.
        partials: LABEL_COUNTS · blocks float64 numbers.
    """
    valid, wrong, broken = wide(0), wide(0), wide(0)
    first_wrong, first_broken = wide(NO_ROW), wide(NO_ROW)
    for i in range(cuda.grid(1), labels.size, cuda.gridsize(1)):
        label = load(labels, i)
        used = not (ignores and label == ignored)
        if mask is not None and is_hidden(mask, i):
            used = False
        whole = is_whole(label)
        inside = (label >= 0) and (label < columns)
        valid += wide(used)
        if used and not whole:
            broken += 1
            first_broken = lesser(first_broken, wide(i))
        if used and whole and not inside:
            wrong += 1
            first_wrong = lesser(first_wrong, wide(i))
    valid = sum_of_team(valid, cuda.blockDim.x)
    wrong = sum_of_team(wrong, cuda.blockDim.x)
    broken = sum_of_team(broken, cuda.blockDim.x)
    first_wrong = minimum_of_team(first_wrong, cuda.blockDim.x)
    first_broken = minimum_of_team(first_broken, cuda.blockDim.x)
    if cuda.threadIdx.x == 0:
        start = 5 * cuda.blockIdx.x
        store(partials, start, valid)
        store(partials, start + 1, wrong)
        store(partials, start + 2, broken)
        store(partials, start + 3, first_wrong)
        store(partials, start + 4, first_broken)


@kernel
def join_label_counts(partials, blocks, counts_out):
    """Joins the counts of `blocks` blocks; one block."""
    valid = joined_sum(partials, 0, 5, blocks)
    wrong = joined_sum(partials, 1, 5, blocks)
    broken = joined_sum(partials, 2, 5, blocks)
    first_wrong = joined_first(partials, 3, 5, blocks)
    first_broken = joined_first(partials, 4, 5, blocks)
    if cuda.threadIdx.x == 0:
        store(counts_out, 0, valid)
        store(counts_out, 1, wrong)
        store(counts_out, 2, broken)
        store(counts_out, 3, first_wrong)
        store(counts_out, 4, first_broken)


@kernel
def hide_labels(labels, mask, hidden, labels_out):
    """Labels as int64, with the label `hidden` where the mask hides a row: no kernel looks at those."""
    for i in range(cuda.grid(1), labels_out.size, cuda.gridsize(1)):
        if is_hidden(mask, i):
            store(labels_out, i, hidden)
        else:
            store(labels_out, i, load(labels, i))


# Targets --------------------------------------------------------------------------------------------------


@kernel
def count_others(targets, partials):
    """partials[block] = how many targets are neither 0 nor 1; `sum_partials` joins them."""
    others = wide(0)
    for i in range(cuda.grid(1), targets.size, cuda.gridsize(1)):
        value = load(targets, i)
        others += wide((value != 0) and (value != 1))
    others = sum_of_team(others, cuda.blockDim.x)
    if cuda.threadIdx.x == 0:
        store(partials, cuda.blockIdx.x, others)


@kernel
def sign_targets(targets, others, signed_out):
    """Targets 0 and 1 as −1 and 1, if others[0], the number of other ones, is 0; else as they are."""
    all_are_binary = load(others, 0) == 0
    for i in range(cuda.grid(1), signed_out.size, cuda.gridsize(1)):
        value = load(targets, i)
        if all_are_binary:
            store(signed_out, i, 1 if value != 0 else -1)
        else:
            store(signed_out, i, value)
