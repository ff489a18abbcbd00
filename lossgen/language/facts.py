"""The facts about a loss that stand in its decorator, beside the formula: scope, domains, link, names."""

import inspect
from collections.abc import Callable, Mapping
from typing import TypedDict

from lossgen.errors import DeclarationError, LimitError
from lossgen.language.declaration import Scope
from lossgen.language.domains import Domain, check_domain
from lossgen.language.limits import MAXIMUM_ARGUMENTS, MAXIMUM_PHRASE, check_text
from lossgen.language.names import suggestion
from lossgen.language.symbols import Input
from lossgen.runtime.properties import LINKS
from lossgen.runtime.shapes import is_axis


class Facts(TypedDict, total=False):
    """The keyword arguments of `lg.loss`, which explains them."""

    name: str
    scope: int | tuple[int, ...] | None
    axis_argument: bool
    arguments: tuple[str, ...]
    domain: Mapping[str, Domain | Callable[..., Domain]]
    link: str | Callable[..., str | None] | None
    target_preparation: str | None
    kinks: str | tuple[str, ...]
    reference: str
    identifiers: str | tuple[str, ...]
    instance_name: str


TARGET_PREPARATIONS = (None, "signed_labels")


def check_names(
    loss: str, facts: Mapping[str, object], known: type = Facts, decorator: str = "lg.loss"
) -> None:
    """Refuse a fact that does not exist."""
    for fact in facts:
        if fact not in known.__annotations__:
            end = suggestion(fact, known.__annotations__, ".")
            raise DeclarationError(f"{loss}: {decorator} knows no `{fact}`{end}")


def check_preparation(loss: str, preparation: str | None) -> None:
    """Refuse a preparation of the target that the runtime does not have."""
    if preparation not in TARGET_PREPARATIONS:
        raise DeclarationError(
            f"{loss}: target_preparation is {preparation!r}; the only preparation is 'signed_labels'."
        )


def check_scope(name: str, scope: object, axis_argument: object) -> Scope:
    """The scope as one axis, a tuple of different axes, or `None`."""
    axes = tuple(scope) if isinstance(scope, list | tuple) else (scope,)
    whole = scope is None
    if not whole and not (axes and all(map(is_axis, axes)) and len(set(axes)) == len(axes)):
        raise DeclarationError(
            f"{name}: scope={scope!r}; write one axis (-1), a tuple of axes, or None for the whole tensor."
        )
    if type(axis_argument) is not bool:
        raise DeclarationError(f"{name}: axis_argument={axis_argument!r}; write True or False.")
    return None if whole else axes[0] if len(axes) == 1 else axes


def case_facts(
    name: str,
    domain: Mapping[str, object] | None,
    link: object,
    options: Mapping[str, object],
    extra_inputs: tuple[Input, ...],
) -> tuple[dict[str, Domain], str | None]:
    """Domain and link for one combination of options."""
    known = ("target", "prediction", *(item.name for item in extra_inputs))
    if domain is not None and not isinstance(domain, Mapping):
        raise DeclarationError(
            f"{name}: domain={domain!r} does not say of which input; "
            "write domain={'target': …, 'prediction': …}."
        )
    resolved = {}
    for role, given in (domain or {}).items():
        if role not in known:
            raise DeclarationError(f"{name}: domain of `{role}`; the inputs are {', '.join(known)}.")
        resolved[role] = check_domain(name, role, for_options(name, given, options))
    link = for_options(name, link, options)
    if link is not None and (not isinstance(link, str) or link not in LINKS):
        links = ", ".join(map(repr, LINKS))
        raise DeclarationError(f"{name}: link={link!r}; write one of {links}, or None for 'identity'.")
    return resolved, link


def for_options(name: str, fact: object, options: Mapping[str, object]) -> object:
    """A fact as it is for these options: a function is called with the options that it names."""
    if not callable(fact):
        return fact
    wanted = inspect.signature(fact).parameters
    for key in wanted:
        if key not in options:
            end = suggestion(key, options, ".")
            raise DeclarationError(f"{name}: a fact asks for `{key}`, which is no option{end}")
    return fact(**{key: options[key] for key in wanted})


def phrases(loss: str, what: str, value: object) -> tuple[str, ...]:
    """One text or several as a tuple, if they are texts of bounded length."""
    several = (value,) if isinstance(value, str) else value
    if not isinstance(several, list | tuple) or not all(isinstance(each, str) for each in several):
        raise DeclarationError(f"{loss}: {what}={value!r}; write one text, or a tuple of several.")
    if len(several) > MAXIMUM_ARGUMENTS:
        raise LimitError(f"{loss}: {what} has {len(several)} entries; at most {MAXIMUM_ARGUMENTS}.")
    for each in several:
        check_text(loss, what, each, MAXIMUM_PHRASE)
    return tuple(several)


def phrase(loss: str, what: str, value: object) -> str:
    """A text of bounded length."""
    if not isinstance(value, str):
        raise DeclarationError(f"{loss}: {what}={value!r}; write a text.")
    check_text(loss, what, value, MAXIMUM_PHRASE)
    return value
