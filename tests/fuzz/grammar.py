"""The language as a grammar of Python source: what a person may write, one template a production.

A hole such as `{element}` is filled with another production of that kind. Each kind begins with its simplest
form, which is what a failing example shrinks to. Formulas are kept where they have real values: logarithms
and powers take positive parts.
"""

LEAVES: dict[str, tuple[str, ...]] = {
    "element": (
        "y_pred", "(y_pred - y_true)", "y_true*y_pred", "-y_pred", "2*y_pred", "(y_pred - shift)",
        "y_pred/delta", "weights*y_pred", "y_true",
    ),
    "positive": (
        "lg.sigmoid(y_pred)", "(1 + y_pred**2)", "sympy.exp(-sympy.Abs(y_pred))", "weights", "delta",
    ),
    "unit": ("lg.sigmoid(y_pred)", "lg.Softmax(y_pred)"),
    "row": (
        "lg.Mean(y_pred)", "lg.Gather(y_pred)", "lg.Sum(y_pred**2)", "lg.Max(y_pred)", "lg.Min(y_pred)",
        "lg.LogSumExp(y_pred)",
    ),
    "condition": ("y_pred > 0", "y_pred <= shift", "y_true < 0.5"),
}  # fmt: skip

NODES: dict[str, tuple[str, ...]] = {
    "element": (
        # sums and products
        "({element} + {element})", "({element} - {element})", "{element}*{element}", "{positive}*{element}",
        "{element}/{positive}", "({element})**2", "({element})**3/3", "gamma*({element})", "0.3*({element})",
        "{positive}", "{row}*({element})", "({element} - {row})",
        # SymPy's functions
        "sympy.log({positive})", "sympy.tanh({element})", "sympy.sin({element})", "sympy.cos({element})",
        "sympy.atan({element})", "sympy.Abs({element})", "sympy.sign({element})*({element})",
        "sympy.Max({element}, {element})", "sympy.Min({element}, {element}, 1)", "sympy.Max({element}, 0)",
        "sympy.erf({element})", "sympy.erfc({element})", "sympy.sinh(sympy.tanh({element}))",
        "sympy.cosh(sympy.sin({element}))", "sympy.loggamma({positive})",
        # branches
        "lg.where({condition}, {element}, {element})",
        "sympy.Piecewise(({element}, {condition}), ({element}, {condition}), ({element}, True))",
        "lg.where(sympy.Abs({element}) <= delta, ({element})**2/2, delta*({element} - delta/2))",
        # atoms
        "lg.relu({element})", "lg.clip({element}, -1, delta)", "lg.clip({element}, shift, 2)",
        "lg.log_cosh({element})", "lg.expm1(sympy.tanh({element}))", "lg.log1p({positive})",
        "lg.log1mexp(-({positive}))", "lg.bose(1 + {positive})", "lg.exprel(sympy.sin({element}))",
        "lg.expm1mx(sympy.atan({element}))", "lg.hypot1({element})", "lg.hypot1m1({element})",
        "lg.unit_hypot({element})", "lg.sqrt1pm1({positive})", "lg.square({element})",
        "lg.xlogy({positive}, {positive})", "lg.xlog1py({element}, {positive})",
        "lg.xdivy({element}, {positive})", "lg.power({positive}, gamma)", "lg.power({positive}, shift)",
        "lg.absolute({element})", "lg.signum({element})*({element})", "lg.step({element})*({element})",
        "lg.greater({element}, {element})*({element})", "lg.inside({element}, shift, 2)*({element})",
        "lg.maximum({element}, {element})", "lg.minimum({element}, {element})", "lg.keep({element})",
        "lg.sech2({element})", "lg.erf({element})", "lg.erfc({element})", "lg.lgamma({positive})",
        "atoms.exprel_slope(sympy.sin({element}))", "atoms.power_slope({positive}, gamma)",
        "atoms.power_log({positive}, gamma)", "lg.digamma(2 + y_true**2)*({element})",
        "lg.trigamma(1 + delta)*({element})", "sympy.polygamma(0, delta)*({element})",
        # the whole row
        "lg.LogSoftmax({element})", "({element} - lg.Mean({element}))", "({element} - lg.Max({element}))",
        "({element} - lg.LogSumExp({element}))",
    ),
    "positive": (
        "(1 + ({element})**2)", "sympy.sqrt(1 + ({element})**2)", "lg.softplus({element})", "{unit}",
        "(1 + sympy.exp({element}))", "sympy.log(1 + sympy.exp({element}))", "1/(1 + sympy.exp({element}))",
        "(1 + sympy.exp(-({element})**2))", "sympy.exp(sympy.sin({element}))", "{positive}*{positive}",
        "({positive} + {positive})", "1/(1 + {positive})", "({positive})**gamma", "({positive})**delta",
        "({positive})**shift", "sympy.sqrt({positive})", "({positive})**sympy.Rational(1, 3)",
        "sympy.exp({element} - lg.LogSumExp({element}))", "lg.Sum({positive})", "lg.Mean({positive})",
        "(delta + lg.Sum(({element})**2))", "lg.where({condition}, {positive}, {positive})",
        "sympy.sqrt(delta**2 + ({element})**2)", "lg.power({positive}, gamma)",
        "sympy.cosh(sympy.sin({element}))",
    ),
    "unit": (
        "lg.sigmoid({element})", "lg.Softmax({element})", "1/(1 + sympy.exp(-({element})))", "(1 - {unit})",
        "sympy.exp(-({positive}))", "sympy.exp({element})/(1 + sympy.exp({element}))",
        "sympy.exp({element})/lg.Sum(sympy.exp({element}))/2", "{unit}*{unit}", "({unit})**gamma",
    ),
    "row": (
        "lg.Sum({element})", "lg.Mean({element})", "lg.Gather({element})", "lg.Max({element})",
        "lg.Min({element})", "lg.LogSumExp({element})", "{row}*{row}", "({row} + {row})", "({row} - {row})",
        "({row} - shift*({row}))", "{row}/(1 + ({row})**2)", "sympy.sqrt(1 + ({row})**2)",
        "lg.softplus({row})", "sympy.tanh({row})*({row})", "sympy.log(lg.Sum({positive}))",
        "sympy.log(delta + lg.Sum(sympy.exp({element})))", "-sympy.log(lg.Mean({unit}))",
        "lg.where({row} > shift, {row}, {row})", "(1 + ({row})**2)**gamma/8", "({row})/lg.column_count",
        "sympy.Max({row}, {row})", "sympy.sqrt(lg.Sum({positive}))", "lg.Sum({unit}*({element}))",
        "lg.Sum(({element})*{positive})/lg.Sum({positive})", "-lg.Gather(sympy.log({unit}))",
    ),
    "condition": (
        "{element} > 0", "{element} <= {element}", "sympy.And({condition}, {condition})",
        "sympy.Or({condition}, {condition})", "sympy.Not({condition})", "{element} >= delta",
        "sympy.Ne({element}, 0)", "{row} < {element}", "sympy.Eq({element}, 3)",
    ),
}  # fmt: skip

PARAMETERS = {
    "delta": "lg.Parameter(0.75, positive=True)",
    "gamma": "lg.Parameter(1.5, minimum=0)",
    "shift": "lg.Parameter(-0.25)",
    "weights": "lg.Parameter(1.25, positive=True, per_class=True)",
}
"""What the parameters of formulas are declared as: every kind of range, and one value a column."""

VALUES = {
    "delta": (0.625, 1.5, 3.0),
    "gamma": (2.5, 0.0, 1.0, 2.0, 0.5),
    "shift": (0.375, 1.0, -2.0),
    "weights": ((0.5, 2.0, 1.25), (1.0, 1.0, 1.0)),
}
"""Arguments that losses are tested with; those of `weights` for up to three columns."""


def productions(kind: str, depth: int, *, labels: bool, penalty: bool) -> tuple[str, ...]:
    """The templates for a part of this kind; those without holes first, and alone at depth 0."""
    found = LEAVES[kind] if depth <= 0 else LEAVES[kind] + NODES[kind]
    if labels or penalty:
        found = tuple(each for each in found if "y_true" not in each)
    return found if labels else tuple(each for each in found if "Gather" not in each)
