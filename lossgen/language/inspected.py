"""How a person looks at a declaration. Each method is a lazy call upward, to `lossgen.inspection`."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lossgen.inspection.explanation import Explanation


class Inspected:
    """The methods of a declaration that show or check it; `options` choose the variant."""

    def explain(self: Any, **options: Any) -> "Explanation":
        """Formula, derivatives, properties with evidence, ladder, rewrites, passes and costs of kernels.

        `print` it, leave it at the end of a notebook's cell, or ask for its `latex()` or `json()`.

        Args:
            options: values of the declaration's options, and `trace=True` for every rewrite.

        Raises:
            ParameterError: an option is unknown or has none of its choices.
        """
        from lossgen.inspection.explanation import explain

        return explain(self, **options)

    def formula(self: Any, **options: Any) -> str:
        """The loss as one line of text."""
        from lossgen.inspection.formulas import formula

        return formula(self, **options)

    def gradient_formula(self: Any, **options: Any) -> str:
        """The derivative with respect to the prediction, in textbook form."""
        from lossgen.inspection.formulas import gradient_formula

        return gradient_formula(self, **options)

    def hessian_formula(self: Any, **options: Any) -> str:
        """The second derivative with respect to the same column of the prediction."""
        from lossgen.inspection.formulas import hessian_formula

        return hessian_formula(self, **options)

    def latex(self: Any, which: str = "value", **options: Any) -> str:
        """The loss, its "gradient" or its "hessian" as LaTeX."""
        from lossgen.inspection.formulas import latex

        return latex(self, which, **options)

    def plot(self: Any, path: Any = None, *, against: Any = None, **options: Any) -> Any:
        """Loss, gradient and Hessian over one number as a matplotlib figure.

        Args:
            path: where it is saved, by its ending as PNG, SVG or PDF.
            against: another loss, or several, to compare with on the same axis.
            options: those of `lossgen.plot`, and constructor arguments; a list gives a curve for each value.
        """
        from lossgen.inspection.curves.plot import plot_against

        return plot_against(self, path, against=against, **options)

    def code(self: Any, **options: Any) -> str:
        """The generated module as text."""
        from lossgen.inspection.source import source

        return source(self, **options)

    def _repr_latex_(self) -> str:
        return f"$${self.latex()}$$"
