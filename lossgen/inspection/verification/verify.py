"""`lg.verify`: from losses to a report, one setting of one variant after the other."""

import time
from collections.abc import Callable, Iterable, Iterator

from lossgen.errors import ParameterError, UnknownLossError
from lossgen.inspection.classes import loss_class
from lossgen.inspection.verification.contract import FLOATS, Float
from lossgen.inspection.verification.findings import Tallies, merged
from lossgen.inspection.verification.inputs import batches
from lossgen.inspection.verification.judgement import OURS, Judge
from lossgen.inspection.verification.peers import PEERS, results
from lossgen.inspection.verification.report import QUICK_POINTS, Effort, Report, Verified
from lossgen.inspection.verification.results import Compilation
from lossgen.inspection.verification.subjects import Subject, subjects
from lossgen.language.declaration import Declaration
from lossgen.runtime.compiled import IN_MEMORY, Compiled

Loss = Declaration | type[Compiled] | Compiled
Tick = Callable[[Subject], None]
"""Called after every setting, with it."""


def verify(
    *losses: Loss,
    points: int | None = None,
    quick: bool = False,
    seed: int = 0,
    dtypes: Iterable[str] = Effort.dtypes,
    peers: bool = True,
) -> Report:
    """Whether losses compute what their declarations say, to how many digits, and where they do worst.

    Loss, gradient, Hessian, Hessian times a vector and the derivatives by target and parameters are compared
    with the declared formula in 60 to 4500 digits on adversarial inputs: numbers of every size, zeros, kinks
    and their neighbours, saturated logits, ties, one-hot and soft targets. docs/accuracy.md states the
    contract; docs/verification.md shows what the catalogue comes to.

    Args:
        losses: declarations, compiled classes, or instances (verified with their own arguments); by default
            the whole catalogue, which takes minutes.
        points: random inputs of each sort, for every setting of the parameters; 24, or 8 if quick.
        quick: fewer structured inputs and settings: seconds instead of tens of seconds.
        seed: of the random inputs; equal seeds give equal reports.
        dtypes: "float32", "float64" or both.
        peers: let Keras and torch compute the same inputs where they are installed and have the loss.

    Returns:
        A report, for `print(report)`, `report.kept`, `report.to_json()`, `report.markdown()`.

    Raises:
        ParameterError: an argument outside its range.
        UnknownLossError: something that is no loss, or a class whose declaration is not at hand.
        CompileError: terms that reduce different axes, so that no row stands alone.
    """
    effort = checked(points, quick, seed, dtypes, peers)
    work = [step for each in losses or _catalogue() for step in steps(each, effort)]
    return Report(tuple(verified(step, effort) for step in work), effort)


def checked(points: int | None, quick: bool, seed: int, dtypes: Iterable[str], peers: bool) -> Effort:
    """The arguments of `verify` as one value.

    Raises:
        ParameterError: one is outside its range.
    """
    known = tuple(kind.dtype.name for kind in FLOATS)
    chosen = (dtypes,) if isinstance(dtypes, str) else tuple(dtypes)
    if points is None:
        points = QUICK_POINTS if quick else Effort.points
    if type(points) is not int or not 1 <= points <= 100_000:
        raise ParameterError(f"`points` must be a whole number from 1 to 100000. Received: points={points!r}")
    if type(seed) is not int or seed < 0:
        raise ParameterError(f"`seed` must be a whole number ≥ 0. Received: seed={seed!r}")
    if not chosen or any(each not in known for each in chosen):
        raise ParameterError(f"`dtypes` must be some of {', '.join(known)}. Received: dtypes={dtypes!r}")
    return Effort(points, bool(quick), seed, tuple(each for each in known if each in chosen), bool(peers))


Step = tuple[type[Compiled], tuple[Subject, ...]]
"""A class and the settings of one of its variants, the defaults first."""


def steps(loss: Loss, effort: Effort) -> Iterator[Step]:
    """What there is to verify of a loss, variant by variant."""
    if isinstance(loss, Compiled):
        declaration = declaration_of(type(loss))
        options = {name: getattr(loss, name) for name in declaration.options}
        arguments = {name: getattr(loss, name) for name in declaration.parameters}
        yield type(loss), (Subject(declaration, options, arguments),)
        return
    declaration = loss if isinstance(loss, Declaration) else declaration_of(loss)
    cls = loss_class(declaration) if isinstance(loss, Declaration) else loss
    for options in declaration.variants():
        yield cls, tuple(subjects(declaration, options, quick=effort.quick))


def declaration_of(cls: object) -> Declaration:
    """What a class was declared as.

    Raises:
        UnknownLossError: it is no class of a loss, or its declaration is not at hand.
    """
    if not (isinstance(cls, type) and issubclass(cls, Compiled)):
        raise UnknownLossError(f"verify takes declarations, classes of losses and losses. Received: {cls!r}")
    if cls.__module__.startswith(f"{IN_MEMORY}."):
        from lossgen.compiler.cache import declaration_of as compiled_from

        return compiled_from(cls.__module__)
    for declaration in _catalogue():
        if declaration.class_name == cls.__name__ and loss_class(declaration) is cls:
            return declaration
    raise UnknownLossError(
        f"the declaration of {cls.__module__}.{cls.__qualname__} is not at hand; pass what "
        "@lg.loss made, or verify the file that declares it: lossgen verify my_losses.py"
    )


def verified(step: Step, effort: Effort, tick: Tick = lambda subject: None) -> Verified:
    """One variant with all its settings."""
    begin = time.perf_counter()
    cls, settings = step
    kinds = tuple(kind for kind in FLOATS if kind.dtype.name in effort.dtypes)
    judges, absent = [], {}
    for number, subject in enumerate(settings):
        judges.append(judged(subject, cls, kinds, effort, number > 0, absent))
        tick(subject)
    names = dict.fromkeys(name for judge in judges for name in judge.tallies)
    findings = {name: merged(judge.tallies.get(name, {}) for judge in judges) for name in names}
    return Verified(
        settings[0].declaration,
        settings[0].options,
        tuple(subject.values for subject in settings),
        sum(judge.points for judge in judges),
        sum(judge.unknown for judge in judges),
        time.perf_counter() - begin,
        {name: in_order(tallies) for name, tallies in findings.items()},
        {name: why for name, why in absent.items() if name not in findings},
    )


def judged(
    subject: Subject,
    cls: type[Compiled],
    kinds: tuple[Float, ...],
    effort: Effort,
    further: bool,
    absent: dict[str, str],
) -> Judge:
    """One setting: its inputs, what lossgen and its peers make of them, the judgement.

    Args:
        further: whether this is another setting than the defaults, which gets fewer inputs.
        absent: takes why a peer computes nothing.
    """
    judge, compilation, others = Judge(subject), Compilation(subject, cls), {}
    for peer in PEERS if effort.peers else ():
        found = peer.loss(subject)
        if callable(found):
            others[peer.name] = found
        else:
            absent[peer.name] = found
    points = max(1, effort.points // 2) if further else effort.points
    for batch in batches(subject, points, effort.seed, quick=effort.quick or further):
        batch = batch.only(kinds)
        if not batch.kinds:
            continue
        judge.count(batch)
        for kind in batch.kinds:
            computed = {OURS: compilation.results(batch, kind)}
            for name, function in others.items():
                computed[name] = results(function, subject, batch, kind)
            judge.judge(batch, kind, computed)
        judge.judge_beyond(compilation, batch, 2 * points)
    judge.finish()
    return judge


def in_order(tallies: Tallies) -> Tallies:
    """Outputs in the order in which they are shown: those of the predictions first, float32 first."""
    first = ("value", "gradient", "hessian", "product")
    rank = {output: place for place, output in enumerate(first)}
    names = dict.fromkeys(output for output, _ in tallies)
    ordered = sorted(names, key=lambda output: rank.get(output, len(first)))
    keys = [(output, dtype) for output in ordered for dtype in Effort.dtypes]
    return {key: tallies[key] for key in keys if key in tallies}


def _catalogue() -> tuple[Declaration, ...]:
    from lossgen.catalog import DECLARATIONS, PENALTIES

    return (*DECLARATIONS, *PENALTIES)
