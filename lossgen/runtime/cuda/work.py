"""One call in hand: where it runs, and its arguments as kernels read them."""

from typing import Any, Self

from lossgen.errors import DeviceError, ShapeError
from lossgen.runtime.copies import warn_of_named_copies
from lossgen.runtime.cuda.arguments import arguments_of
from lossgen.runtime.cuda.arrays import DeviceArray
from lossgen.runtime.cuda.batch import DeviceBatch
from lossgen.runtime.cuda.plan import device_terms
from lossgen.runtime.cuda.site import Site
from lossgen.runtime.cuda.weights import weigh

REMEDIES = {"torch": "tensor.contiguous()", "cupy": "cupy.ascontiguousarray"}
"""What makes an array of a library contiguous."""


class Work:
    """What a call works with, as a context: its site is entered and left with it.

    Args:
        loss: a compiled loss.
        reduction: how the losses are reduced, where they may be divided by the sum of their weights.
        arguments: by name; `y_true` and `y_pred` at least.

    Attributes:
        site: where it runs.
        terms: the kernels.
        given: the arguments by name, as they were given.
        batch: targets and predictions.
        weighting: weights and mask, one a loss.

    Raises:
        DeviceError: not all lie on one device, or the loss is written by hand.
        ValueError: a shape, label or weight that does not fit.

    Warns:
        CopyWarning: more than one of them is copied because it is not C-contiguous.
    """

    def __init__(self, loss: Any, reduction: str | None = None, **arguments: Any):
        if not loss.is_compiled:
            raise DeviceError(
                f"{type(loss).__name__} is written as code, which runs on the host: pass it arrays of the "
                "host, or declare it as a formula with @lg.loss and lg.compile."
            )
        self.given = arguments_of(**arguments)
        self.plan, self.reduction = loss._plan, reduction
        self.terms = device_terms(self.plan)
        self.on_device = {name: one for name, one in self.given.items() if isinstance(one, DeviceArray)}
        self.site = Site(self.given["y_pred"], tuple(self.on_device.values()))

    def __enter__(self) -> Self:
        self.site.__enter__()
        try:
            site, plan, given = self.site, self.plan, self.given
            self.batch = DeviceBatch(site, plan, given["y_true"], given["y_pred"])
            weight, mask = given.get("sample_weight"), given.get("mask")
            self.weighting = weigh(site, plan, self.batch, weight, mask, self.reduction)
        except BaseException as error:
            self.site.__exit__(type(error), error, None)
            raise
        return self

    def __exit__(self, *reason: Any) -> None:
        self.site.__exit__(*reason)
        if reason[0] is None:
            # As on the host, a mask and the place of a result are not counted among them.
            copied = [
                name
                for name, one in self.on_device.items()
                if id(one.owner) in self.site.copied
                and not (one.contiguous or name.startswith(("mask", "out")))
            ]
            warn_of_named_copies(copied, REMEDIES.get(self.site.name, "a contiguous copy"))

    def vector(self) -> DeviceArray | None:
        """The vector of a Hessian-vector product in the shape of the predictions that kernels read.

        Raises:
            ShapeError: it has not the shape of the predictions.
        """
        vector, batch = self.given.get("vector"), self.batch
        if vector is None:
            return None
        if vector.shape != batch.given_shape:
            raise ShapeError(
                "`vector` must have the shape of `y_pred`. "
                f"Received: vector of shape {vector.shape} and y_pred of shape {batch.given_shape}"
            )
        return vector.with_axes(batch.p.shape)
