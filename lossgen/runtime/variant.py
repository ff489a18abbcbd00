"""How a generated module hands its kernels to the runtime: a `Variant` for every combination of options.

A variant is a sum of terms; a term is one ladder of reductions over one scope of columns. All kernels of a
term see the data as rows × columns and take, in this order,

    value(y, p, *parameters, weight, scale, [ignored,] value_out) -> float
    value_and_gradient(y, p, *parameters, weight, scale, [ignored,] value_out, gradient_out) -> float
    gradient_and_hessian(y, p, *parameters, weight, scale, [ignored,] gradient_out, hessian_out)
    hessian_vector_product(y, p, *parameters, weight, scale, [ignored,] vector, product_out)

Those of the layout `flat` do the same on 1-D y and p, with the number of columns (a float) after the
parameters. Here `weight` is None or holds one number a row (0 takes the row out, even where its loss is not
finite), `value_out` is None or takes one unscaled, unweighted loss a row, and `ignored` is there for terms
that read labels only. Flat kernels know nothing of rows: the runtime gives them a weight or a `value_out`
only when there is one column, where a row is an element.

Some losses of raw predictions have two more, which write what their names say in place of the Hessian's
diagonal (`Properties`): its expectation, and Σ |H_kj| over the columns j or somewhat more.

    gradient_and_fisher, gradient_and_upper_bound: as gradient_and_hessian

Beside each kernel stands its form for a team of threads, which takes the team and the length of a chunk first
and calls the kernel chunk by chunk (`lossgen.runtime.team.in_chunks`). Kernels of the layout `split` stand
alone: they take the team first and cut every row themselves.

Functions of `arrays` are no kernels: `gradient_arrays(ops, y, p, *parameters)` computes whole arrays in the
operations of a framework (`lossgen.runtime.arrays`), unscaled and unweighted.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.util import resolve_name

from lossgen.errors import StaleModuleError
from lossgen.runtime.properties import Properties

OUTPUTS = ("value", "value_and_gradient", "gradient_and_hessian", "hessian_vector_product")
"""The kernels of every loss."""

FURTHER_OUTPUTS = ("gradient_and_fisher", "gradient_and_upper_bound")
"""Kernels that some losses have beside them, of every layout but `split`."""

Pair = tuple[Callable, Callable]


@dataclass(frozen=True)
class Term:
    """The kernels of one ladder.

    Args:
        scope: the axis or axes that are its columns; None for the whole tensor.
        labels: whether the kernels take one integer label a row instead of a target a column.
        rows: kernel of every output and its form for a team, for data seen as rows × columns.
        flat: the same for data seen as one line of elements; None where the ladder needs a result of a row.
        lanes: the same as `rows` for few columns, vectorised across a tile of rows.
        split: kernel of every output, for few long rows, each cut into chunks; None where there is `flat`.
        arrays: function in array code of every output: "value", "gradient" and "product" of a row, and
            "gradient_to_y_true" and "gradient_to_" each parameter that the loss depends on.
        exponents: names of the parameters that occur in an exponent: small whole ones are passed as integers.
        parameters: names of the parameters that the kernels take; None for all, in the order of the
            declaration.
    """

    scope: int | tuple[int, ...] | None
    labels: bool
    rows: Mapping[str, Pair]
    flat: Mapping[str, Pair] | None = None
    parameters: tuple[str, ...] | None = None
    lanes: Mapping[str, Pair] | None = None
    split: Mapping[str, Callable] | None = None
    arrays: Mapping[str, Callable] | None = None
    exponents: tuple[str, ...] = ()


@dataclass(frozen=True)
class Variant:
    """The terms of a loss under one choice of its options.

    Args:
        terms: at least one; their losses are added, broadcast over the columns that a term has reduced.
        formulas: "value", "gradient" and "latex" texts of this variant; None where the class has one set for
            all.
        properties: what is proved of the loss in its raw prediction; None for penalties and for kernels
            written by hand.
        generated_from: what all files of a loss have in common, see `same_origin`; None for kernels written
            by hand.
    """

    terms: tuple[Term, ...]
    formulas: Mapping[str, str] | None = None
    properties: Properties | None = None
    generated_from: str | None = None

    @property
    def labels(self) -> bool:
        """Whether the target is one integer label a row."""
        return any(term.labels for term in self.terms)


def resolve_variant(entry: Variant | str, package: str, origin: str | None = None) -> Variant:
    """The variant behind an entry of a class's table: itself, or `variant` of the module that it names.

    Raises:
        StaleModuleError: that module was not made with the class.
    """
    if isinstance(entry, Variant):
        return entry
    variant = import_module(entry, package).variant
    same_origin(resolve_name(entry, package), variant.generated_from, origin)
    return variant


def same_origin(module: str, found: str | None, expected: str | None) -> None:
    """Refuses a module of another declaration or runtime than the module that names it.

    A build replaces one file after the other: one that was interrupted, or that goes on while this process
    runs, leaves old ones beside new ones, which may take other parameters.

    Raises:
        StaleModuleError: says what to do.
    """
    if found != expected:
        raise StaleModuleError(
            f"{module} was generated from another declaration or runtime ({found}) than the module that "
            f"names it ({expected}): a build was interrupted, or ended after this process began. "
            "Run `lossgen build` again, and start the process anew."
        )


def module_of(entry: Variant | str, package: str) -> str:
    """The name of the module in which the variant behind an entry stands."""
    return package if isinstance(entry, Variant) else resolve_name(entry, package)
