"""What has to be known of a call's arrays in this process: counted on the device, read back at once."""

import numpy as np

from lossgen.runtime.cuda import kernels
from lossgen.runtime.cuda.arrays import DeviceArray
from lossgen.runtime.cuda.grid import grid, line_blocks
from lossgen.runtime.cuda.site import Site
from lossgen.runtime.dtypes import FLOAT64
from lossgen.runtime.labels import NO_LABEL


class Counts:
    """Counts of one call; each is asked for first, then all are read.

    Args:
        rows: number of losses, not 0.

    Attributes:
        used: losses that the mask does not hide.
        undefined: NaN in the mask.
        valid: labels that are neither hidden nor ignored.
        wrong: those of them that name no column.
        weight: sum of the weights.
    """

    MASK, LABELS = 0, kernels.MASK_COUNTS
    WEIGHT = LABELS + kernels.LABEL_COUNTS
    SIZE = WEIGHT + 1

    def __init__(self, site: Site, rows: int):
        self.site, self.blocks = site, line_blocks(rows)
        self.used = self.valid = rows
        self.undefined = self.wrong = 0
        self.weight = 0.0
        self.asked: set[int] = set()
        self.found: DeviceArray | None = None

    def count_mask(self, mask: DeviceArray) -> None:
        """Asks for `used` and `undefined`."""
        partials = self.partials(self.MASK, kernels.MASK_COUNTS)
        self.launch(kernels.count_mask, mask, partials)
        self.join(kernels.join_mask_counts, partials, self.MASK, kernels.MASK_COUNTS)

    def count_labels(
        self, labels: DeviceArray, mask: DeviceArray | None, columns: int, ignore_class: int | None
    ) -> None:
        """Asks for `valid` and `wrong`."""
        partials = self.partials(self.LABELS, kernels.LABEL_COUNTS)
        ignored = NO_LABEL if ignore_class is None else ignore_class
        self.launch(kernels.count_labels, labels, mask, columns, ignored, ignore_class is not None, partials)
        self.join(kernels.join_label_counts, partials, self.LABELS, kernels.LABEL_COUNTS)

    def sum_weights(self, weight: DeviceArray, labels: DeviceArray | None, ignore_class: int | None) -> None:
        """Asks for `weight`."""
        partials = self.partials(self.WEIGHT, 1)
        ignored = NO_LABEL if ignore_class is None else ignore_class
        self.launch(kernels.sum_weights, weight, labels, ignored, partials)
        place = self.found.part(0, self.WEIGHT, self.WEIGHT + 1)
        self.site.launch(kernels.sum_partials, 1, grid.threads, partials, self.blocks, 1.0, place)

    def partials(self, start: int, count: int) -> DeviceArray:
        """Memory for `count` numbers a block."""
        if self.found is None:
            self.found = self.site.empty((self.SIZE,), FLOAT64)
        self.asked.add(start)
        return self.site.empty((count * self.blocks,), FLOAT64)

    def launch(self, kernel, *arguments) -> None:
        self.site.launch(kernel, self.blocks, grid.threads, *arguments)

    def join(self, kernel, partials: DeviceArray, start: int, count: int) -> None:
        place = self.found.part(0, start, start + count)
        self.site.launch(kernel, 1, grid.threads, partials, self.blocks, place)

    def read(self) -> None:
        """Waits for what was asked for, if anything was."""
        if self.found is None:
            return
        numbers: np.ndarray = self.site.read(self.found)
        if self.MASK in self.asked:
            self.used, self.undefined = (int(one) for one in numbers[:2])
            self.valid = self.used
        if self.LABELS in self.asked:
            valid, wrong, broken = (int(one) for one in numbers[self.LABELS : self.LABELS + 3])
            self.valid, self.wrong = valid, wrong + broken
        if self.WEIGHT in self.asked:
            self.weight = float(numbers[self.WEIGHT])
