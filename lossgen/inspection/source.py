"""The generated code of a declaration."""

from lossgen.compiler.module import modules, variant_name
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
    chosen = checked(declaration, options)
    name = f"{declaration.name}/{variant_name(chosen)}.py" if len(files) > 1 else f"{declaration.name}.py"
    return files[name]
