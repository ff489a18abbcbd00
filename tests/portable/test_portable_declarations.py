"""Declarations as JSON and back: equal in every fact and in the generated text; all else is refused."""

import json
import re
import time
from dataclasses import fields
from pathlib import Path

import pytest
from portable.declared import DECLARATIONS, every_feature, own_penalty, picked, two_scopes, unevaluated

import lossgen as lg
from lossgen.catalog import DECLARATIONS as LOSSES
from lossgen.catalog import PENALTIES
from lossgen.compiler.cache import _wording
from lossgen.compiler.digest import digest_of
from lossgen.compiler.module import modules
from lossgen.errors import PortableError
from lossgen.language.atoms import ATOMS
from lossgen.language.portable_vocabulary import NUMBERS
from lossgen.language.reductions import REDUCTIONS
from lossgen.language.vocabulary import COMPILER_ATOMS, SYMPY_FUNCTIONS

GENERATED = Path(__file__).parents[2] / "generated"


def named(declarations):
    return pytest.mark.parametrize("declaration", declarations, ids=lambda each: each.name)


@named((*LOSSES, *PENALTIES, *DECLARATIONS))
def test_a_declaration_comes_back_equal(declaration):
    text = lg.to_json(declaration)
    again = lg.from_json(text)
    assert type(again) is type(declaration)
    for each in fields(declaration):
        one, other = getattr(again, each.name), getattr(declaration, each.name)
        assert repr(one) == repr(other) and one == other, each.name
    assert digest_of(again) == digest_of(declaration) and _wording(again) == _wording(declaration)
    assert lg.to_json(again) == text


@named((*LOSSES, *PENALTIES))
def test_the_catalogue_is_generated_from_json_byte_for_byte(declaration):
    folder = GENERATED / "penalties" if declaration in PENALTIES else GENERATED
    for name, text in modules(lg.from_json(lg.to_json(declaration))).items():
        assert (folder / name).read_text("utf-8") == text


@named((picked, own_penalty, unevaluated, two_scopes))
def test_ones_own_are_generated_from_json_byte_for_byte(declaration):
    assert modules(lg.from_json(lg.to_json(declaration))) == modules(declaration)


def test_every_function_of_the_language_has_a_word():
    kinds = {word.kind for word in NUMBERS.values()}
    atoms = {atom.function for name, atom in ATOMS.items() if name not in COMPILER_ATOMS}
    assert kinds >= {*SYMPY_FUNCTIONS, *REDUCTIONS, *atoms}


def test_the_layout_is_readable_and_stays():
    declaration = lg.declare("halves", lg.Mean((lg.y_pred - lg.y_true) ** 2) / 2, reference="Mine")
    assert lg.to_json(declaration) == """{
  "lossgen": 1,
  "kind": "loss",
  "name": "halves",
  "class": "Halves",
  "reference": "Mine",
  "arguments": [],
  "scope": -1,
  "cases": [
    {
      "terms": [
        {
          "scope": -1,
          "expression": ["*", "1/2", ["Mean", ["**", ["+", "y_pred", ["*", -1, "y_true"]], 2]]]
        }
      ]
    }
  ]
}
"""


def test_the_page_shows_what_is_written():
    page = (GENERATED.parent / "docs" / "portable.md").read_text("utf-8")
    (shown,) = re.findall(r"^```json\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    assert lg.to_json(lg.from_json(shown)) == shown


# What is refused ------------------------------------------------------------------------------------------


def changed(declaration, path, value):
    """The plain data of a declaration with one place changed; `...` takes it away."""
    data = json.loads(lg.to_json(declaration))
    place = data
    for step in path[:-1]:
        place = place[step]
    if value is ...:
        del place[path[-1]]
    elif isinstance(place, list) and path[-1] == len(place):
        place.append(value)
    else:
        place[path[-1]] = value
    return json.dumps(data)


FIRST = ("cases", 0, "terms", 0, "expression")

REFUSED = [
    (("lossgen",), ..., "lossgen: the version of the format is expected, 1, not None"),
    (("lossgen",), 0, "lossgen: the version of the format is expected, 1, not 0"),
    (("lossgen",), True, "lossgen: the version of the format is expected, 1, not True"),
    (("lossgen",), 2, "written by a newer lossgen, in version 2 of the format"),
    (("kind",), "model", "kind: 'model' is none of 'loss', 'penalty'"),
    (("scopes",), 1, "declaration: there is no key 'scopes' here; did you mean `scope`?"),
    (("cases",), ..., "declaration: the key 'cases' is missing"),
    (("cases",), [], "cases: there is none for {'mode': 'plain', 'from_logits': False}"),
    (("name",), "every feature", "name: loss: the loss name `every feature` is no identifier"),
    (("name",), "import", "is a Python keyword"),
    (("name",), "__class__", "name: .* starts with an underscore"),
    (("name",), "exec", "is a Python built-in"),
    (("class",), "A\n", r"class: .* the loss name `A\n` is no identifier"),
    (("class",), "Loss", "a name that generated modules use themselves"),
    (("name",), 3, "name: text is expected, not 3"),
    (("documentation",), "a\ud800b", "documentation: the text holds .* half of a character"),
    (("documentation",), "a" * 20_001, "documentation: the text has 20001 characters; at most 20000"),
    (("identifiers",), "every", "identifiers: a list is expected, not 'every'"),
    (("target_preparation",), "softmax",
     "target_preparation: every_feature: target_preparation is 'softmax'"),
    (("preparation",), "differences", "declaration: there is no key 'preparation' here"),
    (("scope",), "all", "scope: scope: scope='all'; write one axis"),
    (("scope",), [1, 1], "scope: .* write one axis"),
    (("axis_argument",), 1, "axis_argument=1; write True or False"),
    (("extra_inputs",), ["gamma"], "extra_inputs: a name is that of two inputs or arguments"),
    (("extra_inputs",), ["y_true"], r"extra_inputs\[0\]: .* `y_true` is an argument of the loss's methods"),
    (("arguments", 0, "name"), "axis",
     r"arguments\[0\].name: .* `axis` is an argument that every loss already"),
    (("arguments", 0, "name"), "weights", r"arguments\[1\].name: there are two arguments `weights`"),
    (("arguments", 0, "default"), "1.5", r"arguments\[0\]: Parameter\(default='1.5'\)"),
    (("arguments", 0, "default"), 0.5, r"arguments\[0\]: .* must be a finite number ≥ 1 and < 10"),
    (("arguments", 0, "minimum"), True, r"arguments\[0\].minimum: a number is expected, not True"),
    (("arguments", 0, "maximum"), 0, r"arguments\[0\]: .* no number is"),
    (("arguments", 0, "step"), 1, r"arguments\[0\]: there is no key 'step' here"),
    (("arguments", 2, "minimum"), 1, r"arguments\[2\]: there is no key 'minimum' here"),
    (("arguments", 2, "choices"), ["plain"], r"arguments\[2\]: Option.* an option needs two or more choices"),
    (("arguments", 2, "choices", 4), {"a": 1}, r"arguments\[2\].choices\[4\]: there is no key 'a' here"),
    (("arguments", 2, "choices"), list(range(40)), r"arguments\[2\]: Option\(default='plain'\)"),
    (("arguments", 4), {"name": "more", "default": 1},
     "arguments: every_feature: no formula contains the parameter `more`"),
    (("constructor", 0), "alpha", "constructor: .*`alpha` in arguments is no argument of the loss"),
    (("constructor", 0), "weights", "constructor: every_feature: arguments leaves out `gamma`"),
    (("parts",), [[1, "os.system"]], r"parts\[0\]\[1\]: .* is no identifier"),
    (("parts",), [["y_pred", "Other"]], r"parts\[0\]\[0\]: a number is expected"),
    (("cases", 0, "options", "mode"), "other",
     r"cases\[0\].options: `mode` must be one of 'plain', 2, 2.5, None"),
    (("cases", 0, "options", "mode"), 2, r"cases\[2\].options: these options have a case already"),
    (("cases", 0, "options", "mode"), ..., r"cases\[0\].options: a value of each option is expected"),
    (("cases", 0, "domain", "target"), [1, 0],
     r"cases\[0\]: every_feature: the domain of the target is \(1, 0\)"),
    (("cases", 0, "domain", "weights"), "real", r"cases\[0\]: every_feature: domain of `weights`"),
    (("cases", 0, "link"), "cosine", r"cases\[0\]: every_feature: link='cosine'"),
    (("cases", 0, "terms"), [], r"cases\[0\].terms: one term or more is expected"),
    (FIRST, "y_pred", r"cases\[0\].terms\[0\].expression: .*has one value a column"),
    (FIRST, 1, r"expression: .*does not depend on y_pred"),
    (FIRST, True, r"cases\[0\].terms\[0\].expression: true and false are no numbers"),
    (FIRST, ["Mean", ["*", 0.5, "y_pred"]], r'expression\[1\]\[1\]: .* exactly, "1/2", not 0.5'),
    (FIRST, 1e300, "expression: a number is written exactly, 1000000000"),
    (FIRST, None, "a number, a name or a list"),
    (FIRST, {"class_name": "Lambda", "config": {}},
     "a number, a name or a list .* not a dictionary of length 2"),
    (FIRST, [], "a number, a name or a list .* not a list of length 0"),
    (FIRST, [["Mean"], "y_pred"], "a number, a name or a list"),
    (FIRST, ["Mean", "y"], r"expression\[1\]: 'y' is no symbol of the loss"),
    (FIRST, ["Mean", "2.5"], r"expression\[1\]: '2.5' is no symbol of the loss and no number such as 2"),
    (FIRST, ["Mean", "2/4"], r"expression\[1\]: write the number '2/4' in lowest terms, '1/2'"),
    (FIRST, ["Mean", "2"], r"expression\[1\]: write the number '2' in lowest terms, 2"),
    (FIRST, ["Mean", 2**60], r"expression\[1\]: write the number .* as text"),
    (FIRST, ["Mean", "9" * 400], "expression: a reduction runs over what differs"),
    (FIRST, ["Mean", ["*", "y_pred", ["exp", 1000]]], "this constant is too large or too small for a float"),
    (FIRST, ["mean", "y_pred"],
     r"expression\[0\]: the language has no function 'mean'; did you mean `Mean`\?"),
    (FIRST, ["__import__", "os"], r"expression\[0\]: the language has no function '__import__'"),
    (FIRST, ["Symbol", "os"], "the language has no function 'Symbol'"),
    (FIRST, ["Mean", "y_pred", "y_pred"], "expression: 'Mean' takes 1 argument, not 2"),
    (FIRST, ["+", "y_pred"], r"'\+' takes at least 2 arguments, not 1"),
    (FIRST, ["<", "y_pred", 1], r"expression\[0\]: '<' is a condition, where a number is expected"),
    (FIRST, ["Mean", ["Piecewise"]], r"expression\[1\]: a Piecewise has one branch or more"),
    (FIRST, ["Mean", ["Piecewise", ["y_pred"]]], r"expression\[1\]\[1\]: a branch of a Piecewise is a pair"),
    (FIRST, ["Mean", ["Piecewise", ["y_pred", "y_true"]]],
     r"expression\[1\]\[1\]\[1\]: a number, a name or a list"),
    (FIRST, ["Mean", ["Piecewise", ["y_pred", ["~", 1]]]],
     r"expression\[1\]\[1\]\[1\]\[0\]: '~' is no condition"),
    (FIRST, ["Mean", ["Piecewise", ["y_pred", ["<", "y_pred", 0]]]], "has no value where no condition holds"),
    (FIRST, ["Mean", ["/", "y_pred", 2]], r"the language has no function '/'; write \["),
    (FIRST, ["Mean", ["sqrt", "y_pred"]], r"'sqrt'; write \[.\*\*., x, .1/2.\]"),
    (FIRST, ["Mean", ["**", ["*", 0, "y_pred"], -1]], r"expression\[1\]: this has no finite value"),
    (FIRST, ["Mean", ["log", ["+", -1, 1]]], r"expression\[1\]: this has no finite value"),
    (FIRST, ["Mean", ["*", "y_pred", ["log", -1]]], "this constant is no real number"),
]  # fmt: skip


@pytest.mark.parametrize("path, value, message", REFUSED, ids=lambda each: str(each)[:40])
def test_a_change_is_refused_by_its_place(path, value, message):
    with pytest.raises(PortableError, match=message):
        lg.from_json(changed(every_feature, path, value))


HARD = [
    ["**", 9, ["**", 9, 9]],
    ["**", ["**", 10, 1000], 1000],
    ["**", 2, "99999999999999999999"],
    ["**", "y_pred", 10**6],
    ["sympy.Max", *(["sin", number] for number in range(1, 200))],
    ["loggamma", 10**9],
    ["polygamma", 1, 10**9],
    ["lgamma", ["*", -1, "y_pred", ["loggamma", "-100000001/2"]]],
    ["exp", ["exp", ["exp", ["exp", 9]]]],
    ["+", *(["**", number, 400] for number in range(2, 200))],
    ["+", *("9" * 1000 for _ in range(100))],
    ["+", *(["**", f"1/{number}", 300] for number in range(2, 400))],
]


@pytest.mark.parametrize("part", HARD, ids=lambda part: str(part)[:40])
def test_what_is_hard_to_work_out_is_refused_at_once(part):
    start = time.process_time()
    with pytest.raises(PortableError):
        lg.from_json(changed(every_feature, FIRST, ["Mean", ["*", "y_pred", part]]))
    assert time.process_time() - start < 1


@pytest.mark.parametrize("word, depth", [("Mean", 300), ("exp", 5000), ("+", 50_000)])
def test_deep_nesting_is_refused(word, depth):
    text = lg.to_json(lg.declare("deep", lg.Mean(lg.y_pred**2)))
    inner = f'["{word}", "y_pred", ' if word == "+" else f'["{word}", '
    nested = inner * depth + '"y_pred"' + "]" * depth
    with pytest.raises(PortableError, match="nested too deeply"):
        lg.from_json(text.replace('["Mean", ["**", "y_pred", 2]]', nested))


def test_large_declarations_are_refused():
    sum_of_many = ["Mean", ["+", *(["*", number, "y_pred"] for number in range(2, 20_000))]]
    with pytest.raises(PortableError, match="the formula is too large"):
        lg.from_json(changed(every_feature, FIRST, sum_of_many))
    with pytest.raises(PortableError, match="at most 1000000 are read"):
        lg.from_json(" " * 1_000_001)


@pytest.mark.parametrize(
    "text, message",
    [
        ("", "This is no JSON: Expecting value in line 1, column 1"),
        ("{'lossgen': 1}", "This is no JSON"),
        ("[]", "declaration: a dictionary is expected, not a list of length 0"),
        ("3", "declaration: a dictionary is expected, not 3"),
        ('{"lossgen": 1, "lossgen": 1}', "The JSON has the key 'lossgen' twice"),
        ('{"lossgen": NaN}', "The JSON holds NaN"),
        ('{"lossgen": ' + "9" * 5000 + "}", "cannot be read|version of the format"),
        (b"\xff\xfe\x00", "cannot be read|no JSON"),
        ("[" * 100_000, "nested too deeply|no JSON"),
        (None, "lg.from_json reads text; received NoneType"),
    ],
    ids=lambda each: str(each)[:20],
)
def test_text_that_is_no_declaration_is_refused(text, message):
    with pytest.raises(PortableError, match=message):
        lg.from_json(text)


def test_only_declarations_are_written():
    with pytest.raises(PortableError, match=r"lg\.to_json writes a declaration"):
        lg.to_json(lg.Mean(lg.y_pred))


def test_penalties_have_no_target():
    for path, value in ((("target_preparation",), "signed_labels"), (("extra_inputs",), ["margin"])):
        with pytest.raises(PortableError, match=f"{path[0]}: a penalty has one input and no target"):
            lg.from_json(changed(own_penalty, path, value))
    with pytest.raises(PortableError, match="'y_true' is no symbol of the loss"):
        lg.from_json(changed(own_penalty, FIRST, ["Sum", ["*", "y_true", "weight"]]))
    with pytest.raises(PortableError, match="scope: what is prepared has no axes left"):
        lg.from_json(changed(own_penalty, ("preparation",), "differences"))


# What people wrote ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("facts", [
    {"identifiers": ("a" * 80,)}, {"kinks": ("b" * 95,)}, {"reference": "page\x0cbreak \x1b[1m"},
])  # fmt: skip
def test_long_and_odd_facts_travel(facts):
    declared = lg.loss(**facts)(lambda_free)
    assert lg.to_json(lg.from_json(lg.to_json(declared))) == lg.to_json(declared)


def lambda_free(y_true, y_pred):
    """A documentation with a \x0b tab."""
    return lg.Mean((y_pred - y_true) ** 2)


def test_a_thousand_class_weights_travel():
    weights = lg.Parameter([1.0] * 1000, per_class=True)
    declared = lg.declare("WeightedMany", "mean(w * (y_pred - y_true)**2)", w=weights)
    assert lg.from_json(lg.to_json(declared)).parameters["w"].default == (1.0,) * 1000


def test_branches_of_compared_branches_are_refused_at_once():
    branches = "y_pred"
    for number in range(25):
        branches = ["Piecewise", ["y_true", ["<", branches, number]], ["y_pred", True]]
    data = json.loads(lg.to_json(lg.declare("Square", lg.Mean((lg.y_pred - lg.y_true) ** 2))))
    data["cases"][0]["terms"][0]["expression"] = ["Mean", branches]
    with pytest.raises(PortableError, match="a comparison holds no branches"):
        lg.from_json(json.dumps(data))


def test_class_and_function_have_two_names():
    text = lg.to_json(lg.declare("Square", lg.Mean((lg.y_pred - lg.y_true) ** 2)))
    with pytest.raises(PortableError, match="name of the function"):
        lg.from_json(text.replace('"name": "square"', '"name": "Square"'))
