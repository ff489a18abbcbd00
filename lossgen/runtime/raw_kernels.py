"""Kernels run on raw scores: gradient and Hessian of every row's loss, not reduced, in arrays of the caller.

A loss whose columns do not meet is taken as one problem a column, each with a column count of 1: the 1/C of a
mean is not there. Its kernel reads one line of elements; any other loss goes tile by tile of rows.
"""

import numpy as np

from lossgen.errors import NoGradientError, ShapeError
from lossgen.runtime import threads
from lossgen.runtime.compiling import njit
from lossgen.runtime.dispatch import ALONE_ELEMENTS, CHUNK_ELEMENTS, LANE_COLUMNS, Chosen, run_kernel
from lossgen.runtime.labels import check_labels, label_array, one_label_a_row
from lossgen.runtime.lanes import LANES
from lossgen.runtime.options import FAST
from lossgen.runtime.shapes import layout_of, readable
from lossgen.runtime.team import in_chunks

NO_LABEL = -1
"""What stands in the place of a label that is ignored."""


@njit(**FAST)
def write_labels(y, columns, ignored, ignores, labels):
    """Labels as int32; returns how many are neither the number of a column nor ignored."""
    wrong = 0
    for i in range(y.size):
        label = y[i]
        inside = (label >= 0) & (label < columns)
        found = np.int32(label if inside else 0)
        inside &= found == label
        skipped = ignores & (label == ignored)
        labels[i] = NO_LABEL if skipped else found
        wrong += not (inside or skipped)
    return float(wrong)


@njit(**FAST)
def write_labels_team(team, length, *arguments):
    """The same on a team of threads."""
    return in_chunks(team, length, write_labels, arguments)


class RawKernels:
    """The kernels of a loss that write a gradient and a Hessian.

    Args:
        loss: a loss compiled from its formula, whose rows stand alone.
        output: "gradient_and_hessian", "gradient_and_fisher", "gradient_and_upper_bound", or
            "value_and_gradient", which leaves the Hessian as it is.

    Attributes:
        elementwise: whether each column is a problem of its own.
        labels: whether the target is one integer label a row.

    Raises:
        NoGradientError: the loss is written by hand, or was generated without the kernel.
        ShapeError: rows do not stand alone: the loss reduces another axis than the last.
    """

    def __init__(self, loss, output: str = "gradient_and_hessian"):
        self.plan = plan = loss._plan_for(output)
        self.owner = type(loss).__name__
        if any(term.scope not in (-1, (-1,), 1, (1,)) for term in plan.terms):
            raise ShapeError(
                f"{self.owner} does not give every row a loss of its own: raw scores are one row a sample, "
                "whose columns are the last axis. Take a loss that reduces the last axis only (`axis=-1`)."
            )
        if len(plan.terms) > 1:
            raise ShapeError(
                f"{self.owner} is a sum of {len(plan.terms)} losses over different axes; raw scores take one "
                "that reduces the last axis only."
            )
        self.term, self.output = plan.terms[0], output
        if output not in self.term.rows:
            raise NoGradientError(f"{self.owner} was generated without a kernel for `{output}`.")
        self.labels = plan.labels
        self.elementwise = loss.properties.diagonal
        self.flat = self.term.flat.get(output)
        self.shared = None if self.term.has_arrays else self.parameters_of(0, 1)  # by all columns

    def targets(self, y: np.ndarray, raw: np.ndarray) -> np.ndarray:
        """Targets as `run` takes them, in the shape of the raw scores or one label a row.

        Raises:
            ShapeError: another shape.
            LabelError: a label that names no column.
        """
        if self.labels:
            if raw.ndim != 2:
                raise ShapeError(
                    f"{self.owner} reads labels, so `raw` must have one column a class, (rows, classes). "
                    f"Received: raw of shape {raw.shape}"
                )
            return self.column_labels(y, raw)
        if not self.elementwise and raw.ndim != 2:
            raise ShapeError(
                f"{self.owner} relates the columns of a row, so `raw` must have shape (rows, columns). "
                f"Received: raw of shape {raw.shape}"
            )
        if y.shape != raw.shape:
            if y.size != raw.size or {y.shape, raw.shape} != {(len(raw),), (len(raw), 1)}:
                raise ShapeError(
                    "`y` must have the shape of `raw`. "
                    f"Received: y of shape {y.shape} and raw of shape {raw.shape}"
                )
            y = y.reshape(raw.shape)
        return y if self.plan.prepare is None else self.plan.prepare(y)

    def column_labels(self, y: np.ndarray, raw: np.ndarray) -> np.ndarray:
        """Labels of any dtype as int32, ignored ones as `NO_LABEL`."""
        layout, ignored = layout_of(raw.shape, -1), self.plan.ignore_class
        y = one_label_a_row(y, layout)
        labels = np.empty(len(y), np.int32)
        given = readable(y), raw.shape[1], 0 if ignored is None else ignored, ignored is not None
        if len(y) <= ALONE_ELEMENTS:
            wrong = write_labels(*given, labels)
        else:
            wrong = write_labels_team(threads.team(), CHUNK_ELEMENTS, *given, labels)
        if wrong:
            check_labels(label_array(y), layout, ignored, None)
        return labels

    def run(self, y, raw, weight, gradient, hessian) -> None:
        """Writes both results.

        Args:
            y: what `targets` gave.
            raw: (rows,) or (rows, columns), float32 or float64.
            weight: None or floats (rows,).
            gradient, hessian: arrays of the shape and the memory order of `raw`.
        """
        if not raw.size:
            return
        if self.elementwise:
            self.run_lines(y, raw, weight, gradient, hessian)
        else:
            self.run_rows(y, raw, weight, gradient, hessian)

    def run_lines(self, y, raw, weight, gradient, hessian) -> None:
        """An elementwise loss: all elements as one line, or one line a column."""
        columns = raw.shape[1] if raw.ndim == 2 else 1
        parameters = self.parameters_of(0, 1) if columns == 1 and self.shared is None else self.shared
        if columns > 1 and raw.flags.c_contiguous:
            if parameters is None:
                self.run_transposed(y, raw, weight, gradient, hessian)
                return
            weight = None if weight is None else np.repeat(weight, columns)
        elif columns > 1:
            y, raw, gradient, hessian = np.asfortranarray(y).T, raw.T, gradient.T, hessian.T
            if weight is not None or parameters is None:
                for column, lines in enumerate(zip(y, raw, gradient, hessian, strict=True)):
                    self.run_line(self.parameters_of(column, columns), weight, *lines)
                return
        if raw.ndim == 2:
            y, raw, gradient, hessian = (one.reshape(-1) for one in (y, raw, gradient, hessian))
        self.run_line(parameters, weight, y, raw, gradient, hessian)

    def run_transposed(self, y, raw, weight, gradient, hessian) -> None:
        """C-contiguous columns that each have parameters of their own, by way of copies column by column."""
        results = np.empty_like(gradient, order="F"), np.empty_like(hessian, order="F")
        self.run_lines(y, np.asfortranarray(raw), weight, *results)
        gradient[...], hessian[...] = results

    def parameters_of(self, column: int, columns: int) -> tuple:
        """The parameters of one column, as the kernel of a line takes them."""
        return tuple(
            (value[column : column + 1] if self.flat is None else float(value[column]))
            if isinstance(value, np.ndarray)
            else value
            for value in self.term.row_parameters(columns)
        )

    def run_line(self, parameters, weight, y, raw, gradient, hessian) -> float:
        """One line of elements: by a flat kernel, or, where there is none, as rows of one column.

        Returns:
            The sum of the losses, if `output` is "value_and_gradient".
        """
        first, second = gradient, hessian
        if self.flat is not None:
            chosen = Chosen(self.flat, (*parameters, 1.0), raw.shape, 1)
        else:
            kernels = self.term.lanes if self.output in self.term.lanes else self.term.rows
            chosen = Chosen(kernels[self.output], parameters, raw.shape, LANES)
            y, raw, first, second = (one[:, None] for one in (y, raw, gradient, hessian))
        return run_kernel(chosen, y, raw, (weight, 1.0, *self.written(first, second)))

    def written(self, gradient: np.ndarray, hessian: np.ndarray) -> tuple:
        """What the kernel takes last."""
        return (None, gradient) if self.output == "value_and_gradient" else (gradient, hessian)

    def run_rows(self, y, raw, weight, gradient, hessian) -> None:
        """Any other loss: by tiles of rows, which read scores and write results in any order and dtype.

        Rows of many columns lie in C order and go one by one, in the dtype of the scores; copies where they
        are not so. Scores in float32 are computed in float64: what a row adds up would be off by two units in
        the last place of a result.
        """
        columns, in_columns = raw.shape[1], not raw.flags.c_contiguous
        raw = raw.astype(np.float64, order="A", copy=False)
        tiled = self.output in self.term.lanes and (in_columns or columns <= LANE_COLUMNS)
        results = gradient, hessian
        if not tiled and (in_columns or gradient.dtype != raw.dtype):
            raw = np.ascontiguousarray(raw)
            results = np.empty_like(raw), np.empty_like(raw)
        if not (tiled or self.labels):
            y = np.ascontiguousarray(y)
        ignored = (NO_LABEL,) if self.labels else ()
        kernels = self.term.lanes if tiled else self.term.rows
        chosen = Chosen(kernels[self.output], self.term.row_parameters(columns), raw.shape, LANES)
        run_kernel(chosen, y, raw, (weight, 1.0, *ignored, *self.written(*results)))
        if results[0] is not gradient:
            gradient[...], hessian[...] = results

    def summed(self, y, point: np.ndarray, weight: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        """Weighted sums over all rows, each of which has the same raw scores, in float64.

        Args:
            y: what `targets` gave.
            point: one score a column.
            weight: one number a row.

        Returns:
            Of the losses, of their gradients, and of their full Hessians.
        """
        shape = len(weight), len(point)
        raw, written = np.tile(point, (len(weight), 1)), np.empty(shape)
        ignored = (NO_LABEL,) if self.labels else ()

        def write(output: str, given) -> float:
            chosen = Chosen(self.term.rows[output], self.term.row_parameters(len(point)), shape, LANES)
            return run_kernel(chosen, y, raw, (weight, 1.0, *ignored, given, written))

        value = write("value_and_gradient", None)
        gradient = written.sum(axis=0)
        hessian = np.empty((len(point), len(point)))
        for column, unit in enumerate(np.eye(len(point))):
            write("hessian_vector_product", np.tile(unit, (len(weight), 1)))
            hessian[column] = written.sum(axis=0)
        return value, gradient, (hessian + hessian.T) / 2
