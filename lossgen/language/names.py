"""Names: which ones a loss and its arguments may have, and how class and function share one."""

import builtins
import difflib
import keyword
import re
from collections.abc import Iterable

from lossgen.errors import DeclarationError
from lossgen.language.limits import MAXIMUM_NAME, check_text
from lossgen.language.symbols import RESERVED_NAMES

CONSTRUCTOR_ARGUMENTS = ("axis", "axes", "ignore_class", "reduction", "name", "dtype")
"""What every constructor may take besides the loss's own parameters and options."""

CALL_ARGUMENTS = ("y_true", "y_pred", "sample_weight", "mask", "out", "self")

ATTRIBUTES = frozenset(
    """
    arguments call declaration default_axis default_name default_reduction digest formula formulas
    from_config generated_from get_config gradient gradient_and_hessian gradient_formula hessian_matrix
    hessian_vector_product inputs inverse_link is_compiled labels optimal_constant options parameters
    plot preparation properties sealed signature source sum_and_weight table_module target_preparation
    value_and_gradient variants
    """.split()  # noqa: SIM905  a table of words
)
"""What every loss or penalty has; a parameter of that name would hide it."""

KERNEL_ARGUMENTS = (
    "labels", "ignored", "columns", "weight", "scale", "vector",
    "value_out", "gradient_out", "hessian_out", "product_out",
)  # fmt: skip

MODULE_NAMES = frozenset(
    """
    Loss Option Parameter Penalty Properties Term Variant function_of variant inf njit np
    BLOCK FAST INLINE LANES
    accumulate copysign float_from_integer fma integer_from_float like maximum_of minimum_of rint select
    complement excluded_exponential guarded_product is_maximum shifted vanishing
    clear_ignored load_labels load_scales load_tile store_tile store_values sum_of_lanes
    first_of in_chunks in_team largest_of smallest_of split_length sum_of
    """.split()  # noqa: SIM905  a table of words
)
"""What generated modules import or define; a loss or a parameter of that name would hide it."""

MODULE_FUNCTIONS = re.compile(
    r"(term_\d+_)?("
    r"(value|value_and_gradient|gradient_and_hessian|hessian_vector_product"
    r"|gradient_and_fisher|gradient_and_upper_bound)_((rows|flat|lanes)(_team)?|split)"
    r"|(row_loss|row_scalars|element|\w+_element|\w+_sweep)(_\d+)?(_chunk|_lanes)?(_again)?"
    r"|\w+_arrays|\w+_of_element)"
)
"""How generated modules name the functions that they define."""

COMPILER_STEMS = tuple(
    """
    constant excluded exponent factor inverse_total log_sum_exp log_total maximum minimum number part picked
    power product rest row_factor row_maximum sum target term ties total value
    """.split()  # noqa: SIM905  a table of words
)
"""What the compiler numbers: `sum_1`, `row_maximum_2`."""

COMPILER_NAMES = re.compile(
    rf"({'|'.join(COMPILER_STEMS)})_\d+(_index|_shifted|_weight)?(_part|_turn)?"
    r"|(gradient|hessian|product|value)_factor"
    r"|\w+_(block|chunk|element|flat|hit|lanes|out|parameter|rows|scale|split|sweep|team|tile)"
    r"|beyond|element_weight|row_factor"
)
"""Symbols and variables that the compiler makes; a parameter of that name would be taken for one."""

CONSTANTS = ("pi", "E", "I")


def check_name(loss: str, kind: str, name: str) -> str:
    """The name, if generated code can use it as it is.

    Args:
        loss: the loss that messages speak about.
        kind: what is named: `loss`, `parameter`, `option` or `input`.
        name: the name to check.

    Raises:
        DeclarationError: the name is no plain identifier or already means something else.
        LimitError: the name is too long.
    """
    if isinstance(name, str):
        check_text(name if kind == "loss" else loss, f"the {kind} name", name, MAXIMUM_NAME)
    if not isinstance(name, str) or not name.isidentifier() or not name.isascii():
        problem, advice = "is no identifier", "use letters a-z, digits and _, starting with a letter"
    elif keyword.iskeyword(name):
        problem, advice = "is a Python keyword", f"write `{name}_value` or another name"
    elif name.startswith("_") or name.endswith("__"):
        problem, advice = "starts with an underscore", "use a name that starts with a letter"
    elif name in MODULE_NAMES or (kind != "option" and MODULE_FUNCTIONS.fullmatch(name)):
        problem, advice = "is a name that generated modules use themselves", f"write {_another(kind, name)}"
    elif hasattr(builtins, name):
        problem, advice = "is a Python built-in", f"write {_another(kind, name)}, for example"
    elif kind == "loss":  # may be called like a function of the formula language: log_cosh
        return name
    elif name in RESERVED_NAMES:
        meaning = {"y": "the target", "p": "the prediction", "C": "the number of columns"}[name]
        problem, advice = f"means {meaning} in every formula", "choose a longer name"
    elif name in CONSTRUCTOR_ARGUMENTS:
        problem, advice = "is an argument that every loss already has", "choose another name"
    elif name in CALL_ARGUMENTS or name in KERNEL_ARGUMENTS:
        problem, advice = "is an argument of the loss's methods or kernels", "choose another name"
    elif name in ATTRIBUTES:
        problem, advice = "is an attribute that every loss already has", f"write {_another(kind, name)}"
    elif name in CONSTANTS:
        problem, advice = "is a mathematical constant in formulas", "choose another name"
    elif kind != "option" and COMPILER_NAMES.fullmatch(name):
        problem, advice = "is one that the compiler gives itself", f"write {_another(kind, name)}"
    elif name in function_names():
        problem, advice = "is a function of the formula language", f"write `{name}_value`, for example"
    else:
        return name
    raise DeclarationError(f"{loss}: the {kind} name `{name}` {problem}; {advice}.")


def _another(kind: str, name: str) -> str:
    if kind != "loss":
        return f"`{name}_value`"
    return f"`{name}Loss`" if name[:1].isupper() else f"`{name}_loss`"


def function_names() -> frozenset[str]:
    """The names of reductions and atoms."""
    from lossgen.language.atoms import ATOMS
    from lossgen.language.reductions import REDUCTIONS

    return frozenset(ATOMS) | {reduction.__name__ for reduction in REDUCTIONS}


def camel_case(name: str) -> str:
    """`mean_squared_error` → `MeanSquaredError`; a name that already has capitals stays as it is."""
    if name[:1].isupper():
        return name
    return "".join(part[:1].upper() + part[1:] for part in name.split("_"))


def snake_case(name: str) -> str:
    """`KLDivergence` → `kl_divergence`, `SmoothL1` → `smooth_l1`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


def suggestion(name: str, known: Iterable[str], otherwise: str = "") -> str:
    """The end of a message: `; did you mean …?` with the closest known name, or `otherwise`."""
    known = list(known)
    if len(name) > 2 * MAXIMUM_NAME:  # the comparison takes ever longer
        return otherwise
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    if not close:
        close = [other for other in known if other.lower() == name.lower()][:1]
    return f"; did you mean `{close[0]}`?" if close else otherwise
