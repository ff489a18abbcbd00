"""What a person does with the page, in a browser: drag, compare, hover, type, copy, link, keyboard, phone."""

import re
import subprocess
import sys

import numpy as np
import pytest

import lossgen as lg
from lossgen.catalog import DECLARATIONS
from lossgen.inspection.explorer.page import explore

pytestmark = pytest.mark.xdist_group("explorer")

CURVE_LINES = """[...document.querySelectorAll('#plot .trace')].map(trace => [...trace.querySelectorAll(
    'path.js-line')].map(e => e.getAttribute('d')).join(' ')).filter(Boolean)"""
READINGS = "[...document.querySelectorAll('#readings tr')].map(r => [...r.children].map(c => c.textContent))"


def settled(page) -> None:
    """Waits until what was asked for is drawn."""
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")


def lines(page) -> list[str]:
    settled(page)
    return page.evaluate(CURVE_LINES)


def readings(page) -> dict[str, list[float]]:
    """Class → loss, gradient, Hessian as the table shows them."""
    settled(page)
    rows = page.evaluate(READINGS)
    return {row[0]: [float(text.replace("−", "-")) for text in row[1:]] for row in rows}


def test_it_opens_with_two_losses_to_compare(opened, catalogue_page):
    page = opened(catalogue_page)
    assert page.title() == f"Loss explorer: {len(DECLARATIONS)} losses"
    assert readings(page) == {"Huber": [0.9, 1.0, 0.0], "LogCosh": [0.7659, 0.8854, 0.2162]}
    assert len(lines(page)) == 6
    assert page.locator("#text math").count() == 8  # three formulas and one letter of each
    assert page.locator("#a-loss option").count() == len(DECLARATIONS)


def test_dragging_a_slider_moves_the_curves(opened, catalogue_page):
    page = opened(catalogue_page)
    before = lines(page)
    slider = page.locator("#a-own-delta-slider")
    box = slider.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + 0.25 * box["width"], box["y"] + box["height"] / 2, steps=5)
    held = lines(page)
    page.mouse.up()
    after = lines(page)
    delta = float(page.locator("#a-own-delta").input_value())
    assert 0.15 < delta < 0.35  # a quarter of the way, by factors, from 1/20 to 20
    assert len(held) == len(after) == 9  # three dotted ones for the default
    assert before[3] in held  # the panels keep their extents while the slider moves …
    assert before[3] not in after  # … and fit the curves again when it is released
    huber = lg.losses.Huber(delta=delta, reduction="none", dtype="float64")
    value = huber(np.array([[0.0]]), np.array([[1.4]]))[0]
    assert readings(page)["Huber"] == pytest.approx([value, delta, 0.0], rel=1e-3)


def test_a_number_may_be_typed_and_a_wrong_one_is_refused(opened, catalogue_page):
    page = opened(catalogue_page)
    entry = page.locator("#a-own-delta")
    entry.fill("0.5")
    assert readings(page)["Huber"][1] == 0.5
    for refused in ("0", "-1", "much", ""):
        entry.fill(refused)
        assert entry.get_attribute("aria-invalid") == "true"
        assert page.locator("#a-own-delta-message").inner_text() == "delta must be a finite number > 0"
        assert readings(page)["Huber"][1] == 0.5
    entry.fill("50")  # beyond the slider, within the range
    assert entry.get_attribute("aria-invalid") == "false"
    page.locator("#a-reset").click()
    assert page.locator("#a-own-delta").input_value() == "1"


def test_one_value_a_class(opened, catalogue_page):
    page = opened(catalogue_page, "#a=categorical_focal_crossentropy")
    before = readings(page)
    page.locator("#a-own-alpha").fill("0.5, 0.25, 0.25")
    doubled = readings(page)
    assert doubled != before
    page.locator("#a-own-alpha").fill("0.5, 0.25")
    assert page.locator("#a-own-alpha").get_attribute("aria-invalid") == "true"


def test_comparing(opened, catalogue_page):
    page = opened(catalogue_page)
    page.select_option("#b-loss", label="PseudoHuber")
    assert list(readings(page)) == ["Huber", "PseudoHuber"]
    page.select_option("#b-loss", label="nothing")
    assert list(readings(page)) == ["Huber"]
    assert len(lines(page)) == 3
    page.select_option("#a-loss", label="BinaryCrossentropy")
    page.select_option("#a-option-from_logits", label="True")
    page.select_option("#a-target", label="y = 0")
    page.select_option("#b-loss", label="BinaryFocalCrossentropy")  # with the same option and target
    assert page.locator("#b-option-from_logits option:checked").inner_text() == "True"
    assert page.locator("#b-target option:checked").inner_text() == "y = 0"
    settled(page)
    assert page.locator("#axis").text_content() == "logit p"


def test_hovering_reads_all_panels_at_once(opened, catalogue_page):
    page = opened(catalogue_page)
    box = page.locator("#plot").bounding_box()
    left, right = 58, 14  # the margins of the plot
    for share, place in ((0.5, 0.0), (0.75, 2.0)):
        page.mouse.move(box["x"] + left + share * (box["width"] - left - right), box["y"] + 200)
        assert float(page.locator("#place-number").input_value()) == pytest.approx(place, abs=0.01)
    assert readings(page)["Huber"] == pytest.approx([1.5, 1.0, 0.0], rel=0.01)
    line = page.locator("#crosshair").bounding_box()
    assert line["x"] == pytest.approx(box["x"] + left + 0.75 * (box["width"] - left - right), abs=2)
    assert line["height"] > 500  # over the three panels
    assert page.locator("#dots .dot").count() == 6


def test_the_address_follows_a_moving_pointer_at_its_leisure(opened, catalogue_page):
    """Browsers allow only so many new addresses a second, and throw beyond."""
    page = opened(catalogue_page)
    saved = page.evaluate("""async () => {
        let saved = 0;
        const save = history.replaceState.bind(history);
        history.replaceState = (...state) => { saved += 1; save(...state); };
        const box = document.getElementById("plot").getBoundingClientRect();
        for (let i = 0; i < 100; i += 1) {
            const at = {clientX: box.left + 100 + i, clientY: box.top + 100};
            document.getElementById("stage").dispatchEvent(new PointerEvent("pointermove", at));
        }
        await new Promise((done) => setTimeout(done, 1000));
        return saved;
    }""")
    assert saved == 1
    x = page.locator("#place-number").input_value()
    assert f"x={x}" in page.evaluate("location.hash")


def test_the_axis_may_be_chosen(opened, catalogue_page):
    page = opened(catalogue_page)
    page.locator("#from").fill("-10")
    page.locator("#to").fill("20")
    page.locator("#to").blur()
    settled(page)
    ticks = page.locator("#plot .xtick text").all_text_contents()
    assert "20" in ticks
    page.locator("#to").fill("-11")
    page.locator("#to").blur()
    assert page.locator("#to").get_attribute("aria-invalid") == "true"
    page.locator("#whole").click()
    assert page.locator("#from").input_value() == "-4"


def test_what_is_refused_is_said(opened, catalogue_page):
    page = opened(catalogue_page)
    for entry, text, message, words in (
        ("to", "-11", "range", "from must be below to"),
        ("to", "", "range", "from and to must be finite numbers"),
        ("place-number", "9", "place", "at must be a number from −4 to 4"),
        ("place-number", "much", "place", "at must be a number from −4 to 4"),
    ):
        page.locator(f"#{entry}").fill(text)
        page.locator(f"#{entry}").blur()
        assert page.locator(f"#{entry}").get_attribute("aria-invalid") == "true"
        assert page.locator(f"#{entry}").get_attribute("aria-describedby") == f"{message}-message"
        assert page.locator(f"#{message}-message").inner_text() == words
    page.locator("#place-number").fill("2")
    page.locator("#whole").click()
    assert page.locator("#range-message").inner_text() == page.locator("#place-message").inner_text() == ""


def test_losses_of_different_variables_share_one_or_are_not_drawn(opened, catalogue_page):
    page = opened(catalogue_page, "#a=hinge&b=huber")
    assert len(readings(page)) == 2
    assert page.locator("#axis").text_content() == "prediction p"
    assert page.locator("#a-target option:checked").inner_text() == "y = 1"
    assert page.locator("#b-target option:checked").inner_text() == "y = 1"
    page.select_option("#b-loss", label="nothing")
    settled(page)
    assert page.locator("#axis").text_content() == "margin y·p"
    page.select_option("#b-loss", label="BinaryCrossentropy")
    assert list(readings(page)) == ["Hinge"]
    said = page.locator("#not-drawn").inner_text()
    assert said.startswith("BinaryCrossentropy is not drawn: Hinge is a curve over the ")
    page.select_option("#b-option-from_logits", label="True")
    assert len(readings(page)) == 2 and page.locator("#not-drawn").inner_text() == ""
    page.select_option("#b-option-from_logits", label="False")
    assert list(readings(page)) == ["Hinge"]


def test_curves_break_where_they_jump(opened, catalogue_page):
    page = opened(catalogue_page, "#a=huber&a.delta=1.37&b=log_cosh")
    settled(page)
    assert page.locator("#plot .trace path.point").count() == 6  # of two jumps, in the Hessian of Huber alone
    places = "Array.from({length: 481}, (_, i) => -4 + 8 * i / 480)"
    found = page.evaluate(f"brokenCurves(state.a, {places})")
    assert found["jumps"]["value"] == found["jumps"]["gradient"] == []
    assert [each["x"] for each in found["jumps"]["hessian"]] == [-1.37, 1.37]
    assert [each["ends"] for each in found["jumps"]["hessian"]] == [[0, 1], [1, 0]]
    huber = lg.losses.Huber(delta=1.37, reduction="none", dtype="float64")
    _, hessian = huber.gradient_and_hessian(np.array([[0.0]]), np.array([[1.37]]))
    assert found["jumps"]["hessian"][1]["own"] == hessian.item()
    assert found["hessian"].count(None) == 2
    smooth = page.evaluate(f"brokenCurves(state.b, {places})")
    assert smooth["jumps"] == {"value": [], "gradient": [], "hessian": []}


def test_a_link_restores_the_state(opened, catalogue_page):
    page = opened(catalogue_page, "#a=tversky&a.alpha=0.125&b=dice&x=0.25&from=0.1&to=0.6")
    page.select_option("#a-target", label="y = 0")
    page.locator("#link").click()
    page.get_by_text("Link copied", exact=True).wait_for()
    link = page.evaluate("location.hash")
    again = opened(catalogue_page, link)
    for each in (page, again):
        assert each.locator("#a-own-alpha").input_value() == "0.125"
        assert each.locator("#a-target option:checked").inner_text() == "y = 0"
        assert each.locator("#from").input_value() == "0.1"
    assert readings(again) == readings(page)
    assert lines(again) == lines(page)


@pytest.mark.parametrize(("link", "refused"), [
    ("#a=nothing&b=huber", ["a=nothing (no loss of this page)"]),
    ("#a=huber&a.delta=-3&a.target=77&b=toString",
     ["b=toString (no loss of this page)", "a.target=77 (0)", "a.delta=-3 (a finite number > 0)"]),
    ("#a=huber&x=%3Cimg%3E&from=5&to=1",
     ["x=<img> (a finite number)", "from=5, to=1 (from must be below to)"]),
    ("#a=__proto__&a.constructor=1", ["a=__proto__ (no loss of this page)"]),
    ("#%%%", ["#%%% (names no loss)"]),
    ("#a=huber&a.gamma=2", ["a.gamma=2 (unknown)"]),
])  # fmt: skip
def test_a_broken_link_opens_the_page(opened, catalogue_page, link, refused):
    page = opened(catalogue_page, link)
    assert "Huber" in readings(page)
    assert page.locator("#a-own-delta").input_value() == "1"
    said = page.locator("#not-taken").inner_text()
    assert said == f"Not taken over from the link: {'; '.join(refused)}."


def run_copied(page, button: str, folder) -> list[float]:
    """Value, gradient and Hessian that the copied Python computes, in a process of its own."""
    page.locator(button).click()
    page.get_by_text("Copied", exact=True).wait_for()
    code = page.evaluate("navigator.clipboard.readText()")
    code += "print(float(value[0]), gradient.flat[0], hessian.flat[0])\n"
    (folder / "copied.py").write_text(code, "utf-8")
    done = subprocess.run([sys.executable, "copied.py"], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return [float(number) for number in done.stdout.split()]


CLIPBOARD = {"permissions": ["clipboard-read", "clipboard-write"]}


def test_the_copied_python_computes_what_the_page_shows(opened, catalogue_page, tmp_path):
    link = "#a=categorical_focal_crossentropy&a.from_logits=1&a.alpha=0.5,1,2"
    page = opened(catalogue_page, link, **CLIPBOARD)
    page.locator("#tab-python").click()
    shown = readings(page)["CategoricalFocalCrossentropy"]
    assert run_copied(page, "#a-copy", tmp_path) == pytest.approx(shown, rel=2e-3)


MINE = '''
import lossgen as lg

@lg.loss
def my_loss(y_true, y_pred, *, width=lg.Parameter(2.0, positive=True)):
    """Bounded."""
    return lg.Mean(1 - 1 / (1 + ((y_pred - y_true) / width) ** 2))

other = lg.declare("Another", lg.Mean(abs(lg.y_pred - lg.y_true)))
'''


def test_a_file_of_ones_own(opened, tmp_path):
    (tmp_path / "my_losses.py").write_text(MINE, "utf-8")
    command = [sys.executable, "-m", "lossgen", "explore", "my_losses.py", "-o", "page.html", "--single-file"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    assert sorted(path.name for path in tmp_path.glob("page*")) == ["page.html"]  # nothing beside it
    page = opened(tmp_path / "page.html", **CLIPBOARD)
    page.locator("#a-own-width").fill("0.5")
    page.locator("#tab-python").click()
    assert run_copied(page, "#a-copy", tmp_path) == pytest.approx(readings(page)["MyLoss"], rel=2e-3)
    assert run_copied(page, "#b-copy", tmp_path) == pytest.approx(readings(page)["Another"], rel=2e-3)


def test_texts_of_a_declaration_are_inert(opened, tmp_path):
    evil = "</script><script>window.hit = 1</script><img src=x onerror='window.hit = 1'>{{ 7 * 7 }}&amp;"
    loss = lg.declare("Evil", lg.Mean((lg.y_pred - lg.y_true) ** 2), documentation=evil, reference=evil)
    page = opened(explore(loss, path=tmp_path / "a<b>&'page.html"))
    assert page.evaluate("window.hit") is None
    assert page.locator("#text img, #text script").count() == 0
    shown = page.locator("#text article").inner_text()
    assert "<script>window.hit = 1</script>" in shown and "{{ 7 * 7 }}&amp;" in shown


# By keyboard, on a phone, in the dark ---------------------------------------------------------------------


def test_by_keyboard_alone(opened, catalogue_page):
    page = opened(catalogue_page)
    page.keyboard.press("Tab")
    order = []
    for _ in range(16):
        order.append(page.evaluate("document.activeElement.id"))
        ring = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert ring != "none", order
        page.keyboard.press("Tab")
    wanted = ["link", "a-loss", "a-own-delta", "a-own-delta-slider", "a-reset", "b-loss", "place"]
    assert [each for each in order if each in wanted] == wanted
    page.locator("#a-own-delta-slider").focus()
    page.keyboard.press("ArrowRight")
    assert page.locator("#a-own-delta").input_value() == "1.03"
    assert page.locator("#a-own-delta-slider").get_attribute("aria-valuetext") == "1.03"
    page.locator("#place").focus()
    page.keyboard.press("End")
    assert page.locator("#place-number").input_value() == "4"
    assert "Huber at 4: value" in page.locator("#place").get_attribute("aria-valuetext")
    page.locator("#tab-formula").focus()
    page.keyboard.press("ArrowRight")
    assert page.evaluate("document.activeElement.id") == "tab-kernel"
    assert "def value_and_gradient_flat" in page.locator("#text").inner_text()
    page.locator("#b-loss").focus()
    page.keyboard.press("ArrowDown")
    settled(page)
    assert page.evaluate("document.activeElement.id") == "b-loss"  # the focus stays where it was


def test_every_control_has_a_name(opened, catalogue_page):
    page = opened(catalogue_page, "#a=binary_focal_crossentropy&b=categorical_focal_crossentropy")
    for tab in ("formula", "kernel", "python"):
        page.locator(f"#tab-{tab}").click()
        nameless = page.evaluate(
            """() => [...document.querySelectorAll('input, select, button, pre, [role=region]')]
            .filter(e => !(e.labels?.length || e.getAttribute('aria-label') || e.textContent.trim()))
            .map(e => e.outerHTML)"""
        )
        assert nameless == []


@pytest.mark.parametrize("link", ["", "#a=sparse_categorical_crossentropy&b=binary_focal_crossentropy"])
def test_on_a_phone(opened, catalogue_page, link):
    page = opened(catalogue_page, link, width=360, height=740, has_touch=True, is_mobile=True)
    for tab in ("formula", "kernel", "python"):
        page.locator(f"#tab-{tab}").tap()
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
    cut = page.evaluate("""() => [...document.querySelectorAll('input, select, button, td, th, label')]
        .filter(e => e.getBoundingClientRect().right > 361).map(e => e.id || e.textContent)""")
    assert cut == []
    page.locator("#plot").scroll_into_view_if_needed()
    box = page.locator("#plot").bounding_box()
    page.touchscreen.tap(box["x"] + 58, box["y"] + 100)
    low = float(page.locator("#from").input_value())
    assert float(page.locator("#place-number").input_value()) == pytest.approx(low, abs=0.1)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_contrast(opened, catalogue_page, scheme):
    """What is read has a contrast of 4.5 to its ground, the curves 3, as WCAG 2 (AA) asks."""
    page = opened(catalogue_page, color_scheme=scheme)
    names = ("ink", "quiet", "wrong", "comment", "text", "word", "mark", "first", "second")
    colours = page.evaluate("(names) => Object.fromEntries(names.map(n => [n, style('--' + n)]))",
                            [*names, "paper", "ground"])  # fmt: skip
    for name in names:
        for ground in ("paper", "ground"):
            least = 3 if name in ("first", "second") else 4.5
            assert contrast(colours[name], colours[ground]) >= least, (name, ground)
    assert (luminance(colours["paper"]) > 0.5) == (scheme == "light")
    stroke = page.evaluate("document.querySelector('#plot path.js-line').style.stroke")
    assert tuple(map(int, re.findall(r"\d+", stroke)[:3])) == channels(colours["first"])


def channels(colour: str) -> tuple[int, ...]:
    return tuple(int(colour[at : at + 2], 16) for at in (1, 3, 5))


def luminance(colour: str) -> float:
    shares = [channel / 255 for channel in channels(colour)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in shares]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)
