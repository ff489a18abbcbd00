"""One call of a loss with device arrays, as `lossgen.runtime.evaluation` has it for arrays of the host.

Results are arrays of the library that the predictions come from, written on its current stream; the value is
an array of no dimensions on the device. A call waits for the device only where this process needs a number to
go on: where labels are checked, where a mask decides how many losses there are, and where the sum of the
weights is divided by (`reduction="mean_with_sample_weight"`). All that it needs it reads back at once, 64
bytes. Sums are added in an order that the shapes alone decide, the same on every device.
"""

from functools import partial
from typing import Any

from lossgen.errors import ShapeError
from lossgen.runtime.cuda.arrays import DeviceArray
from lossgen.runtime.cuda.elementwise import products
from lossgen.runtime.cuda.outputs import delivered, result_arrays
from lossgen.runtime.cuda.steps import contiguous, fill, line_kernel, number, total_of
from lossgen.runtime.cuda.terms import masked_rows, run_terms
from lossgen.runtime.cuda.work import Work
from lossgen.runtime.dispatch import ARRAYS_OUT, TAKES_LOSSES
from lossgen.runtime.dtypes import FLOAT64
from lossgen.runtime.reduction import divisor_of, keeps_losses, weight_of


def value(loss: Any, y_true: Any, y_pred: Any, sample_weight: Any = None, *, mask: Any = None) -> Any:
    """The reduced value as an array of no dimensions; unreduced, an array of one weighted loss a row.

    Args:
        y_true, y_pred, sample_weight, mask: as for the loss itself, all on one device; weights and masks may
            be numbers.

    Raises:
        DeviceError: an argument lies on the host or on another device; no driver, or one that is too old.
        ValueError: as on the host.
    """
    return reduced(loss, "value", y_true, y_pred, sample_weight, mask)[0]


def value_and_gradient(
    loss: Any, y_true: Any, y_pred: Any, sample_weight: Any = None, *, mask: Any = None, out: Any = None
) -> tuple[Any, Any]:
    """The value, and the gradient of the reduced value (unreduced: of the sum)."""
    return reduced(loss, "value_and_gradient", y_true, y_pred, sample_weight, mask, out=out)


def hessian_vector_product(
    loss: Any, y_true: Any, y_pred: Any, vector: Any, sample_weight: Any = None, *, mask: Any = None,
    out: Any = None,
) -> Any:  # fmt: skip
    """The Hessian of the reduced value times a vector."""
    return reduced(loss, "hessian_vector_product", y_true, y_pred, sample_weight, mask, vector, out)[1]


def losses(loss: Any, y_true: Any, y_pred: Any) -> Any:
    """The loss of every row, unweighted."""
    with Work(loss, y_true=y_true, y_pred=y_pred) as work:
        return unreduced_losses(work, "value", 1.0, None, ())


def sum_and_weight(
    loss: Any, y_true: Any, y_pred: Any, sample_weight: Any = None, *, mask: Any = None
) -> tuple[Any, Any]:
    """The weighted sum of the losses and what they count for: two float64 arrays of no dimensions."""
    arguments = {"y_true": y_true, "y_pred": y_pred, "sample_weight": sample_weight, "mask": mask}
    with Work(loss, loss.reduction, **arguments) as work:
        batch, weighting = work.batch, work.weighting
        one_loss = not batch.layout.loss_shape
        weight = batch.valid if one_loss else weight_of(loss.reduction, weighting, batch.valid, None)
        sums = run_terms(work, "value", weighting.rows, weighting.factor) if weighting.factor else None
        return total_of(work.site, sums, FLOAT64), number(work.site, weight, FLOAT64)


def gradient_and_hessian(
    loss: Any, y_true: Any, y_pred: Any, sample_weight: Any = None, *, mask: Any = None, out: Any = None
) -> tuple[Any, Any]:
    """First and (diagonal) second derivatives of each row's loss, times its weight."""
    if out is not None and (not isinstance(out, tuple | list) or len(out) != 2):
        seen = type(out).__name__ + (f" of {len(out)}" if isinstance(out, tuple | list) else "")
        raise ShapeError(f"`out` must be a tuple of 2 arrays. Received: {seen}")
    places = {} if out is None else {"out[0]": out[0], "out[1]": out[1]}
    arguments = {"y_true": y_true, "y_pred": y_pred, "sample_weight": sample_weight, "mask": mask}
    with Work(loss, **arguments, **places) as work:
        weighting = work.weighting
        given = tuple(work.given[name] for name in places)
        results = result_arrays(work, 2, given)
        if len(work.terms) == 1:
            run_terms(work, "gradient_and_hessian", weighting.rows, weighting.factor, None, None, results)
        else:
            weigh_elements(work, results)
        return tuple(map(partial(delivered, work), results, given or (None, None)))


def weigh_elements(work: Work, results: list) -> None:
    """Derivatives of several terms: added first, then times the weight of the finest rows."""
    batch, site = work.batch, work.site
    weight = masked_rows(work, work.weighting.rows)
    factor = work.weighting.factor
    if weight is None:
        run_terms(work, "gradient_and_hessian", None, factor, None, None, results, spread=False)
        return
    parts = [site.empty(batch.p.shape, batch.computed) for _ in results]
    run_terms(work, "gradient_and_hessian", None, factor, None, None, parts, spread=False)
    one_each = contiguous(site, weight.with_axes(batch.layout.kept).broadcast(batch.p.shape))
    for part, result in zip(parts, results, strict=True):
        line_kernel(site, products, part, one_each, 1.0, result)


def reduced(
    loss: Any, output: str, y_true: Any, y_pred: Any, sample_weight: Any, mask: Any, vector: Any = None,
    out: Any = None,
) -> tuple[Any, Any]:  # fmt: skip
    """The value and the array (None for "value") of one output."""
    arguments = {"y_true": y_true, "y_pred": y_pred, "vector": vector, "sample_weight": sample_weight}
    with Work(loss, loss.reduction, **arguments, mask=mask, out=out) as work:
        batch, weighting = work.batch, work.weighting
        vector = work.vector()
        one_loss = not batch.layout.loss_shape  # is returned as it is, whatever the reduction
        unreduced = keeps_losses(loss.reduction)
        whole = one_loss or unreduced
        divisor = 1.0 if whole else divisor_of(loss.reduction, weighting, batch.valid, None)
        scale = weighting.factor / divisor if divisor else 0.0
        places = () if out is None else (work.given["out"],)
        results = result_arrays(work, ARRAYS_OUT[output], places)
        if unreduced and not one_loss and output in TAKES_LOSSES:
            found = unreduced_losses(work, output, scale, vector, results)
        elif scale:
            sums = run_terms(work, output, weighting.rows, scale, None, vector, results)
            found = total_of(work.site, sums, batch.result) if output in TAKES_LOSSES else None
        else:  # nothing counts, not even what is not finite
            for result in results:
                fill(work.site, result, 0.0)
            found = number(work.site, 0.0, batch.result)
        return found, delivered(work, results[0], work.given.get("out")) if results else None


def unreduced_losses(
    work: Work, output: str, scale: float, vector: DeviceArray | None, results: list | tuple
) -> Any:
    """One loss a row, times its weight; arrays are written to `results`."""
    batch, weighting, site = work.batch, work.weighting, work.site
    found = site.empty(weighting.shape or batch.layout.loss_shape, batch.result)
    if not scale:
        for result in (found, *results):
            fill(site, result, 0.0)
        return found.owner
    weighed = weighting.rows is not None or weighting.factor != 1
    raw = site.empty(batch.layout.loss_shape, batch.computed) if weighed else found
    run_terms(work, output, weighting.rows, scale, raw, vector, list(results))
    if weighed and raw.size:
        line_kernel(site, products, raw, weighting.rows, weighting.factor, found)
    return found.owner
