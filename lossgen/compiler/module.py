"""A declaration → the text of its generated module, or of a folder with a module for each variant."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from textwrap import indent

from lossgen.errors import CompileError
from lossgen.language.declaration import Declaration
from lossgen.language.penalty import PenaltyDeclaration
from lossgen.language.printing import latex
from lossgen.runtime.parameters import Option, Parameter

from .assemble import Assembly
from .cuda_module import cuda_module
from .digest import digest_of, origin_of, toolchain_digest
from .docstrings import WIDTH, class_documentation, module_header, summary, wrapped
from .driver import Derived, assemble, derive
from .exponents import whole_exponents
from .files import cuda_name
from .properties import properties_of
from .render import import_lines, kernel_tables, render_functions, render_module, rule
from .textbook import Formulas, formulas

LONGEST_STEM = 80  # of a file's name, to which Numba adds that of a function


def modules(declaration: Declaration) -> dict[str, str]:
    """The text of every file, by its path relative to the package that holds the loss.

    One variant gives one module `huber.py`; several give a folder with a file a variant. Beside each stands
    one for a GPU, `_cuda_huber.py`.

    Raises:
        CompileError: what was generated is no Python; nothing of it is to be written.
    """
    variants = declaration.variants()
    if len(variants) == 1:
        files = _variant_files(declaration, f"{declaration.name}.py", variants[0], with_class=True)
    else:
        files = {}
        for name, each in zip(variant_names(variants), variants, strict=True):
            files |= _variant_files(declaration, f"{declaration.name}/{name}.py", each, with_class=False)
        files[f"{declaration.name}/__init__.py"] = _package(declaration)
    for name, text in files.items():
        _check_syntax(name, text)
    return files


def _check_syntax(name: str, text: str) -> None:
    try:
        compile(text, name, "exec", dont_inherit=True)  # more than a parser: equal argument names, too
    except (SyntaxError, ValueError) as error:
        raise CompileError(
            f"the module generated as {name} is no valid Python ({error}); please report the declaration."
        ) from error


def variant_names(variants: Sequence[Mapping[str, object]]) -> list[str]:
    """A module name for every variant; those that differ in case alone, or not at all, get numbers."""
    names: list[str] = []
    taken: set[str] = set()
    for options in variants:
        stem = name = variant_name(options)
        number = 1
        while name.casefold() in taken:
            number += 1
            name = f"{stem}_{number}"
        taken.add(name.casefold())
        names.append(name)
    assert len(taken) == len(names) == len(variants)
    return names


def variant_name(options: Mapping[str, object]) -> str:
    """The module of a variant: `from_logits` for True, `no_from_logits` for False, else `mode_a`."""
    words = []
    for name, value in options.items():
        if isinstance(value, bool):
            words.append(name if value else f"no_{name}")
        else:
            words.append(f"{name}_" + "".join(c if c.isascii() and c.isalnum() else "_" for c in str(value)))
    return "_and_".join(words)[:LONGEST_STEM]


# One module ---------------------------------------------------------------------------------------


def _variant_files(
    declaration: Declaration, path: str, options: Mapping[str, object], with_class: bool
) -> dict[str, str]:
    derived = derive(declaration, options)
    return {
        path: _module(declaration, options, derived, with_class),
        cuda_name(path): cuda_module(declaration, options, derived),
    }


def _module(
    declaration: Declaration, options: Mapping[str, object], derived: tuple[Derived, ...], with_class: bool
) -> str:
    prefixes = [""] if len(derived) == 1 else [f"term_{number}_" for number in range(1, len(derived) + 1)]
    assemblies = [assemble(declaration, term, prefix) for term, prefix in zip(derived, prefixes, strict=True)]
    titles = [""] if len(derived) == 1 else [f": term {number}" for number in range(1, len(derived) + 1)]
    texts = [
        formulas(term.expression, term.ladder, term.gradient, term.hessian, term.targets).read_by(declaration)
        for term in derived
    ]
    functions = "\n\n\n".join(render_functions(*pair) for pair in zip(titles, assemblies, strict=True))
    constants = " ".join(f"{name}()" for each in assemblies for name in each.constant_calls)
    known = () if isinstance(declaration, PenaltyDeclaration) else _properties(declaration, options, derived)
    variant = _variant(declaration, derived, assemblies, texts, known)
    class_ = _class(declaration, "variants = {(): variant}") if with_class else None
    tables = "\n".join([variant, *(class_["attributes"] if class_ else ())])
    imports = import_lines(f"{functions}\n{constants}", tables, class_ and class_["base"])
    header = module_header(declaration, options, derived, texts)
    return render_module(header, imports, functions, variant, class_)


# The variant and the class ------------------------------------------------------------------------


def _variant(
    declaration: Declaration,
    derived: tuple[Derived, ...],
    assemblies: list[Assembly],
    texts: list[Formulas],
    known: tuple[str, ...],
) -> str:
    terms = []
    for term, assembly in zip(derived, assemblies, strict=True):
        tables = []
        for layout, kernels in kernel_tables(assembly).items():
            entry = '"{0}": {1},' if layout == "split" else '"{0}": ({1}, {1}_team),'
            entries = [entry.format(*pair) for pair in kernels.items()]
            if entries:
                tables.append(f"{layout}={{\n" + indent("\n".join(entries), "    ") + "\n},")
        names = "\n".join(f'"{each.output}": {each.name},' for each in assembly.in_arrays)
        tables.append("arrays={\n" + indent(names, "    ") + "\n},")
        exponents = whole_exponents(term.schedules.values(), declaration.parameters)
        tables += [f"exponents={exponents!r},"] if exponents else []
        body = "\n".join([f"scope={term.scope!r},", f"labels={term.labels},", *tables])
        terms.append("Term(\n" + indent(body, "    ") + "\n),")
    shown = {
        "value": " + ".join(each.one_line("value") for each in texts),
        "gradient": " + ".join(each.one_line("gradient") for each in texts),
        "hessian": " + ".join(each.one_line("hessian") for each in texts),
        "latex": " + ".join(latex(each.spelt_out("value")) for each in texts),
    }
    lines = [f"{name!r}: {_literal(text)}," for name, text in shown.items()]
    formulas_ = "formulas={\n" + indent("\n".join(lines), "    ") + "\n},"
    origin = f'generated_from="{origin_of(declaration)}",'
    body = "\n".join(["terms=(", indent("\n".join(terms), "    "), "),", formulas_, *known, origin])
    return f"{rule('The kernels by output')}\n\nvariant = Variant(\n{indent(body, '    ')}\n)"


def _properties(
    declaration: Declaration, options: Mapping[str, object], derived: tuple[Derived, ...]
) -> tuple[str, ...]:
    """The properties of the variant; those that promise nothing are left out."""
    found = properties_of(declaration, options, derived)
    said = [
        f"{each.name}={_value(getattr(found, each.name))},"
        for each in fields(found)
        if each.name in ("link", "target", "prediction") or getattr(found, each.name) != each.default
    ]
    return ("properties=Properties(", indent("\n".join(said), "    "), "),")


def _value(value: object) -> str:
    return quoted(value) if isinstance(value, str) else repr(value)


def _literal(text: str) -> str:
    """A string literal, over several lines where one would be too long."""
    if len(text) <= 80:
        return quoted(text)
    pieces = [text[begin : begin + 84] for begin in range(0, len(text), 84)]
    return "(\n" + indent("\n".join(repr(piece) for piece in pieces), "    ") + "\n)"


def quoted(text: str) -> str:
    """A string literal, in double quotes where the text is plain."""
    return f'"{text}"' if "\\" not in text and '"' not in text and text.isprintable() else repr(text)


def _class(declaration: Declaration, variants: str) -> dict:
    parameters = ", ".join(
        f'"{name}": {parameter_source(each)}' for name, each in declaration.parameters.items()
    )
    options = ", ".join(f'"{name}": {option_source(each)}' for name, each in declaration.options.items())
    attributes = []
    if parameters:
        attributes.append(f"parameters = {{{parameters}}}")
    if options:
        attributes.append(f"options = {{{options}}}")
    attributes += [
        f"arguments = {_strings(declaration.constructor_arguments())}",
        f"default_name = {quoted(declaration.instance_name or declaration.name)}",
        f"default_axis = {declaration.scope!r}",
    ]
    base = "Loss"
    if isinstance(declaration, PenaltyDeclaration):
        base = "Penalty"
        attributes += [f'default_reduction = "{declaration.reduction}"'] if declaration.has_rows else []
        attributes += [f'preparation = "{declaration.preparation}"'] if declaration.preparation else []
    else:
        labels = any(declaration.uses_labels(options) for options in declaration.variants())
        attributes.append(f"labels = {labels}")
    if declaration.target_preparation:
        attributes.append(f'target_preparation = "{declaration.target_preparation}"')
    attributes += [f'digest = "{toolchain_digest()}"', *variants.splitlines()]
    return {
        "name": declaration.class_name,
        "base": base,
        "function": declaration.name,
        "documentation": class_documentation(declaration),
        "attributes": attributes,
        "rule": rule("The class and the function"),
    }


def _strings(names: tuple[str, ...]) -> str:
    return "(" + ", ".join(f'"{name}"' for name in names) + ("," if len(names) == 1 else "") + ")"


def parameter_source(parameter: Parameter) -> str:
    """`Parameter(1.0, positive=True)`: what was said of it and no more."""
    said = [f"{parameter.default!r}"]
    said += [
        f"{name}={getattr(parameter, name)!r}"
        for name in ("positive", "minimum", "maximum", "above", "below", "per_class")
        if getattr(parameter, name) is not None and getattr(parameter, name) is not False
    ]
    return f"Parameter({', '.join(said)})"


def option_source(option: Option) -> str:
    return f"Option({option.default!r}, {option.choices!r})"


def _package(declaration: Declaration) -> str:
    variants = declaration.variants()
    rows = ",\n".join(
        f'    {tuple(each.values())!r}: ".{name}"'
        for name, each in zip(variant_names(variants), variants, strict=True)
    )
    class_ = _class(declaration, f'generated_from = "{origin_of(declaration)}"\nvariants = {{\n{rows},\n}}')
    source = f" from {declaration.source}" if declaration.source else ""
    header = "\n".join(
        [
            *wrapped(f"{declaration.class_name}: {summary(declaration)}", WIDTH),
            "",
            "One module for each choice of its options; each is loaded when it is first used.",
            "",
            *wrapped(
                f"Generated by lossgen{source}, "
                f"digest {digest_of(declaration)}. Rebuild with `lossgen build`.",
                WIDTH,
            ),
        ]
    )
    imports = import_lines("", "\n".join(class_["attributes"]), class_["base"])
    return render_module(header, imports, "", "", class_)
