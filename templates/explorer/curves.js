// What a page shows as numbers: the losses it holds, their curves, and the Python that reproduces a point.
"use strict";

const losses = JSON.parse(document.getElementById("losses").textContent);
const PANELS = ["value", "gradient", "hessian"];

// A choice is {loss, options, own, target}: the number of a loss, the number of each option's choice, the values
// of its parameters, the number of a target of its view.

// Everything at its default; options and the target as in another choice where they mean the same.
function newChoice(number, like = null) {
  const loss = losses[number];
  const choice = {
    loss: number,
    options: Object.fromEntries(loss.options.map((each) => [each.name, 0])),
    own: Object.fromEntries(loss.parameters.map((each) => [each.name, each.default])),
    target: 0,
  };
  for (const {name, choices} of like ? loss.options : []) {
    const same = losses[like.loss].options.find((each) => each.name === name);
    if (same) choice.options[name] = Math.max(0, choices.indexOf(same.choices[like.options[name]]));
  }
  const {targets, usual} = variantOf(choice).view;
  const equal = like ? targets.findIndex((each) => each.name === targetOf(like).name) : -1;
  choice.target = equal < 0 ? usual : equal;
  return choice;
}

function variantNumber(choice) {
  return losses[choice.loss].options.reduce(
    (number, option) => number * option.choices.length + choice.options[option.name], 0);
}

const variantOf = (choice) => losses[choice.loss].variants[variantNumber(choice)];
const targetOf = (choice) => variantOf(choice).view.targets[choice.target];

// The row that a place x on the axis stands for.
function rowAt(choice, x) {
  const target = targetOf(choice);
  const p = target.p.slice();
  p[target.column] = target.origin + target.slope * x;
  const own = {};
  for (const parameter of losses[choice.loss].parameters) {
    const value = choice.own[parameter.name];
    own[parameter.name] = parameter.perClass && !Array.isArray(value) ? p.map(() => value) : value;
  }
  return {y: target.y, p, label: target.label, columns: p.length, own};
}

// The three numbers at a place: derivatives by the axis, along which a prediction rises or falls with slope ±1.
function pointAt(choice, x) {
  const {column, slope} = targetOf(choice);
  const row = rowAt(choice, x);
  const point = {value: 0, gradient: 0, hessian: 0};
  for (const term of functions[choice.loss][variantNumber(choice)]) {
    point.value += term.value(row);
    point.gradient += slope * term.gradient(row)(column);
    point.hessian += term.hessian(row)(column);
  }
  return point;
}

function curvesOf(choice, places) {
  const points = places.map((x) => pointAt(choice, x));
  return Object.fromEntries(PANELS.map((panel) => [panel, points.map((point) => point[panel])]));
}

// From the lowest to the highest number, both with 0; far ends of poles are left out.
function extent(lists) {
  const numbers = lists.flat().filter(Number.isFinite).sort((one, other) => one - other);
  if (!numbers.length) return [-1, 1];
  const at = (share) => numbers[Math.round(share * (numbers.length - 1))];
  const spread = at(0.94) - at(0.06);
  let low = Math.min(0, at(0));
  let high = Math.max(0, at(1));
  if (spread > 0 && high - at(0.94) > 3 * spread) high = Math.max(0, at(0.94) + spread);
  if (spread > 0 && at(0.06) - low > 3 * spread) low = Math.min(0, at(0.06) - spread);
  if (low === high) [low, high] = [-1, 1];
  const margin = 0.07 * (high - low);
  return [low - margin, high + margin];
}

// Four digits that a person wants to read.
function written(number) {
  if (!Number.isFinite(number)) return Number.isNaN(number) ? "undefined" : number > 0 ? "∞" : "−∞";
  const size = Math.abs(number);
  const text = size !== 0 && (size < 1e-3 || size >= 1e6) ? number.toExponential(2) : `${+number.toPrecision(4)}`;
  return text.replaceAll("-", "−");
}

// Parameters ----------------------------------------------------------------------------------------------

const STEPS = 200;

function sliderValue(slider, position) {
  const share = position / STEPS;
  if (slider.logarithmic) {
    return +(slider.low * (slider.high / slider.low) ** share).toPrecision(3);
  }
  return +(slider.low + (slider.high - slider.low) * share).toPrecision(6);
}

function sliderPosition(slider, value) {
  const share = slider.logarithmic
    ? Math.log(value / slider.low) / Math.log(slider.high / slider.low)
    : (value - slider.low) / (slider.high - slider.low);
  return Math.round(STEPS * Math.min(1, Math.max(0, share)));
}

const isInRange = (parameter, value) => Number.isFinite(value)
  && (parameter.minimum === null || value > parameter.minimum
    || (value === parameter.minimum && parameter.minimumAllowed))
  && (parameter.maximum === null || value < parameter.maximum
    || (value === parameter.maximum && parameter.maximumAllowed));

// The number that a person typed, one number a column for parameters of classes; undefined where it is refused.
function parsed(parameter, text, columns) {
  const parts = String(text).replaceAll("−", "-").split(",").map((part) => part.trim());
  const values = parts.map((part) => (part === "" ? NaN : Number(part)));
  if (!values.every((value) => isInRange(parameter, value))) return undefined;
  if (values.length === 1) return values[0];
  return parameter.perClass && values.length === columns ? values : undefined;
}

const shown = (value) => (Array.isArray(value) ? value.join(", ") : String(value));

// Python --------------------------------------------------------------------------------------------------

function pythonNumber(number) {
  const text = String(number);
  return /^-?\d+$/.test(text) ? `${text}.0` : text;
}

const pythonValue = (value) => (Array.isArray(value) ? `(${value.map(pythonNumber).join(", ")})`
  : pythonNumber(value));

function pythonOf(choice, x) {
  const loss = losses[choice.loss];
  const words = [];
  for (const {name, choices} of loss.options) {
    if (choice.options[name]) words.push(`${name}=${choices[choice.options[name]]}`);
  }
  for (const parameter of loss.parameters) {
    const value = choice.own[parameter.name];
    if (shown(value) !== shown(parameter.default)) words.push(`${parameter.name}=${pythonValue(value)}`);
  }
  const row = rowAt(choice, x);
  const target = variantOf(choice).labels ? `np.array([${row.label}])`
    : `np.array([[${Array.from(row.y, pythonNumber).join(", ")}]])`;
  return [
    "import numpy as np",
    ...loss.imports,
    "",
    `loss = ${loss.className}(${[...words, 'reduction="none"', 'dtype="float64"'].join(", ")})`,
    `y_true = ${target}`,
    `y_pred = np.array([[${row.p.map(pythonNumber).join(", ")}]])`,
    "value = loss(y_true, y_pred)",
    "gradient, hessian = loss.gradient_and_hessian(y_true, y_pred)",
    "",
  ].join("\n");
}

// Links ---------------------------------------------------------------------------------------------------

// A state is {a, b, x, from, to}: two choices (the second may be null), the place of the crosshair, the axis.

function linkOf(state) {
  const words = new URLSearchParams();
  for (const side of ["a", "b"]) {
    const choice = state[side];
    if (!choice) continue;
    const loss = losses[choice.loss];
    words.set(side, loss.name);
    for (const {name} of loss.options) {
      if (choice.options[name]) words.set(`${side}.${name}`, String(choice.options[name]));
    }
    for (const parameter of loss.parameters) {
      const value = shown(choice.own[parameter.name]).replaceAll(" ", "");
      if (value !== shown(parameter.default).replaceAll(" ", "")) words.set(`${side}.${parameter.name}`, value);
    }
    if (choice.target !== variantOf(choice).view.usual) words.set(`${side}.target`, String(choice.target));
  }
  if (state.x !== null) words.set("x", String(state.x));
  if (state.from !== null) {
    words.set("from", String(state.from));
    words.set("to", String(state.to));
  }
  return `#${words}`;
}

// The state of a link; what it does not know, or may not be, has its default.
function stateOf(link, usual) {
  const words = new URLSearchParams(link.replace(/^#/, ""));
  if (!words.has("a")) return usual();
  const state = {a: null, b: null, x: null, from: null, to: null};
  for (const side of ["a", "b"]) {
    const number = losses.findIndex((each) => each.name === words.get(side));
    if (number < 0) continue;
    const choice = newChoice(number);
    const within = (name, count, otherwise) => {
      const chosen = Number(words.get(`${side}.${name}`) ?? otherwise);
      return Number.isInteger(chosen) && chosen >= 0 && chosen < count ? chosen : otherwise;
    };
    for (const {name, choices} of losses[number].options) {
      choice.options[name] = within(name, choices.length, 0);
    }
    const {targets, usual: usualTarget} = variantOf(choice).view;
    choice.target = within("target", targets.length, usualTarget);
    for (const parameter of losses[number].parameters) {
      const text = words.get(`${side}.${parameter.name}`);
      const value = text === null ? undefined : parsed(parameter, text, targets[0].p.length);
      if (value !== undefined) choice.own[parameter.name] = value;
    }
    state[side] = choice;
  }
  if (!state.a) return usual();
  const number = (name) => (words.has(name) && Number.isFinite(Number(words.get(name)))
    ? Number(words.get(name)) : null);
  state.x = number("x");
  if (number("from") !== null && number("to") > number("from")) {
    [state.from, state.to] = [number("from"), number("to")];
  }
  return state;
}
