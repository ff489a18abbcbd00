"""The generated code of a declaration."""

from lossgen.compiler.module import modules, variant_names
from lossgen.inspection.formulas import checked
from lossgen.language.declaration import Declaration


def source(declaration: Declaration, **options) -> str:
    """The text of the generated module; of a loss with several variants the module of the one chosen.

    Args:
        declaration: the loss.
        options: values of the declaration's options; the others have their defaults.

    Raises:
        ParameterError: an option is unknown or has none of its choices.
    """
    files = modules(declaration)
    variants = declaration.variants()
    if len(variants) == 1:
        checked(declaration, options)
        return files[f"{declaration.name}.py"]
    names = variant_names(variants)
    return files[f"{declaration.name}/{names[variants.index(checked(declaration, options))]}.py"]
