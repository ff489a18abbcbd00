"""The pipeline: what happens to a declaration on its way to a module, one stage a line."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial

from sympy import Expr, Symbol

from lossgen.language.declaration import Declaration, Scope
from lossgen.language.parameters import symbol_of
from lossgen.language.symbols import y_true

from .array_code import array_function, array_outputs
from .assemble import FURTHER_OUTPUTS, OUTPUTS, Assembly, Shared
from .beyond import beyond_predictions
from .differentiate import Derivative, gradient, hessian_diagonal, hessian_vector_product
from .economy import join_softplus
from .expectation import Model
from .finish import finish, guard_norms
from .flat_kernel import flat_kernel, is_flat
from .flatten import flatten
from .further import Further, further, takes_raw
from .growth import bounded
from .ladder import DIRECTION, Ladder, map_expressions, prune
from .lanes_kernel import LANE_OUTPUTS
from .lower import Lowered, lower, map_lowered
from .rows_kernel import rows_kernel
from .schedule import EXPONENT, Schedule, Write, schedule
from .stabilise import stabilise
from .targets import place_targets, restore_targets, separate_targets, target_letters


@dataclass(frozen=True)
class Derived:
    """One term of one variant with everything that follows from its formula.

    The textbook forms are what people read, with a letter for each target that parameters have changed
    (`targets`); `schedules` hold what the kernels compute.
    """

    expression: Expr
    targets: tuple[tuple[Symbol, Expr], ...]
    scope: Scope
    labels: bool
    ladder: Ladder
    gradient: Derivative
    hessian: Derivative
    product: Derivative
    schedules: Mapping[str, Schedule]
    in_lanes: Mapping[str, Schedule]
    on_cuda: Mapping[str, Schedule]
    lowered: Mapping[str, Lowered]
    fisher: str | None  # see `Properties`
    further: Mapping[str, Schedule]
    further_in_lanes: Mapping[str, Schedule]
    trace: tuple[tuple[str, Expr, Expr], ...] = ()

    @property
    def symbols(self) -> frozenset[Symbol]:
        """Every symbol of the declared expression."""
        return frozenset().union(
            self.expression.free_symbols, *(part.free_symbols for _, part in self.targets)
        )


def derive(declaration: Declaration, options: Mapping[str, object]) -> tuple[Derived, ...]:
    """Every term of a variant: flattened, stabilised, differentiated, finished and scheduled."""
    parameters = {name: symbol_of(name, each) for name, each in declaration.parameters.items()}
    columns = frozenset(parameters[name] for name in declaration.per_class)
    nonnegative = declaration.nonnegative_of(options)
    labels = declaration.uses_labels(options)
    link, target = declaration.link_of(options), declaration.domain_of(options).get("target", "real")
    return tuple(
        _derive_term(
            declaration.name,
            term.expression,
            term.scope,
            frozenset(parameters.values()),
            columns,
            nonnegative,
            Model(link or "identity", target, labels, {}, term.expression),
            takes_raw(declaration, options, term.scope),
        )
        for term in declaration.terms(options)
    )


def _derive_term(
    loss: str,
    expression: Expr,
    scope: Scope,
    parameters: frozenset[Symbol],
    columns: frozenset[Symbol],
    nonnegative: frozenset[Symbol],
    model: Model,
    is_raw: bool,
) -> Derived:
    trace: list = []
    stable = partial(stabilise, nonnegative=nonnegative, trace=trace)

    separated, targets = separate_targets(expression, nonnegative)
    ladder = flatten(separated, columns | set(targets), nonnegative)
    ladder = map_expressions(ladder, stable)
    first = _map(bounded(loss, "its gradient", gradient(ladder)), stable)
    second = _map(bounded(loss, "its Hessian", hessian_diagonal(first)), stable)
    product = _map(bounded(loss, "its Hessian times a vector", hessian_vector_product(first)), stable)
    outputs = {
        "value": (ladder, {"value": ladder.head}),
        "value_and_gradient": (first.ladder, {"value": ladder.head, "gradient": first.expression}),
        "gradient_and_hessian": (second.ladder, {"gradient": first.expression, "hessian": second.expression}),
        "hessian_vector_product": (product.ladder, {"product": product.expression}),
    }
    assert set(outputs) == set(OUTPUTS)
    parts = {symbol: stable(part) for symbol, part in targets.items()} | dict(product.parts)
    lowered = {name: _lower(*each, parts, trace) for name, each in outputs.items()}
    in_kernels = {name: map_lowered(each, join_softplus) for name, each in lowered.items()}
    schedules = {name: schedule(each, each.element_symbols) for name, each in in_kernels.items()}
    in_lanes = {
        name: schedule(in_kernels[name], in_kernels[name].element_symbols, hits_apart=False)
        for name in LANE_OUTPUTS
    }
    on_cuda = {
        name: schedule(each, each.element_symbols, hits_apart=False, keeps=False)
        for name, each in in_kernels.items()
    }
    others = beyond_predictions(ladder, targets, stable, model.labels, parameters & expression.free_symbols)
    lowered |= {
        name: _lower(_map(each, stable).ladder, {name: stable(each.expression)}, parts, trace)
        for name, each in others.items()
    }

    quietly = partial(stabilise, nonnegative=nonnegative, trace=[])
    more = further(first, second, replace(model, parts=targets), quietly) if is_raw else Further()
    more_in_kernels = {
        name: map_lowered(_lower(*each, parts, []), join_softplus) for name, each in more.outputs.items()
    }

    letters = target_letters(targets)
    readable = partial(restore_targets, definitions={**targets, **letters})
    return Derived(
        readable(separated),
        tuple((letter, targets[symbol]) for symbol, letter in letters.items()),
        scope,
        model.labels,
        map_expressions(ladder, readable),
        _map(first, readable),
        _map(second, readable),
        _map(product, readable),
        schedules,
        in_lanes,
        on_cuda,
        lowered,
        more.fisher,
        {name: schedule(each, each.element_symbols) for name, each in more_in_kernels.items()},
        {
            name: schedule(each, each.element_symbols, hits_apart=False)
            for name, each in more_in_kernels.items()
        },
        tuple((rule, readable(before), readable(after)) for rule, before, after in trace),
    )


def _map(derivative: Derivative, function) -> Derivative:
    """The derivative with `function` applied to all of its expressions."""
    same = derivative.expression == derivative.textbook
    textbook = function(derivative.textbook)
    expression = textbook if same else function(derivative.expression)
    return Derivative(map_expressions(derivative.ladder, function), expression, textbook, derivative.parts)


def _lower(ladder: Ladder, outputs: Mapping[str, Expr], parts: Mapping[Symbol, Expr], trace: list) -> Lowered:
    used = [part for symbol, part in parts.items() if symbol in ladder.element_symbols]
    ladder = prune(ladder, *outputs.values(), *used)
    symbols = frozenset({y_true, *parts})

    def finished(expression: Expr) -> Expr:
        return place_targets(finish(expression, ladder, symbols, trace), parts)

    outputs = {
        name: finished(output if name == "value" else guard_norms(output, ladder))
        for name, output in outputs.items()
    }
    ladder = replace(
        ladder,
        rungs=tuple(
            replace(
                rung,
                summand=place_targets(rung.summand, parts)
                if rung.kind == "logsumexp"
                else finished(rung.summand),
            )
            for rung in ladder.rungs
        ),
    )
    return lower(ladder, outputs)


def assemble(declaration: Declaration, derived: Derived, prefix: str = "") -> Assembly:
    """The functions of a term: point functions, sweeps, kernels, and the same in array code."""
    assembly = _assembly(declaration, derived, prefix)
    for output, (source, result) in array_outputs(derived.lowered).items():
        assembly.in_arrays.append(array_function(assembly, output, derived.lowered[source], result))
    plans, symbols = {**derived.schedules, **derived.further}, derived.ladder.element_symbols
    if not is_flat(derived.schedules):
        for output, plan in plans.items():
            assembly.kernels.append(rows_kernel(assembly, output, plan, symbols))
        for output in LANE_OUTPUTS:
            assembly.in_lanes.append(rows_kernel(assembly, output, derived.in_lanes[output], symbols))
        for output, plan in derived.further_in_lanes.items():
            assembly.in_lanes.append(rows_kernel(assembly, output, plan, symbols))
        return assembly
    merged, shared = _share(assembly, derived.schedules, symbols)
    points = dict.fromkeys(merged, shared)
    for output, plan in derived.further.items():
        points[output] = _own_point(assembly, plan, symbols)
    plans |= merged
    for output, plan in plans.items():
        assembly.kernels.append(rows_kernel(assembly, output, plan, symbols, points[output]))
    if not declaration.per_class & {symbol.name for symbol in derived.symbols}:
        for output, plan in plans.items():
            assembly.kernels.append(flat_kernel(assembly, output, plan, points[output]))
    else:
        in_lanes = (*LANE_OUTPUTS, *FURTHER_OUTPUTS)
        assembly.in_lanes += [kernel for kernel in assembly.kernels if kernel.output in in_lanes]
    return assembly


def _own_point(assembly: Assembly, plan: Schedule, symbols: frozenset[Symbol]) -> Shared:
    """The point function of a further kernel of a loss whose columns do not meet."""
    (each,) = plan.passes
    results = [write.expression for write in each.writes]
    scalars = [symbol for symbol, _ in each.scalars]
    free = set().union(*(result.free_symbols for result in results))
    names = tuple(write.name for write in each.writes)
    arguments = [*assembly.element_order(free & symbols), *scalars]
    return Shared(
        assembly.point("expected_element", arguments, results, typed=True, result_names=names), names
    )


def assemble_cuda(declaration: Declaration, derived: Derived, prefix: str = "") -> Assembly:
    """The functions of a term on a GPU: kernels by rows, and in one loop where the columns do not meet."""
    assembly = _assembly(declaration, derived, prefix)
    plans, symbols, shared = derived.on_cuda, derived.ladder.element_symbols, None
    if is_flat(plans):
        plans, shared = _share(assembly, plans, symbols)
    for output in OUTPUTS:
        assembly.kernels.append(rows_kernel(assembly, output, plans[output], symbols, shared))
    if shared and not declaration.per_class & {symbol.name for symbol in derived.symbols}:
        for output in OUTPUTS:
            assembly.kernels.append(flat_kernel(assembly, output, plans[output], shared))
    return assembly


def _assembly(declaration: Declaration, derived: Derived, prefix: str) -> Assembly:
    return Assembly(
        tuple(declaration.parameters), declaration.per_class, derived.labels, declaration.name, prefix=prefix
    )


def _share(assembly: Assembly, plans: Mapping[str, Schedule], symbols: frozenset[Symbol]):
    """One point function for all kernels of a loss whose columns do not meet: loss, gradient, Hessian."""
    value, first = plans["value"].passes[0], plans["value_and_gradient"].passes[0]
    both = plans["gradient_and_hessian"].passes[0]
    scalars: dict[tuple[Expr, str], Symbol] = {}

    def own(each, expression: Expr) -> Expr:
        renaming = {}
        for symbol, source in each.scalars:
            stem = EXPONENT if symbol.name.startswith(EXPONENT) else "factor_"
            made = sum(name.name.startswith(stem) for name in scalars.values())
            name = symbol if symbol == source else Symbol(f"{stem}{made + 1}", real=True)
            renaming[symbol] = scalars.setdefault((source, stem), name)
        return expression.xreplace(renaming)

    slot = replace(value.slots[0], summand=own(value, value.slots[0].summand))
    gradient_, hessian = first.writes[0], both.writes[1]
    writes = {
        "gradient": replace(gradient_, expression=own(first, gradient_.expression)),
        "hessian": replace(hessian, expression=own(both, hessian.expression)),
    }
    results = [slot.summand, *(write.expression for write in writes.values())]
    free = set().union(*(result.free_symbols for result in results))
    names = (f"{slot.symbol.name}_element", *writes)
    arguments = [*assembly.element_order(free & symbols), *scalars.values()]
    shared = Shared(assembly.point("element", arguments, results, typed=True, result_names=names), names)
    writes["product"] = Write("product", writes["hessian"].expression * DIRECTION, hessian.factor)
    merged = {}
    for output, plan in plans.items():
        each = replace(
            plan.passes[0],
            slots=(slot,) if plan.value is not None else (),
            writes=tuple(writes[name] for name in OUTPUTS[output]),
            scalars=tuple((symbol, source) for (source, _), symbol in scalars.items()),
        )
        merged[output] = replace(plan, passes=(each,))
    return merged, shared
