// Where curves jump, found in their numbers as lossgen/inspection/curves/sampling.py finds them.
"use strict";

const JUMP = 1e-4;                // of what a derivative spans: a jump is more
const NEAR = 1e-9;                // of the axis: within this a jump happens
const NEGLIGIBLE = 1e-6;          // of what the value spans: a derivative that spans less is rounding
const VISIBLE = 1e-6;             // of what a panel spans: a jump that an eye can see
const MOST_KINKS = 12;

// What most of the numbers span.
function spread(numbers) {
  const sorted = numbers.filter(Number.isFinite).sort((one, other) => one - other);
  if (!sorted.length) return 0;
  const at = (share) => {
    const place = share * (sorted.length - 1);
    const below = Math.floor(place);
    return sorted[below] + (place - below) * ((sorted[below + 1] ?? sorted[below]) - sorted[below]);
  };
  return at(0.98) - at(0.02) || sorted.at(-1) - sorted[0];
}

// The places where value, gradient or Hessian jump between neighbouring ones of evenly spaced places.
function kinksOf(choice, places, curves) {
  const span = places.at(-1) - places[0];
  const near = 2 * NEAR * span;
  const found = [];
  PANELS.forEach((panel, order) => {
    const numbers = curves[panel];
    const at = (x) => pointAt(choice, x)[panel];
    const least = JUMP * Math.max(spread(numbers), NEGLIGIBLE * spread(curves.value) / span ** order);
    const steps = numbers.slice(1).map((number, i) => Math.abs(number - numbers[i]));
    steps.forEach((step, i) => {
      const beside = 1.01 * Math.min(steps[Math.max(i - 1, 0)], steps[Math.min(i + 1, steps.length - 1)]);
      if (!(Number.isFinite(step) && step > least && step > beside)) return;
      const place = narrowed(at, places[i], places[i + 1], NEAR * span);
      if (found.some((other) => Math.abs(place - other) <= 1e-6 * span)) return;
      const [left, before, after, right] = [-100, -1, 1, 100].map((times) => at(place + times * near));
      if (Math.abs(after - before) > Math.max(least, 0.5 * Math.abs(right - left))) found.push(place);
    });
  });
  return found.sort((one, other) => one - other).slice(0, MOST_KINKS);
}

// The place between two others where most of the difference is; a round number if it is as near.
function narrowed(at, from, to, near) {
  let [low, high, left, right] = [from, to, at(from), at(to)];
  while (high - low > near) {
    const middle = (low + high) / 2;
    const between = at(middle);
    if (middle <= low || middle >= high) break;
    if (Math.abs(between - left) >= Math.abs(right - between)) [high, right] = [middle, between];
    else [low, left] = [middle, between];
  }
  const middle = (low + high) / 2;
  const rounded = Math.round(middle * 1e6) / 1e6;
  return Math.abs(rounded - middle) <= near ? rounded : middle;
}

// The lines of a choice, {x, value, gradient, hessian} with a gap (null) where one jumps; and for each panel its
// jumps, {x, ends, own}: the numbers on both sides, and the one that the loss takes there.
function brokenCurves(choice, places) {
  const even = curvesOf(choice, places);
  const kinks = kinksOf(choice, places, even);
  const jumps = Object.fromEntries(PANELS.map((panel) => [panel, []]));
  if (!kinks.length) return {x: places, ...even, jumps};
  const step = NEAR * (places.at(-1) - places[0]);
  const around = kinks.flatMap((kink) => [kink - step, kink, kink + step]);
  const x = [...new Set([...places, ...around])].sort((one, other) => one - other);
  const lines = {x, ...curvesOf(choice, x), jumps};
  for (const panel of PANELS) {
    const numbers = lines[panel];
    const finite = numbers.filter(Number.isFinite);
    const least = VISIBLE * (Math.max(...finite) - Math.min(...finite));
    for (const kink of kinks) {
      const [before, own, after] = [kink - step, kink, kink + step].map((place) => numbers[x.indexOf(place)]);
      if (!(Math.max(before, own, after) - Math.min(before, own, after) > least)) continue;
      jumps[panel].push({x: kink, ends: [before, after], own});
    }
    for (const jump of jumps[panel]) numbers[x.indexOf(jump.x)] = null;
  }
  return lines;
}
