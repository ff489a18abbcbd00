"""Where results are written: to `out` directly, or to new arrays that are copied there."""

from itertools import combinations
from typing import Any

from lossgen.errors import ShapeError
from lossgen.runtime.cuda.arrays import DeviceArray, name_of, overlap
from lossgen.runtime.cuda.steps import copy_to
from lossgen.runtime.cuda.work import Work


def result_arrays(work: Work, count: int, out: tuple[DeviceArray, ...]) -> list[DeviceArray]:
    """Contiguous arrays for results in the shape of the predictions as they were passed: those of `out` where
    kernels may write them while they read the arguments.

    Raises:
        ShapeError: those of `out` are not writeable, in the shape and dtype of the results, or overlap.
    """
    batch, site = work.batch, work.site
    for one in out:
        if one.shape != batch.given_shape or one.dtype != batch.result or not one.writeable:
            locked = "" if one.writeable else "read-only "
            raise ShapeError(
                f"`out` must be a writeable array in the shape {batch.given_shape} and dtype "
                f"{name_of(batch.result)} of the result. "
                f"Received: {locked}{name_of(one.dtype)} array of shape {one.shape}"
            )
    if any(overlap(*pair) for pair in combinations(out, 2)):
        raise ShapeError("`out` must be arrays that share no memory. Received: arrays that overlap")
    read = [one for name, one in work.on_device.items() if not name.startswith("out")]
    if out and all(one.contiguous and not any(overlap(one, each) for each in read) for one in out):
        return list(out)
    return [site.empty(batch.given_shape, batch.result) for _ in range(count)]


def delivered(work: Work, result: DeviceArray, place: DeviceArray | None) -> Any:
    """A result as it is returned: in `out` if that is given, where a kernel may have written it already."""
    if place is None or place is result:
        return result.owner
    copy_to(work.site, result, place)
    return place.owner
