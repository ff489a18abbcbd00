"""Random declarations of the fuzzer in JavaScript, next to the same lowered ladders in high precision."""

from importlib.resources import files

import numpy as np
import pytest
from fuzz.checks import Scene, scenes
from fuzz.lowered_values import LoweredRow
from fuzz.strategies import declared_examples
from mpmath import mp

from lossgen.inspection.explorer.javascript import OUTPUTS, variant_code

pytestmark = pytest.mark.xdist_group("explorer")

EXAMPLES, TOLERANCE = 40, 1e-6
OUTPUTS_OF_ROW = """([code, row]) => {
    const [term] = eval(code), columns = row.p.map((_, j) => j);
    return {value: [term.value(row)], gradient: columns.map(term.gradient(row)),
        hessian: columns.map(term.hessian(row))};
}"""


def row_of(scene: Scene) -> dict:
    """A row as the functions of the page take it."""
    labels, columns, own = scene.derived.labels, len(scene.p), {}
    for symbol, value in scene.parameters.items():
        several = list(value) if isinstance(value, tuple) else [value] * columns
        own[symbol.name] = several if symbol.name in scene.declaration.per_class else value
    return {
        "y": [0.0] * columns if labels else list(scene.y),
        "p": list(scene.p),
        "label": scene.y if labels else 0,
        "columns": columns,
        "own": own,
    }


def test_random_declarations(browser):
    page, compared, wrong = browser.new_page(), 0, []
    atoms = files("lossgen.templates").joinpath("explorer", "atoms.js")
    page.add_script_tag(content=atoms.read_text("utf-8"))
    for example in declared_examples(EXAMPLES):
        declaration = example.case.declaration
        for scene in scenes(example.case):
            code = variant_code((scene.derived,), declaration.per_class)
            shown = page.evaluate(OUTPUTS_OF_ROW, [code, row_of(scene)])
            for output, ladder in OUTPUTS.items():
                try:
                    with mp.workdps(50):
                        row = LoweredRow(scene.derived.lowered[ladder], scene.y, scene.p, scene.parameters)
                        exact = np.array(row.output(output), dtype=float).reshape(-1)
                except (ArithmeticError, ValueError, TypeError):
                    continue  # no real number
                near = np.abs(np.array(shown[output], dtype=float) - exact)
                compared += len(exact)
                if not np.all(near <= TOLERANCE * np.maximum(1, np.abs(exact))):
                    wrong.append((repr(declaration), scene.options, output, shown[output], exact))
    page.close()
    assert wrong == []
    assert compared > 300
