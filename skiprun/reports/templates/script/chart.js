"use strict";
// A chart as SVG: axes, lines with bands or rows of dots, names at their ends, and marks that can be asked.

const ROW = 13; // pixels from one name to the next
const GAP = 6; // pixels between a line and its name

/** Return an SVG element with attributes and children. */
function draw(name, attributes = {}, ...children) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

/** Return a number with three digits, in plain notation as long as that stays short. */
function digits(value) {
  if (value === 0) return "0";
  const exponent = Math.floor(Math.log10(Math.abs(value)));
  if (exponent < -4 || exponent >= 6) return value.toExponential(2);
  return value.toFixed(Math.max(0, 2 - exponent));
}

/** Values of an axis and their places in pixels. */
class Scale {
  constructor(values, log, from, to, zero = false) {
    [this.log, this.from, this.to] = [log, from, to];
    let low = Math.min(...values), high = Math.max(...values);
    if (log) [low, high] = atLeastADecade(low, high);
    else if (zero) low = Math.min(0, low);
    const least = 1e-6 * Math.max(Math.abs(low), Math.abs(high)) || 1e-6; // what differs by less is one value
    if (!log && high - low < least) [low, high] = [low - 0.05 * Math.abs(low) || -0.5, high + 0.05 * Math.abs(high) || 0.5];
    const [first, last] = log ? [Math.log10(low), Math.log10(high)] : [low, high];
    const margin = 0.04 * (last - first);
    [this.first, this.last] = [zero && !log && low === 0 ? 0 : first - margin, last + margin];
  }

  place(value) {
    const scaled = this.log ? Math.log10(value) : value;
    return this.from + ((scaled - this.first) / (this.last - this.first)) * (this.to - this.from);
  }

  ticks(most, whole = false) {
    const shown = this.log ? this.decades(most) : this.steps(most, whole);
    const ends = [this.first - 1e-9, this.last + 1e-9];
    return shown.filter((value) => {
      const scaled = this.log ? Math.log10(value) : value;
      return scaled >= ends[0] && scaled <= ends[1];
    });
  }

  decades(most) {
    const [low, high] = [Math.floor(this.first), Math.ceil(this.last)];
    const every = Math.ceil((high - low) / most), parts = this.last - this.first < 2.5 ? [1, 2, 5] : [1];
    const found = [];
    for (let power = low; power <= high; power += every)
      for (const part of parts) found.push(Number(`${part}e${power}`));
    return found;
  }

  steps(most, whole) {
    const rough = (this.last - this.first) / most, power = 10 ** Math.floor(Math.log10(rough));
    let step = power * [1, 2, 5, 10].find((each) => each * power >= rough);
    if (whole) step = Math.max(1, step);
    const first = Math.ceil(this.first / step - 1e-9), count = Math.floor(this.last / step + 1e-9) - first + 1;
    return Array.from({ length: count }, (_, index) => Number(((first + index) * step).toPrecision(12)));
  }
}

/** Return the ends of a logarithmic axis: a decade or more, or noise would look like a trend. */
function atLeastADecade(low, high) {
  if (high >= 10 * low) return [low, high];
  const middle = Math.sqrt(low * high);
  return [middle / Math.sqrt(10), middle * Math.sqrt(10)];
}

/** Return rising heights moved apart to a gap or more, up to the lowest place. */
function spreadOut(heights, gap, lowest) {
  const placed = [];
  for (const height of heights) placed.push(Math.max(height, placed.length ? placed.at(-1) + gap : 0));
  for (let index = placed.length - 1, limit = lowest; index >= 0; limit = placed[index--] - gap)
    placed[index] = Math.min(placed[index], limit);
  return placed;
}

/** Return a name that has room in so many pixels; begin and end of a long one. */
function shortened(name, room) {
  const letters = Math.max(5, Math.floor(room / 6.3 + 1e-9)); // rounding must not cost a letter
  if (name.length <= letters) return name;
  const half = (letters - 1) / 2;
  return `${name.slice(0, Math.ceil(half))}…${name.slice(-Math.floor(half))}`;
}

/** Draw lines with bands. Each has {name, look, points: [{x, y, low, high, cells}], ending}. */
function drawLines(svg, chart, lines, extent, width, height) {
  const names = lines.filter((line) => line.ending).map((line) => line.look.short);
  const room = Math.min(0.27 * width, 6.3 * Math.max(...names.map((name) => name.length), 0) + 2 * GAP);
  const box = { left: 52, right: width - room, top: 10, bottom: height - 40 };
  const x = new Scale(extent.x, false, box.left, box.right);
  const y = new Scale(extent.y, chart.log, box.bottom, box.top, true);
  drawAxes(svg, chart, x, y, box);
  if (chart.level !== null && y.place(chart.level) >= box.top && y.place(chart.level) <= box.bottom)
    svg.append(horizontal(box, y.place(chart.level), "level"));
  for (const line of lines) drawLine(svg, line, x, y);
  drawEnds(svg, lines.filter((line) => line.ending), box, room - 2 * GAP);
}

function drawLine(svg, line, x, y) {
  const { color, dashes } = line.look;
  const marks = line.points.map((each) => ({ ...each, left: x.place(each.x), top: y.place(each.y) }));
  line.marks = marks;
  if (marks.some((each) => each.low < each.high)) {
    const upper = marks.map((each) => `${each.left.toFixed(1)},${y.place(each.high).toFixed(1)}`);
    const lower = marks.map((each) => `${each.left.toFixed(1)},${y.place(each.low).toFixed(1)}`).reverse();
    svg.append(draw("polygon", { points: [...upper, ...lower].join(" "), class: "band", style: `fill:${color}` }));
  }
  const points = marks.map((each) => `${each.left.toFixed(1)},${each.top.toFixed(1)}`).join(" ");
  const style = `stroke:${color};stroke-dasharray:${dashes}`;
  line.drawn = draw("polyline", { points, class: line.thin ? "line thin" : "line", style });
  svg.append(line.drawn);
  if (marks.length < 4)
    for (const each of marks) svg.append(draw("circle", { cx: each.left, cy: each.top, r: 3, style: `fill:${color}` }));
}

/** Write the names of lines at their ends, apart from each other, joined to the ends they were moved from. */
function drawEnds(svg, lines, box, room) {
  const sorted = lines.filter((line) => line.marks.length).sort((one, other) => one.marks.at(-1).top - other.marks.at(-1).top);
  const places = spreadOut(sorted.map((line) => line.marks.at(-1).top), ROW, box.bottom);
  sorted.forEach((line, index) => {
    const end = line.marks.at(-1), place = places[index], color = line.look.color;
    if (place < 0) return;
    const from = { x1: end.left + 1, y1: end.top, x2: box.right + GAP - 2, y2: place };
    svg.append(draw("line", { ...from, class: "leader", style: `stroke:${color}` }));
    const at = { x: box.right + GAP, y: place + 4, class: "end" };
    svg.append(draw("text", at, shortened(line.look.short, room)));
  });
}

/** Draw rows of dots. Each line has {name, look, points: [{x, cells}], mean}. */
function drawRows(svg, chart, lines, extent, width, height) {
  const room = Math.min(0.35 * width, 6.3 * Math.max(...lines.map((line) => line.look.short.length), 0) + GAP);
  const box = { left: room + GAP, right: width - 14, top: 6, bottom: height - 40 };
  const x = new Scale(extent.x, chart.log, box.left, box.right, chart.log === false && Math.min(...extent.x) === 0);
  drawAxes(svg, chart, x, null, box);
  lines.forEach((line, index) => {
    const middle = box.top + ((index + 0.5) * (box.bottom - box.top)) / lines.length;
    drawRow(svg, line, x, middle);
    const at = { x: room, y: middle + 4, "text-anchor": "end", class: "end" };
    svg.append(draw("text", at, shortened(line.look.short, room)));
  });
}

function drawRow(svg, line, x, middle) {
  const fill = `fill:${line.look.color}`, mean = line.mean;
  line.marks = line.points.map((each) => ({ ...each, left: x.place(each.x), top: middle + 6 }));
  for (const each of line.marks) svg.append(draw("circle", { cx: each.left, cy: each.top, r: 3.5, class: "dot", style: fill }));
  if (!mean) return;
  const left = x.place(mean.x), top = middle - 5;
  if (mean.low !== null) {
    const [x1, x2] = [mean.low, mean.high].map((value) => Math.max(x.from, x.place(Math.max(value, x.log ? 1e-12 : value))));
    svg.append(draw("line", { x1, x2, y1: top, y2: top, class: "line thin", style: `stroke:${line.look.color}` }));
  }
  svg.append(draw("path", { d: `M${left - 5},${top}l5,-5l5,5l-5,5z`, style: fill }));
  line.marks.unshift({ ...mean, left, top });
}

function horizontal(box, y, kind) {
  return draw("line", { x1: box.left, x2: box.right, y1: y, y2: y, class: kind });
}

function drawAxes(svg, chart, x, y, box) {
  const whole = chart.x === "epoch" || chart.x === "step";
  for (const value of x.ticks((box.right - box.left) / 60, whole)) {
    const at = x.place(value);
    svg.append(draw("line", { x1: at, x2: at, y1: box.top, y2: box.bottom, class: "grid" }));
    svg.append(draw("text", { x: at, y: box.bottom + 15, "text-anchor": "middle" }, tick(value)));
  }
  svg.append(horizontal(box, box.bottom, "axis"));
  const middle = (box.left + box.right) / 2;
  svg.append(draw("text", { x: middle, y: box.bottom + 33, "text-anchor": "middle", class: "name" }, chart.x));
  if (!y) return;
  for (const value of y.ticks((box.bottom - box.top) / 34)) {
    svg.append(horizontal(box, y.place(value), "grid"));
    svg.append(draw("text", { x: box.left - 6, y: y.place(value) + 4, "text-anchor": "end" }, tick(value)));
  }
  const turned = `translate(11,${(box.top + box.bottom) / 2}) rotate(-90)`;
  svg.append(draw("text", { transform: turned, "text-anchor": "middle", class: "name" }, chart.y));
}

/** Return the text of a tick: powers of ten as such where digits would be many. */
function tick(value) {
  if (value !== 0 && (Math.abs(value) < 1e-3 || Math.abs(value) >= 1e5)) return value.toExponential(0).replace("e+", "e");
  return String(value);
}
