"""One output of the sum of all terms: each launched, the losses broadcast and added, the arrays added."""

from collections.abc import Sequence

import numpy as np

from lossgen.runtime.cuda.arrays import DeviceArray
from lossgen.runtime.cuda.dispatch import Chosen, Data, choose, launch
from lossgen.runtime.cuda.elementwise import sums, sums_of_rows, weigh_labels
from lossgen.runtime.cuda.grid import grid, most_blocks
from lossgen.runtime.cuda.plan import DeviceTerm
from lossgen.runtime.cuda.steps import contiguous, copy_to, fill, line_kernel
from lossgen.runtime.cuda.work import Work
from lossgen.runtime.dispatch import TAKES_LOSSES
from lossgen.runtime.dtypes import FLOAT64
from lossgen.runtime.shapes import Layout


def run_terms(
    work: Work,
    output: str,
    weight: DeviceArray | None,
    scale: float,
    losses: DeviceArray | None = None,
    vector: DeviceArray | None = None,
    results: Sequence[DeviceArray] = (),
    spread: bool = True,
) -> DeviceArray | None:
    """Starts one output of all terms.

    Args:
        weight: None, or a line of one number a loss.
        scale: number that multiplies the total and the arrays.
        losses: takes the losses, unscaled and unweighted; None if they are not wanted.
        vector: what the Hessian is multiplied by, in the shape of the predictions.
        results: take the arrays; contiguous.
        spread: a term counts once for every loss that it contributes to (False: once).

    Returns:
        A line of numbers whose sum is the total; None for outputs without one and for no elements.
    """
    batch, site, terms = work.batch, work.site, work.terms
    if not batch.p.size:  # a row of no columns has loss 0
        if losses is not None:
            fill(site, losses, 0.0)
        return None
    chosen = [
        choose(term, output, layout, losses is not None)
        for term, layout in zip(terms, batch.layouts, strict=True)
    ]
    partials = site.empty((sum(one.sums for one in chosen),), FLOAT64) if output in TAKES_LOSSES else None
    if len(terms) == 1:
        run_term(work, 0, output, chosen[0], weight, scale, losses, vector, results, partials)
        return partials
    start, earlier = 0, None
    for number, (term, layout, one) in enumerate(zip(terms, batch.layouts, chosen, strict=True)):
        row_weight, row_scale = spread_weight(work, weight, layout, term) if spread else (None, 1.0)
        own_sums = None if partials is None else partials.part(0, start, start + one.sums)
        start += one.sums
        own_losses = None if losses is None else site.empty((layout.rows,), batch.computed)
        own = [site.empty(batch.p.shape, batch.computed) for _ in results]
        run_term(work, number, output, one, row_weight, scale * row_scale, own_losses, vector, own, own_sums)
        if losses is not None:
            kept = own_losses.with_axes(layout.kept).broadcast(batch.layout.kept)
            own.append(contiguous(site, kept))
        targets = [*results] if losses is None else [*results, losses]
        if earlier is not None:
            last = number == len(terms) - 1
            places = targets if last else [site.empty(each.shape, batch.computed) for each in own]
            for first, second, place in zip(earlier, own, places, strict=True):
                line_kernel(site, sums, first, second, place)
            own = places
        earlier = own
    return partials


def run_term(
    work: Work,
    number: int,
    output: str,
    chosen: Chosen,
    weight: DeviceArray | None,
    scale: float,
    losses: DeviceArray | None,
    vector: DeviceArray | None,
    results: Sequence[DeviceArray],
    partials: DeviceArray | None,
) -> None:
    """Starts one output of one term; the arguments are those of `run_terms`, for its own rows."""
    batch, site = work.batch, work.site
    term, layout = work.terms[number], batch.layouts[number]
    in_order = layout.order is None
    lines = results if in_order else [site.empty((each.size,), each.dtype) for each in results]
    data = Data(
        y=targets(work, term, layout),
        p=batch.predictions(layout),
        weight=weight,
        losses=losses,
        vector=None if vector is None else batch.line(vector, layout),
        outputs=lines,
        sums=partials,
    )
    launch(site, term, output, chosen, layout, data, scale, batch.ignored)
    if not in_order:
        moved = tuple(batch.p.shape[axis] for axis in layout.order)
        back = tuple(int(axis) for axis in np.argsort(layout.order))
        for line, result in zip(lines, results, strict=True):
            copy_to(site, line.with_axes(moved).transposed(back), result.with_axes(batch.p.shape))


def targets(work: Work, term: DeviceTerm, layout: Layout) -> DeviceArray:
    """What a term reads as target. One that reads no labels beside one that does has none at all."""
    batch = work.batch
    if term.bound.labels:
        return batch.labels
    return batch.predictions(layout) if batch.labels is not None else batch.line(batch.y, layout)


def masked_rows(work: Work, weight: DeviceArray | None) -> DeviceArray | None:
    """The weights, 0 where the label is ignored; None where all are 1."""
    batch, site = work.batch, work.site
    if not batch.hides:
        return weight
    found = site.empty((batch.layout.rows,), batch.computed)
    line_kernel(site, weigh_labels, weight, batch.labels, batch.ignored, found)
    return found


def spread_weight(
    work: Work, weight: DeviceArray | None, layout: Layout, term: DeviceTerm
) -> tuple[DeviceArray | None, float]:
    """A term's weight a row (or None) and scale: sums over the losses that a row of the term adds to."""
    batch, site, fine = work.batch, work.site, work.batch.layout
    if not term.bound.labels:
        weight = masked_rows(work, weight)
    axes = tuple(axis for axis in layout.axes if axis not in fine.axes)
    if not axes:
        return weight, 1.0
    if weight is None:
        return None, fine.rows / layout.rows if layout.rows else 0.0
    others = tuple(axis for axis in range(len(fine.kept)) if axis not in axes)
    line = contiguous(site, weight.with_axes(fine.kept).transposed(others + axes))
    summed = site.empty((layout.rows,), batch.computed)
    blocks = min(layout.rows, most_blocks(line.size))
    site.launch(sums_of_rows, blocks, grid.threads, line, line.size // layout.rows, summed)
    return summed, 1.0
