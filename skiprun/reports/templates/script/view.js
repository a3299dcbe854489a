"use strict";
// One figure of the page: its chart, what the pointer and the arrow keys ask of it, its controls, its table.

const ON_PAPER = 400; // pixels of a figure beside another

/** Return an HTML element with attributes and children. */
function make(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

class View {
  constructor(chart, networks, choice, changed) {
    Object.assign(this, { chart: { ...chart, log: choice.log[chart.name] ?? chart.log ?? spansDecades(chart) }, networks, choice, changed });
    this.figure = document.getElementById(chart.name);
    this.caption = this.figure.querySelector("figcaption");
    this.words = this.caption.textContent;
    const label = `${this.words} Arrow keys: left and right go from value to value, up and down from line to line.`;
    this.svg = draw("svg", { tabindex: 0, role: "application", "aria-roledescription": "chart", "aria-label": label });
    this.tip = make("div", { class: "tip", role: "status", hidden: "" });
    const picture = make("div", { class: "picture" }, this.svg, this.tip);
    this.figure.querySelector(".picture").replaceWith(picture);
    picture.after(this.tools());
    this.listen();
    new ResizeObserver(() => this.svg.clientWidth !== this.width && this.show()).observe(picture);
  }

  /** Return the controls: the scale, the moment where there are several, the numbers as a table. */
  tools() {
    const log = make("input", { type: "checkbox" });
    log.checked = this.chart.log;
    log.onchange = () => {
      this.choice.log[this.chart.name] = this.chart.log = log.checked;
      this.changed();
    };
    this.table = make("details", { class: "numbers" }, make("summary", {}, "numbers"));
    this.table.ontoggle = () => this.fillTable();
    const slider = this.chart.moment && momentsOf(this.chart).length > 1 ? [this.slider()] : [];
    return make("div", { class: "tools" }, ...slider, make("label", {}, log, " logarithmic"), this.table);
  }

  /** Return the slider through the logged steps of training. */
  slider() {
    const moments = momentsOf(this.chart);
    const kept = this.choice.step === null ? 0 : moments.findLastIndex((each) => each[0] <= this.choice.step);
    return momentSlider(moments, Math.max(0, kept), (moment, said, moved) => {
      this.moment = moment;
      this.caption.textContent = this.words.replace(this.chart.moment, said);
      if (!moved) return;
      this.choice.step = moment[0];
      this.changed(this);
    });
  }

  /** Draw what is chosen, as wide as there is room, or as paper has. */
  show(width = this.svg.clientWidth) {
    const { chart, networks, choice, svg } = this;
    this.tell(null);
    svg.replaceChildren();
    this.width = width || ON_PAPER;
    this.lines = chart.kind === "dots" ? rowsOf(chart, networks, choice) : linesOf(chart, networks, choice, this.moment?.[0]);
    const height = chart.kind === "dots" ? 46 + 34 * Math.max(1, this.lines.length) : Math.min(330, 130 + 0.42 * this.width);
    svg.setAttribute("viewBox", `0 0 ${this.width} ${height}`);
    const extent = extentOf(chart, this.lines, networks, choice);
    if (!this.lines.length) svg.append(draw("text", { x: 20, y: 30 }, "Nothing is chosen that this figure can show."));
    else (chart.kind === "dots" ? drawRows : drawLines)(svg, chart, this.lines, extent, this.width, height);
    this.ring = draw("circle", { r: 5, class: "ring", visibility: "hidden" });
    svg.append(this.ring);
    this.fillTable();
  }

  listen() {
    this.svg.onpointermove = (event) => this.tell(this.nearest(event));
    this.svg.onpointerdown = (event) => this.tell(this.nearest(event));
    this.svg.onpointerleave = () => this.tell(null);
    this.svg.onfocus = () => this.svg.matches(":focus-visible") && this.lines.length && this.tell([0, 0]);
    this.svg.onblur = () => this.tell(null);
    this.svg.onkeydown = (event) => this.walk(event);
  }

  /** Return line and mark that are nearest to the pointer. */
  nearest(event) {
    const box = this.svg.getBoundingClientRect(), scale = this.width / box.width;
    const [left, top] = [(event.clientX - box.left) * scale, (event.clientY - box.top) * scale];
    let best = null, least = Infinity;
    this.lines.forEach((line, index) => line.marks.forEach((mark, place) => {
      const far = Math.hypot(mark.left - left, mark.top - top);
      if (far < least) [least, best] = [far, [index, place]];
    }));
    return best;
  }

  /** Go to another mark by the arrow keys. */
  walk(event) {
    if (!this.lines.length) return;
    const [line, place] = this.told ?? [0, -1], marks = this.lines[line].marks;
    const across = { ArrowLeft: place - 1, ArrowRight: place + 1, Home: 0, End: marks.length - 1 };
    const down = { ArrowUp: line - 1, ArrowDown: line + 1 };
    if (event.key === "Escape") this.tell(null);
    else if (event.key in across) this.tell([line, Math.max(0, Math.min(marks.length - 1, across[event.key]))]);
    else if (event.key in down) this.tell(this.beside(down[event.key], marks[Math.max(0, place)]));
    else return;
    event.preventDefault();
  }

  /** Return the mark of another line that lies nearest in its direction. */
  beside(line, mark) {
    const other = (line + this.lines.length) % this.lines.length;
    const far = this.lines[other].marks.map((each) => Math.abs(each.left - mark.left));
    return [other, far.indexOf(Math.min(...far))];
  }

  /** Say what a mark is: run, place and value. */
  tell(told) {
    this.told = told;
    this.tip.hidden = told === null;
    this.svg.querySelector(".asked")?.classList.remove("asked");
    if (told === null) return this.ring?.setAttribute("visibility", "hidden");
    const line = this.lines[told[0]], mark = line.marks[told[1]], [run, place, value] = mark.cells;
    line.drawn?.classList.add("asked");
    for (const [key, at] of [["cx", mark.left], ["cy", mark.top], ["visibility", "visible"]]) this.ring.setAttribute(key, at);
    this.tip.replaceChildren(make("strong", {}, run), make("span", {}, place), make("span", {}, this.named(value)));
    const scale = this.svg.clientWidth / this.width, right = mark.left > this.width / 2;
    this.tip.style.cssText = `top:${mark.top * scale + 8}px;${right ? `right:${(this.width - mark.left) * scale + 8}px` : `left:${mark.left * scale + 8}px`}`;
  }

  named(value) {
    return this.chart.kind === "dots" ? value : `${this.chart.y}: ${value}`;
  }

  /** Write all marks of the chart as a table, if somebody asks for it. */
  fillTable() {
    this.table.querySelector("div")?.remove();
    if (!this.table.open) return;
    const row = (kind, cells) => make("tr", {}, ...cells.map((cell) => make(kind, {}, cell)));
    const rows = this.lines.flatMap((line) => line.marks.map((mark) => row("td", mark.cells)));
    const head = make("thead", {}, row("th", ["run", this.chart.kind === "dots" ? "score" : this.chart.x, this.chart.y ?? "value"]));
    this.table.append(make("div", { class: "scroll" }, make("table", {}, head, make("tbody", {}, ...rows))));
  }
}

/** Return whether the scores of a chart lie so far apart that a logarithmic axis shows them better. */
function spansDecades(chart) {
  const values = chart.runs.map((run) => run.values);
  return Math.min(...values) > 0 && Math.max(...values) > 20 * Math.min(...values);
}
