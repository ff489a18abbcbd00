// What stands beside the plot: formula, kernel, Python; and how everything begins.
"use strict";

const SMALLEST_TYPE = 12;

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
  byId("text").replaceChildren(...(tab === "python" ? drawn() : chosen()).map((side) => element("article", {className: `side-${side}`},
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
  byId("place-number").addEventListener("change", setPlace);
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
    begun();
    rebuild();
  });
  new ResizeObserver(() => {
    if (!extents) return;
    read();
    byId("text").querySelectorAll(".mathematics").forEach(fit);
  }).observe(byId("plot"));
  begun();
  rebuild();
}

begin();
