// The address of the page, which holds what is shown.
"use strict";

// A state is {a, b, x, from, to}: two choices (the second may be null), the place of the crosshair, the axis.

const LONGEST_WORD = 40;

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
    if (choice.target !== viewOf(choice).usual) words.set(`${side}.target`, String(choice.target));
  }
  if (state.x !== null) words.set("x", String(state.x));
  if (state.from !== null) {
    words.set("from", String(state.from));
    words.set("to", String(state.to));
  }
  return `#${words}`;
}

// The state of a link, and in words what was not taken over from it; that has its default.
function readLink(link, usual) {
  const words = new URLSearchParams(link.replace(/^#/, ""));
  const refused = [];
  const known = new Set(["x", "from", "to"]);
  const refuse = (name, why) => refused.push(`${cut(`${name}=${words.get(name)}`)} (${why})`);
  const state = {a: null, b: null, x: null, from: null, to: null};
  for (const side of ["a", "b"]) {
    if (!words.has(side)) continue;
    known.add(side);
    const number = losses.findIndex((each) => each.name === words.get(side));
    if (number >= 0) state[side] = newChoice(number);
    else refuse(side, "no loss of this page");
  }
  if (!state.a) {
    if (words.size && !words.has("a")) refused.push(`${cut(link)} (names no loss)`);
    return {state: usual(), refused};
  }
  const numberOf = (name, count, otherwise) => {
    known.add(name);
    if (!words.has(name)) return otherwise;
    const chosen = numberIn(words.get(name));
    if (Number.isInteger(chosen) && chosen >= 0 && chosen < count) return chosen;
    refuse(name, count > 1 ? `0 to ${count - 1}` : "0");
    return otherwise;
  };
  const sides = ["a", "b"].filter((side) => state[side]);
  for (const side of sides) {
    for (const {name, choices} of losses[state[side].loss].options) {
      setOption(state[side], name, numberOf(`${side}.${name}`, choices.length, 0));
    }
  }
  agree(state.a, state.b);         // which targets there are depends on the variable
  for (const side of sides) {
    const choice = state[side];
    const {targets, usual: usualTarget} = viewOf(choice);
    choice.target = numberOf(`${side}.target`, targets.length, usualTarget);
    for (const parameter of losses[choice.loss].parameters) {
      const name = `${side}.${parameter.name}`;
      known.add(name);
      if (!words.has(name)) continue;
      const value = parsed(parameter, words.get(name), targets[0].p.length);
      if (value === undefined) refuse(name, parameter.expected);
      else choice.own[parameter.name] = value;
    }
  }
  if (words.has("x")) {
    const x = numberIn(words.get("x"));
    if (Number.isFinite(x)) state.x = x;
    else refuse("x", "a finite number");
  }
  if (words.has("from") || words.has("to")) {
    const [low, high] = ["from", "to"].map((name) => numberIn(words.get(name) ?? ""));
    const wrong = wrongRange(low, high);
    if (wrong) refused.push(`${cut(`from=${words.get("from")}, to=${words.get("to")}`)} (${wrong})`);
    else [state.from, state.to] = [low, high];
  }
  for (const name of words.keys()) {
    if (!known.has(name)) refuse(name, "unknown");
  }
  return {state, refused};
}

const cut = (text) => (text.length > LONGEST_WORD ? `${text.slice(0, LONGEST_WORD)}…` : text);
