// The plot of three panels, the line across them, and the numbers at the line.
"use strict";

const MARGIN = {left: 58, right: 14, top: 26, bottom: 24};
const PANEL_SPACES = [[0.72, 1], [0.36, 0.64], [0, 0.28]];
const SAMPLES = 481;

// The plot ------------------------------------------------------------------------------------------------

const colour = (side) => style(side === "a" ? "--first" : "--second");

function traces(places) {
  const made = [];
  const curves = {};
  for (const side of drawn()) {
    const choice = state[side];
    const usual = {...choice, own: newChoice(choice.loss).own};
    curves[side] = brokenCurves(choice, places);
    const isMoved = losses[choice.loss].parameters.some(
      ({name}) => shown(choice.own[name]) !== shown(usual.own[name]));
    const before = isMoved ? brokenCurves(usual, places) : null;
    PANELS.forEach((panel, number) => {
      const common = {
        type: "scatter", mode: "lines", x: curves[side].x, yaxis: `y${number ? number + 1 : ""}`, connectgaps: false,
      };
      if (before) {
        made.push({...common, x: before.x, y: before[panel], opacity: 0.6,
          line: {color: colour(side), width: 1, dash: "dot", simplify: false}});
      }
      made.push({
        ...common, y: curves[side][panel],
        line: {color: colour(side), width: 2.25, dash: side === "a" ? "solid" : "7px,4px", simplify: false},
      });
      const jumps = curves[side].jumps[panel];
      if (jumps.length) made.push({...common, ...circles(jumps, colour(side))});
    });
  }
  return {made, curves};
}

// Open circles at both ends of a jump, a full one at the number that the loss takes there.
function circles(jumps, filled) {
  const marks = jumps.flatMap(({x, ends, own}) => [...ends.map((y) => ({x, y, color: style("--paper")})),
    {x, y: own, color: filled}]);
  return {
    mode: "markers", x: marks.map(({x}) => x), y: marks.map(({y}) => y),
    marker: {size: 8, color: marks.map(({color}) => color), opacity: 1, line: {color: filled, width: 1.5}},
  };
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
  const names = [...new Set(drawn().map((side) => viewOf(state[side]).axis))];
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
    extents = PANELS.map((panel) => extent(drawn().map((side) => curves[side][panel])));
  }
  Plotly.react("plot", made, layout(), {staticPlot: true, responsive: true});
  byId("axis").textContent = axisTitle();
  byId("plot").setAttribute("aria-label", `Curves of ${drawn().map((side) => losses[state[side].loss].className)
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
  const rows = drawn().map((side) => {
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
  slider.setAttribute("aria-valuetext", drawn().map((side) => {
    const point = pointAt(state[side], x);
    return `${losses[state[side].loss].className} at ${written(x)}: `
      + PANELS.map((panel) => `${panel} ${written(point[panel])}`).join(", ");
  }).join("; "));
  if (document.activeElement !== byId("place-number")) {
    byId("place-number").value = String(x);
    refuse([byId("place-number")], byId("place-message"), "");
  }
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

function setPlace() {
  const entry = byId("place-number");
  const [low, high] = axis();
  const x = numberIn(entry.value);
  const isPlace = x >= low && x <= high;
  refuse([entry], byId("place-message"), isPlace ? "" : `at must be a number from ${written(low)} to ${written(high)}`);
  if (!isPlace) return;
  moveTo(x);
  entry.value = String(place());
}

function showRange() {
  const [low, high] = axis();
  byId("from").value = String(low);
  byId("to").value = String(high);
  refuse([byId("from"), byId("to")], byId("range-message"), "");
}

function setRange() {
  const entries = [byId("from"), byId("to")];
  const [low, high] = entries.map((entry) => numberIn(entry.value));
  const wrong = wrongRange(low, high);
  refuse(entries, byId("range-message"), wrong);
  if (wrong) return;
  [state.from, state.to] = [low, high];
  draw();
}
