// What a page shows as numbers: the losses it holds, their curves, and the Python that reproduces a point.
"use strict";

const losses = JSON.parse(document.getElementById("losses").textContent);
const PANELS = ["value", "gradient", "hessian"];

// A choice is {loss, options, own, view, target}: the number of a loss, the number of each option's choice, the
// values of its parameters, the number of a view of its variant (over which variable), and of a target of that.

// Everything at its default; options and the target as in another choice where they mean the same.
function newChoice(number, like = null) {
  const loss = losses[number];
  const choice = {
    loss: number,
    options: Object.fromEntries(loss.options.map((each) => [each.name, 0])),
    own: Object.fromEntries(loss.parameters.map((each) => [each.name, each.default])),
    view: 0,
    target: 0,
  };
  for (const {name, choices} of like ? loss.options : []) {
    const same = losses[like.loss].options.find((each) => each.name === name);
    if (same) choice.options[name] = Math.max(0, choices.indexOf(same.choices[like.options[name]]));
  }
  aim(choice, like ? targetOf(like).name : null);
  return choice;
}

// Sets the target of that name if the view has it, otherwise the usual one.
function aim(choice, name) {
  const {targets, usual} = viewOf(choice);
  const equal = targets.findIndex((each) => each.name === name);
  choice.target = equal < 0 ? usual : equal;
}

function variantNumber(choice) {
  return losses[choice.loss].options.reduce(
    (number, option) => number * option.choices.length + choice.options[option.name], 0);
}

const variantOf = (choice) => losses[choice.loss].variants[variantNumber(choice)];
const viewOf = (choice) => variantOf(choice).views[choice.view];
const targetOf = (choice) => viewOf(choice).targets[choice.target];

function setOption(choice, name, number) {
  const {name: target} = targetOf(choice);
  choice.options[name] = number;
  choice.view = 0;
  aim(choice, target);
}

// The view over another variable. Where a view has only one target it was not chosen, and is not kept.
function turn(choice, number) {
  if (choice.view === number) return;
  const {targets} = viewOf(choice);
  const name = targets.length > 1 ? targetOf(choice).name : null;
  choice.view = number;
  aim(choice, name);
}

// Turns both choices to the first variable that both have, as `lg.plot` does; returns why they cannot stand on
// one axis, or "". A choice alone is turned to its usual variable.
function agree(a, b) {
  const variables = (choice) => variantOf(choice).views.map(({variable}) => variable);
  const common = b ? variables(a).find((each) => variables(b).includes(each)) : variables(a)[0];
  for (const choice of b ? [a, b] : [a]) turn(choice, Math.max(0, variables(choice).indexOf(common)));
  if (!b) return "";
  const [one, other] = [viewOf(a), viewOf(b)];
  const [low, high] = sharedAxis([a, b]);
  if (common !== undefined && one.bounded === other.bounded && low < high) return "";
  const words = ({loss}, {axis}) => `${losses[loss].className} is a curve over the ${axis}`;
  return `${losses[b.loss].className} is not drawn: ${words(a, one)}, ${words(b, other)}. `
    + "Choose options that agree, such as from_logits, or another loss.";
}

// The range of the axis: what all have where their domains end, otherwise what all need.
function sharedAxis(choices) {
  const views = choices.map(viewOf);
  const [outer, inner] = views[0].bounded ? [Math.max, Math.min] : [Math.min, Math.max];
  return [outer(...views.map(({low}) => low)), inner(...views.map(({high}) => high))];
}

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

// A number as a person types it, with − or -; NaN where it is none.
function numberIn(text) {
  const plain = String(text).replaceAll("−", "-").trim();
  return plain === "" ? NaN : Number(plain);
}

// Why two numbers are no range of the axis, or "".
const LARGEST = 1e100;
const FINEST = 1e-6;

function wrongRange(low, high) {
  if (!Number.isFinite(low) || !Number.isFinite(high)) return "from and to must be finite numbers";
  if (low >= high) return "from must be below to";
  if (Math.max(-low, high) > LARGEST) return `from and to must be within ±${LARGEST}`;
  const least = FINEST * Math.max(Math.abs(low), Math.abs(high), 1 / LARGEST);
  return high - low < least ? "from and to are too near to each other" : "";
}

// The number that a person typed, one number a column for parameters of classes; undefined where it is refused.
function parsed(parameter, text, columns) {
  const values = String(text).split(",").map(numberIn);
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
