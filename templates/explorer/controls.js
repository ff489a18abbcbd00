// What a person chooses: the state of the page, and the controls that change it.
"use strict";

const SIDES = ["a", "b"];
const PANEL_TITLES = ["Loss", "Gradient", "Hessian"];

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

let state = null;                 // what is chosen, see links.js
let apart = "";                   // why the second loss cannot stand on the axis of the first
let extents = null;               // of the panels, held while a slider moves
let tab = "formula";

const chosen = () => SIDES.filter((side) => state[side]);
const drawn = () => chosen().filter((side) => side === "a" || !apart);

// What the address says; what of it cannot be is told.
function begun() {
  const {state: found, refused} = readLink(location.hash, usualState);
  state = found;
  notice("not-taken", refused.length ? `Not taken over from the link: ${refused.join("; ")}.` : "");
}

function notice(id, text) {
  byId(id).textContent = text;
}

// Marks entries as wrong and says why in the line below; "" takes both back.
function refuse(entries, message, why) {
  for (const entry of entries) entry.setAttribute("aria-invalid", String(why !== ""));
  message.textContent = why;
}

function axis() {
  return state.from === null ? sharedAxis(drawn().map((side) => state[side])) : [state.from, state.to];
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
  const message = element("p", {id: `${id}-message`, className: "message", role: "alert"});
  const show = (value) => {
    const first = Array.isArray(value) ? value[0] : value;
    range.value = String(sliderPosition(slider, first));
    range.setAttribute("aria-valuetext", shown(value));
    range.style.setProperty("--share", `${100 * range.value / STEPS}%`);
  };
  const expected = `${name} must be ${parameter.expected}`
    + (parameter.perClass && columns > 1 ? ` (${columns} here, with commas)` : "");
  show(choice.own[name]);
  entry.value = shown(choice.own[name]);
  range.addEventListener("input", () => {
    choice.own[name] = sliderValue(slider, Number(range.value));
    entry.value = shown(choice.own[name]);
    show(choice.own[name]);
    refuse([entry], message, "");
    draw({hold: true});
  });
  range.addEventListener("change", () => draw());
  entry.addEventListener("input", () => {
    const value = parsed(parameter, entry.value, columns);
    refuse([entry], message, value === undefined ? expected : "");
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
  for (const option of loss.options) {
    panel.append(selectControl(side, `option-${option.name}`, option.name, option.choices,
      choice.options[option.name], (number) => {
        setOption(choice, option.name, number);
        if (side === "a") [state.x, state.from, state.to] = [null, null, null];
      }));
  }
  for (const parameter of loss.parameters) panel.append(parameterControl(side, parameter));
  const {targets} = viewOf(choice);
  if (targets.length > 1) {
    panel.append(selectControl(side, "target", "target", targets.map((each) => each.name), choice.target,
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
  const {view} = state.a;
  apart = agree(state.a, state.b);
  if (state.a.view !== view) [state.x, state.from, state.to] = [null, null, null];
  notice("not-drawn", apart);
  if (focused) notice("not-taken", "");
  SIDES.forEach(sidePanel);
  showRange();
  draw();
  showText();
  if (focused && byId(focused)) byId(focused).focus();
}
