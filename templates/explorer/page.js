// What a person touches: controls, the plot with its crosshair, the readings, the text beside it.
"use strict";

const SIDES = ["a", "b"];
const MARGIN = {left: 58, right: 14, top: 26, bottom: 24};
const PANEL_SPACES = [[0.72, 1], [0.36, 0.64], [0, 0.28]];
const PANEL_TITLES = ["Loss", "Gradient", "Hessian"];
const SAMPLES = 481;
const SMALLEST_TYPE = 12;

const byId = (id) => document.getElementById(id);
const style = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name in made) made[name] = value;
    else made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

// State ---------------------------------------------------------------------------------------------------

function usualState() {
  const numberOf = (name) => losses.findIndex((each) => each.name === name);
  const [first, second] = [numberOf("huber"), numberOf("log_cosh")];
  const state = {a: newChoice(Math.max(first, 0)), b: null, x: null, from: null, to: null};
  if (first >= 0 && second >= 0) state.b = newChoice(second);
  else if (losses.length === 2) state.b = newChoice(1, state.a);
  return state;
}

let state = stateOf(location.hash, usualState);
let extents = null;               // of the panels, held while a slider moves
let tab = "formula";

const chosen = () => SIDES.filter((side) => state[side]);

function axis() {
  const {view} = variantOf(state.a);
  return state.from === null ? [view.low, view.high] : [state.from, state.to];
}

function place() {
  const [low, high] = axis();
  const usual = low + 0.68 * (high - low);
  return Math.min(high, Math.max(low, state.x ?? +usual.toPrecision(2)));
}

// Controls ------------------------------------------------------------------------------------------------

function lossSelect(side) {
  const groups = new Map();
  losses.forEach((loss, number) => {
    if (!groups.has(loss.group)) groups.set(loss.group, element("optgroup", {label: loss.group}));
    groups.get(loss.group).append(element("option", {value: String(number), textContent: loss.className}));
  });
  const select = element("select", {id: `${side}-loss`});
  if (side === "b") select.append(element("option", {value: "", textContent: "nothing"}));
  select.append(...(groups.size > 1 ? groups.values() : [...groups.values()].flatMap((each) => [...each.children])));
  select.value = state[side] ? String(state[side].loss) : "";
  select.addEventListener("change", () => {
    state[side] = select.value === "" ? null
      : newChoice(Number(select.value), side === "b" ? state.a : null);
    if (side === "a") [state.x, state.from, state.to] = [null, null, null];
    rebuild(`${side}-loss`);
  });
  return select;
}

function selectControl(side, name, label, choices, current, choose) {
  const id = `${side}-${name}`;
  const select = element("select", {id});
  choices.forEach((each, number) => {
    select.append(element("option", {value: String(number), textContent: each}));
  });
  select.value = String(current);
  select.addEventListener("change", () => {
    choose(Number(select.value));
    rebuild(id);
  });
  return element("div", {className: "control"}, element("label", {htmlFor: id, textContent: label}), select);
}

function parameterControl(side, parameter) {
  const choice = state[side];
  const {name, slider} = parameter;
  const id = `${side}-own-${name}`;
  const columns = targetOf(choice).p.length;
  const range = element("input", {
    id: `${id}-slider`, type: "range", min: "0", max: String(STEPS), step: "1",
    "aria-label": `${name}, slider`,
  });
  const entry = element("input", {
    id, type: "text", inputMode: "decimal", autocomplete: "off", spellcheck: false,
    "aria-describedby": `${id}-message`,
  });
  const message = element("p", {id: `${id}-message`, className: "message", role: "status"});
  const show = (value) => {
    const first = Array.isArray(value) ? value[0] : value;
    range.value = String(sliderPosition(slider, first));
    range.setAttribute("aria-valuetext", shown(value));
    range.style.setProperty("--share", `${100 * range.value / STEPS}%`);
  };
  const refuse = (is) => {
    entry.setAttribute("aria-invalid", String(is));
    message.textContent = is ? `${name} must be ${parameter.expected}`
      + (parameter.perClass && columns > 1 ? ` (${columns} here, with commas)` : "") : "";
  };
  show(choice.own[name]);
  entry.value = shown(choice.own[name]);
  range.addEventListener("input", () => {
    choice.own[name] = sliderValue(slider, Number(range.value));
    entry.value = shown(choice.own[name]);
    show(choice.own[name]);
    refuse(false);
    draw({hold: true});
  });
  range.addEventListener("change", () => draw());
  entry.addEventListener("input", () => {
    const value = parsed(parameter, entry.value, columns);
    refuse(value === undefined);
    if (value === undefined) return;
    choice.own[name] = value;
    show(value);
    draw();
  });
  const label = parameter.symbol === name ? name : `${name} ${parameter.symbol}`;
  return element("div", {className: `control parameter${parameter.perClass ? " of-classes" : ""}`},
    element("label", {htmlFor: id, textContent: label}), entry, range, message);
}

function sidePanel(side) {
  const panel = byId(`side-${side}`);
  const choice = state[side];
  const title = side === "a" ? "Loss" : "Compare with";
  const head = element("div", {className: "control loss"},
    element("label", {htmlFor: `${side}-loss`, textContent: title}), lossSelect(side));
  panel.replaceChildren(head);
  if (!choice) return;
  const loss = losses[choice.loss];
  const {view} = variantOf(choice);
  for (const option of loss.options) {
    panel.append(selectControl(side, `option-${option.name}`, option.name, option.choices,
      choice.options[option.name], (number) => {
        choice.options[option.name] = number;
        choice.target = Math.min(choice.target, variantOf(choice).view.targets.length - 1);
        if (side === "a") [state.x, state.from, state.to] = [null, null, null];
      }));
  }
  for (const parameter of loss.parameters) panel.append(parameterControl(side, parameter));
  if (view.targets.length > 1) {
    panel.append(selectControl(side, "target", "target", view.targets.map((each) => each.name), choice.target,
      (number) => { choice.target = number; }));
  }
  if (loss.parameters.length || loss.options.length) {
    const reset = element("button", {type: "button", className: "plain", textContent: "Defaults"});
    reset.id = `${side}-reset`;
    reset.addEventListener("click", () => {
      state[side] = newChoice(choice.loss);
      rebuild(reset.id);
    });
    panel.append(reset);
  }
}

// Everything anew, with the keyboard's focus where it was.
function rebuild(focused = null) {
  SIDES.forEach(sidePanel);
  showRange();
  draw();
  showText();
  if (focused && byId(focused)) byId(focused).focus();
}

// The plot ------------------------------------------------------------------------------------------------

const colour = (side) => style(side === "a" ? "--first" : "--second");

function traces(places) {
  const made = [];
  const curves = {};
  for (const side of chosen()) {
    const choice = state[side];
    const usual = {...newChoice(choice.loss), options: choice.options, target: choice.target};
    curves[side] = curvesOf(choice, places);
    const isMoved = losses[choice.loss].parameters.some(
      ({name}) => shown(choice.own[name]) !== shown(usual.own[name]));
    const before = isMoved ? curvesOf(usual, places) : null;
    PANELS.forEach((panel, number) => {
      const common = {
        type: "scatter", mode: "lines", x: places, yaxis: `y${number ? number + 1 : ""}`, connectgaps: false,
      };
      if (before) {
        made.push({...common, y: before[panel], opacity: 0.6,
          line: {color: colour(side), width: 1, dash: "dot", simplify: false}});
      }
      made.push({
        ...common, y: curves[side][panel],
        line: {color: colour(side), width: 2.25, dash: side === "a" ? "solid" : "7px,4px", simplify: false},
      });
    });
  }
  return {made, curves};
}

function layout() {
  const ink = style("--quiet");
  const line = {color: ink, gridcolor: style("--line"), zerolinecolor: style("--zero"), zerolinewidth: 1};
  const font = {family: getComputedStyle(document.body).fontFamily, size: 12, color: ink};
  const panels = Object.fromEntries(PANEL_SPACES.map((space, number) => [`yaxis${number ? number + 1 : ""}`, {
    ...line, domain: space, range: extents[number], fixedrange: true, nticks: 5, automargin: false,
    tickformat: "~g", exponentformat: "power",
  }]));
  return {
    ...panels,
    xaxis: {...line, range: axis(), fixedrange: true, anchor: "y3", automargin: false, tickformat: "~g"},
    margin: {l: MARGIN.left, r: MARGIN.right, t: MARGIN.top, b: MARGIN.bottom},
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", font, showlegend: false, autosize: true,
    annotations: PANEL_TITLES.map((text, number) => ({
      text, xref: "paper", yref: "paper", x: 0, y: PANEL_SPACES[number][1], xanchor: "left",
      yanchor: "bottom", xshift: -2, showarrow: false, font: {...font, size: 13, color: style("--ink")},
    })),
  };
}

function axisTitle() {
  const names = [...new Set(chosen().map((side) => variantOf(state[side]).view.axis))];
  return names.join(" · ");
}

let waiting = null;

// Draws with the next frame, as often as it is asked; with `hold` the panels keep their extents.
function draw({hold = false} = {}) {
  if (waiting) waiting.hold = waiting.hold && hold;
  else {
    waiting = {hold};
    requestAnimationFrame(() => {
      const {hold: held} = waiting;
      waiting = null;
      drawNow(held);
    });
  }
}

function drawNow(hold) {
  const [low, high] = axis();
  const places = Array.from({length: SAMPLES}, (_, i) => low + (high - low) * i / (SAMPLES - 1));
  const {made, curves} = traces(places);
  if (!hold || !extents) {
    extents = PANELS.map((panel) => extent(chosen().map((side) => curves[side][panel])));
  }
  Plotly.react("plot", made, layout(), {staticPlot: true, responsive: true});
  byId("axis").textContent = axisTitle();
  byId("plot").setAttribute("aria-label", `Curves of ${chosen().map((side) => losses[state[side].loss].className)
    .join(" and ")}: loss, gradient and Hessian over ${axisTitle()}`);
  read();
}

// The crosshair and the readings -------------------------------------------------------------------------

function read() {
  const x = place();
  const [low, high] = axis();
  const body = byId("readings");
  const box = byId("plot").getBoundingClientRect();
  const width = box.width - MARGIN.left - MARGIN.right;
  const height = box.height - MARGIN.top - MARGIN.bottom;
  const left = MARGIN.left + width * (x - low) / (high - low);
  byId("crosshair").style.transform = `translateX(${left}px)`;
  byId("crosshair").style.height = `${height}px`;
  const dots = [];
  const rows = chosen().map((side) => {
    const point = pointAt(state[side], x);
    PANELS.forEach((panel, number) => {
      const [bottom, top] = extents[number];
      const share = (point[panel] - bottom) / (top - bottom);
      if (!(share >= 0 && share <= 1)) return;
      const [from, to] = PANEL_SPACES[number];
      const dot = element("span", {className: `dot side-${side}`});
      dot.style.transform = `translate(${left}px, ${MARGIN.top + height * (1 - from - (to - from) * share)}px)`;
      dots.push(dot);
    });
    return element("tr", {},
      element("th", {scope: "row"}, element("span", {className: `swatch side-${side}`}),
        ...breakable(losses[state[side].loss].className)),
      ...PANELS.map((panel) => element("td", {textContent: written(point[panel])})));
  });
  byId("dots").replaceChildren(...dots);
  body.replaceChildren(...rows);
  const slider = byId("place");
  slider.value = String(Math.round(1000 * (x - low) / (high - low)));
  slider.setAttribute("aria-valuetext", chosen().map((side) => {
    const point = pointAt(state[side], x);
    return `${losses[state[side].loss].className} at ${written(x)}: `
      + PANELS.map((panel) => `${panel} ${written(point[panel])}`).join(", ");
  }).join("; "));
  if (document.activeElement !== byId("place-number")) byId("place-number").value = String(x);
  rememberSoon();
  if (tab === "python") showText();
}

let remembering = 0;

function remember() {
  clearTimeout(remembering);
  history.replaceState(null, "", linkOf(state));
}

// Not at every step of a pointer: browsers allow only so many new addresses a second.
function rememberSoon() {
  clearTimeout(remembering);
  remembering = setTimeout(remember, 250);
}

// A class name that may be broken before its capitals.
const breakable = (name) => name.split(/(?<=[a-z0-9])(?=[A-Z])/).flatMap((part) => [element("wbr"), part]).slice(1);

function moveTo(x) {
  const [low, high] = axis();
  state.x = Math.min(high, Math.max(low, +x.toPrecision(6)));
  read();
}

function follow(event) {
  const box = byId("plot").getBoundingClientRect();
  const share = (event.clientX - box.left - MARGIN.left) / (box.width - MARGIN.left - MARGIN.right);
  if (share < -0.02 || share > 1.02) return;
  const [low, high] = axis();
  const step = 10 ** Math.floor(Math.log10((high - low) / 300));
  moveTo(Math.round((low + share * (high - low)) / step) * step);
}

function showRange() {
  const [low, high] = axis();
  byId("from").value = String(low);
  byId("to").value = String(high);
}

function setRange() {
  const [low, high] = ["from", "to"].map((id) => Number(byId(id).value.replaceAll("−", "-")));
  const isRange = Number.isFinite(low) && Number.isFinite(high) && low < high;
  byId("from").setAttribute("aria-invalid", String(!isRange));
  byId("to").setAttribute("aria-invalid", String(!isRange));
  if (!isRange) return;
  [state.from, state.to] = [low, high];
  draw();
}

// Formula, kernel, Python --------------------------------------------------------------------------------

// MathML is XML: as such it is read, and nothing in it can run.
function mathematics(text) {
  const parsedText = new DOMParser().parseFromString(text, "application/xml");
  return document.importNode(parsedText.documentElement, true);
}

const TOKENS = /(#.*$)|("""[\s\S]*?"""|"[^"\n]*")|\b(def|return|for|in|if|is|not|else|None|True|False|import|from|and|or)\b|(@[\w.]+)/gm;

function highlighted(code) {
  const made = element("code");
  let at = 0;
  for (const match of code.matchAll(TOKENS)) {
    const kind = ["comment", "text", "word", "mark"][match.slice(1).findIndex((each) => each !== undefined)];
    made.append(code.slice(at, match.index), element("span", {className: `code-${kind}`, textContent: match[0]}));
    at = match.index + match[0].length;
  }
  made.append(code.slice(at));
  return made;
}

function codeBlock(side, label, code) {
  const block = element("pre", {tabIndex: 0, role: "region", "aria-label": label}, highlighted(code));
  const copy = element("button", {type: "button", className: "copy", textContent: "Copy"});
  copy.id = `${side}-copy`;
  copy.setAttribute("aria-label", `Copy: ${label}`);
  copy.addEventListener("click", () => copyText(code, "Copied"));
  return element("div", {className: "code"}, copy, block);
}

const TABS = {
  formula: (side, choice) => {
    const loss = losses[choice.loss];
    const variant = variantOf(choice);
    const parts = PANELS.map((panel, number) => element("div", {className: "formula"},
      element("h4", {textContent: PANEL_TITLES[number]}),
      element("div", {className: "mathematics", tabIndex: 0, role: "region",
        "aria-label": `${PANEL_TITLES[number]} of ${loss.className}, formula`},
        mathematics(variant.formulas[panel]))));
    const letters = variant.formulas.letters.map((each) => element("div", {className: "mathematics"},
      mathematics(each)));
    if (letters.length) letters.unshift(element("h4", {textContent: "where"}));
    const words = (text, className = "") => (text ? [element("p", {textContent: text, className})] : []);
    return [...words(loss.summary), ...parts, ...letters, ...words(loss.reference, "quiet")];
  },
  kernel: (side, choice) => [codeBlock(side, `Kernel of ${losses[choice.loss].className}`,
    variantOf(choice).kernel)],
  python: (side, choice) => [codeBlock(side, `Python for ${losses[choice.loss].className}`,
    pythonOf(choice, place()))],
};

function showText() {
  for (const name of Object.keys(TABS)) {
    const button = byId(`tab-${name}`);
    button.setAttribute("aria-selected", String(name === tab));
    button.tabIndex = name === tab ? 0 : -1;
  }
  byId("text").setAttribute("aria-labelledby", `tab-${tab}`);
  byId("text").replaceChildren(...chosen().map((side) => element("article", {className: `side-${side}`},
    element("h3", {}, element("span", {className: `swatch side-${side}`}), losses[state[side].loss].className),
    ...TABS[tab](side, state[side]))));
  byId("text").querySelectorAll(".mathematics").forEach(fit);
}

// A formula that is too wide in smaller type, as long as one can read it; otherwise it scrolls.
function fit(box) {
  box.style.fontSize = "";
  const size = parseFloat(getComputedStyle(box).fontSize);
  const share = box.clientWidth / box.scrollWidth;
  const fitting = Math.floor(10 * size * share) / 10;
  if (share < 1) box.style.fontSize = `${fitting < SMALLEST_TYPE ? 0.85 * size : fitting}px`;
}

async function copyText(text, done) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {                       // no permission, or no such thing at this address: as it was done before
    const area = element("textarea", {value: text});
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
  byId("said").textContent = done;
  setTimeout(() => { byId("said").textContent = ""; }, 2000);
}

// Beginning -----------------------------------------------------------------------------------------------

function begin() {
  const stage = byId("stage");
  stage.addEventListener("pointermove", follow);
  stage.addEventListener("pointerdown", follow);
  byId("place").addEventListener("input", () => {
    const [low, high] = axis();
    moveTo(low + (high - low) * Number(byId("place").value) / 1000);
  });
  byId("place-number").addEventListener("change", () => {
    const x = Number(byId("place-number").value.replaceAll("−", "-"));
    if (Number.isFinite(x)) moveTo(x);
    byId("place-number").value = String(place());
  });
  for (const id of ["from", "to"]) byId(id).addEventListener("change", setRange);
  byId("whole").addEventListener("click", () => {
    [state.from, state.to, state.x] = [null, null, null];
    showRange();
    draw();
  });
  byId("link").addEventListener("click", () => {
    remember();
    copyText(location.href, "Link copied");
  });
  const names = Object.keys(TABS);
  names.forEach((name, number) => {
    const button = byId(`tab-${name}`);
    button.addEventListener("click", () => {
      tab = name;
      showText();
    });
    button.addEventListener("keydown", (event) => {
      const step = {ArrowRight: 1, ArrowLeft: -1}[event.key];
      if (!step) return;
      tab = names[(number + step + names.length) % names.length];
      showText();
      byId(`tab-${tab}`).focus();
    });
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => draw());
  addEventListener("hashchange", () => {
    state = stateOf(location.hash, usualState);
    rebuild();
  });
  new ResizeObserver(() => {
    if (!extents) return;
    read();
    byId("text").querySelectorAll(".mathematics").forEach(fit);
  }).observe(byId("plot"));
  rebuild();
}

begin();
