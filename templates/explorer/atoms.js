// The functions that printed losses call: the atoms of the formula language, and reductions over the columns
// of a row. Forms that overflow nowhere and cancel nowhere, as in lossgen/runtime/arrays/functions.py.
"use strict";

const ops = (() => {
  const LARGEST = Number.MAX_VALUE;
  const HUGE = 1e150;             // beyond this 1 + x² is x², and the square has not overflowed
  const LN2 = Math.LN2;

  // Power series of ∫ tᵏ·exp(x·t) dt over 0..1 and its like, for |x| < 1.
  const TERMS = 24;
  const factorial = [1];
  for (let k = 1; k < TERMS + 5; k += 1) factorial.push(factorial[k - 1] * k);
  const coefficients = (of) => Array.from({length: TERMS + 1}, (_, k) => of(k));
  const MOMENTS = [
    coefficients((k) => 1 / factorial[k + 1]),
    coefficients((k) => (k + 1) / factorial[k + 2]),
    coefficients((k) => (k + 1) * (k + 2) / factorial[k + 3]),
  ];
  const EXPM1MX = coefficients((k) => 1 / factorial[k + 2]);
  const series = (x, terms) => terms.reduceRight((total, each) => total * x + each, 0);

  // The gamma family: at x + 8 or further by the asymptotic series, and back by the recurrence.
  const STIRLING = [1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360360, 1 / 156];
  const DIGAMMA = [1 / 12, -1 / 120, 1 / 252, -1 / 240, 1 / 132, -691 / 32760, 1 / 12];
  const TRIGAMMA = [1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6];
  const isPole = (x) => x <= 0 && Number.isInteger(x);

  function lgamma(x) {
    if (x === Infinity || x === -Infinity || isPole(x)) return Infinity;
    if (x < 0.5) return Math.log(Math.PI / Math.abs(Math.sin(Math.PI * x))) - lgamma(1 - x);
    let divisor = 1;
    for (; x < 10; x += 1) divisor *= x;
    const z = 1 / x;
    return (x - 0.5) * Math.log(x) - x + 0.9189385332046728 + z * series(z * z, STIRLING) - Math.log(divisor);
  }

  function digamma(x) {
    if (x === 0) return -Infinity;
    if (isPole(x)) return NaN;
    if (x === Infinity) return x;
    if (x < 0) return digamma(1 - x) - Math.PI / Math.tan(Math.PI * x);
    let above = 0;
    for (; x < 10; x += 1) above += 1 / x;
    const z = 1 / x;
    return Math.log(x) - z / 2 - z * z * series(z * z, DIGAMMA) - above;
  }

  function trigamma(x) {
    if (isPole(x)) return Infinity;
    if (x < 0) return (Math.PI / Math.sin(Math.PI * x)) ** 2 - trigamma(1 - x);
    let above = 0;
    for (; x < 10; x += 1) above += 1 / x / x;
    const z = 1 / x;
    return above + z + z * z / 2 + z * z * z * series(z * z, TRIGAMMA);
  }

  function erf(x) {
    const size = Math.abs(x);
    if (!(size < 2)) return Math.sign(x) * (1 - erfc(size));
    let term = x;
    let total = x;
    for (let n = 1; n < 60; n += 1) {
      term *= 2 * x * x / (2 * n + 1);
      total += term;
    }
    return 2 / Math.sqrt(Math.PI) * Math.exp(-x * x) * total;
  }

  function erfc(x) {
    if (x < 2) return 1 - erf(x);
    if (x > 30) return 0;
    let fraction = x;               // x + ½/(x + 1/(x + 3⁄2/(x + …)))
    for (let n = 120; n > 0; n -= 1) fraction = x + n / 2 / fraction;
    return Math.exp(-x * x) / Math.sqrt(Math.PI) / fraction;
  }

  const isNothing = (x, y, factor) => x === 0 && !Number.isNaN(y) && !Number.isFinite(factor);
  const guarded = (x, y, factor) => (isNothing(x, y, factor) ? 0 : x * factor);

  return {
    // Kinks
    absolute: Math.abs,
    square: (x) => x * x,
    signum: Math.sign,
    relu: (x) => (x <= 0 ? 0 : x),
    step: (x) => (x > 0 ? 1 : x <= 0 ? 0 : x),
    maximum: (a, b) => (a > b ? a : a <= b ? b : NaN),
    minimum: (a, b) => (a < b ? a : a >= b ? b : NaN),
    clip: (x, low, high) => (x > high ? high : x < low ? low : x),
    inside: (x, low, high) => (x >= low && x <= high ? 1 : Number.isNaN(x) ? x : 0),
    greater: (a, b) => (a > b ? 1 : a <= b ? 0 : NaN),

    // Exponentials
    sigmoid: (x) => (x >= 0 ? 1 : Math.exp(x)) / (1 + Math.exp(-Math.abs(x))),
    softplus: (x) => (x >= 0 ? x : 0) + Math.log1p(Math.exp(-Math.abs(x))),
    sech2: (x) => {
      const decay = Math.exp(-2 * Math.abs(x));
      return 4 * (decay / (1 + decay)) / (1 + decay);
    },
    log_cosh: (x) => {
      const size = Math.abs(x);
      if (size < 1) return 0.5 * Math.log1p(Math.sinh(size) ** 2);
      return size + (Math.log1p(Math.exp(-2 * size)) - LN2);
    },
    log1p: Math.log1p,
    expm1: Math.expm1,
    log1mexp: (x) => (x > -LN2 ? Math.log(-Math.expm1(x)) : Math.log1p(-Math.exp(x))),
    bose: (x) => 1 / Math.expm1(x),
    exprel: (x) => (Math.abs(x) < 1 ? series(x, MOMENTS[0]) : Math.expm1(x) / x),
    exprel_slope: (x) => {
      if (Math.abs(x) < 1) return series(x, MOMENTS[1]);
      return ((x - 1) / x * Math.exp(x) + 1 / x) / x;
    },
    exprel_curvature: (x) => {
      if (Math.abs(x) < 1) return series(x, MOMENTS[2]);
      return ((1 - 2 * ((x - 1) / x) / x) * Math.exp(x) - 2 / x / x) / x;
    },
    expm1mx: (x) => (Math.abs(x) < 1 ? x * x * series(x, EXPM1MX) : Math.expm1(x) - x),
    erf,
    erfc,
    lgamma,
    digamma,
    trigamma,

    // Products that are 0 because one factor is
    guarded_product: (a, b) => guarded(a, b, b),
    vanishing: (base, power) => (base === 0 ? 0 : power),
    xlogy: (x, y) => guarded(x, y, Math.log(y)),
    xlog1py: (x, y) => guarded(x, y, Math.log1p(y)),
    xdivy: (x, y) => (x === 0 && !Number.isNaN(y) ? 0 : x / y),

    // Roots and powers
    hypot1: (x) => (Math.abs(x) > HUGE ? Math.abs(x) : Math.sqrt(1 + x * x)),
    hypot1m1: (x) => {
      const size = Math.abs(x);
      return size > HUGE ? size : size * size / (1 + Math.sqrt(1 + size * size));
    },
    unit_hypot: (x) => (Math.abs(x) > HUGE ? Math.sign(x) : x / Math.sqrt(1 + x * x)),
    sqrt1pm1: (x) => x / (1 + Math.sqrt(1 + x)),
    power: Math.pow,
    power_slope: (x, a) => (a === 0 || (x === 0 && a < 1) ? 0 : a * Math.pow(x, a - 1)),
    power_curvature: (x, a) => (
      a === 0 || a === 1 || (x === 0 && a < 2) ? 0 : a * (a - 1) * Math.pow(x, a - 2)
    ),
    power_log: (x, a) => (x === 0 ? 0 : Math.pow(x, a) * Math.log(x)),

    // A log-sum-exp as its maximum and the rest of the sum
    shifted: (u, maximum) => {
      const nothing = maximum === -Infinity;        // all are: every column attains it
      if (u === -Infinity) return nothing ? 0 : -Infinity;
      return Math.max(u - (nothing ? 0 : maximum), -LARGEST);
    },
    excluded_exponential: (s) => (s === 0 ? 0 : Math.exp(s)),
    is_maximum: (s) => (s === 0 ? 1 : 0),
    complement: (s, exponential, excluded, inverse) => (
      inverse * (s === 0 ? excluded : 1 + excluded - exponential)
    ),

    // Reductions over the columns
    row_sum: (columns, of) => {
      let total = 0;
      for (let j = 0; j < columns; j += 1) total += of(j);
      return total;
    },
    row_maximum: (columns, of) => {
      let largest = -Infinity;
      for (let j = 0; j < columns; j += 1) largest = Math.max(largest, of(j));
      return largest;
    },
    row_minimum: (columns, of) => {
      let smallest = Infinity;
      for (let j = 0; j < columns; j += 1) smallest = Math.min(smallest, of(j));
      return smallest;
    },
    first_hit: (columns, extremum, of) => {
      for (let j = 0; j < columns; j += 1) if (of(j) === extremum) return j;
      return -1;
    },
    pick: (of, j) => of(j),
    hit: (index, j) => (index === j ? 1 : 0),
  };
})();
