"use strict";
// The diagrams of the page: a layer says its numbers, and a slider takes the colours through training.

const PARTS = ".layer, .site[data-site]";

class Network {
  constructor(figure) {
    this.name = figure.dataset.network;
    this.svg = figure.querySelector(".diagram");
    this.said = figure.querySelector("figcaption");
    this.parts = [...this.svg.querySelectorAll(PARTS)];
    const [low, high] = ["low", "high"].map((end) => Math.log(this.svg.querySelector(".legend").dataset[end]));
    const colours = [...this.svg.querySelectorAll(".legend > rect")].map((each) => each.getAttribute("fill"));
    this.colour = (value) => colours[Math.max(0, Math.min(colours.length - 1, Math.floor((Math.log(value) - low) / (high - low) * colours.length)))];
    this.layers = this.parts.filter((each) => each.dataset.layer).map((bar) => {
      const title = bar.querySelector("title");
      return { bar, title, path: bar.dataset.layer, fill: bar.getAttribute("fill"), words: title.textContent };
    });
    this.measure = this.svg.querySelector(".legend > text");
    this.measured = this.measure.textContent;
    this.listen();
    this.choose(-1);
  }

  listen() {
    const label = `${this.svg.querySelector("title").textContent}. Arrow keys go from layer to layer.`;
    const about = { tabindex: 0, role: "application", "aria-roledescription": "diagram", "aria-label": label };
    for (const [key, value] of Object.entries(about)) this.svg.setAttribute(key, value);
    this.svg.onclick = (event) => this.choose(this.parts.indexOf(event.target.closest(PARTS)));
    this.svg.onkeydown = (event) => this.walk(event);
  }

  /** Go to another layer or site by the arrow keys. */
  walk(event) {
    const last = this.parts.length - 1, { at } = this;
    const next = { ArrowLeft: Math.max(0, at - 1), ArrowRight: Math.min(last, at + 1), Home: 0, End: last, Escape: -1 }[event.key];
    if (next === undefined) return;
    this.choose(next);
    this.parts[next]?.scrollIntoView({ block: "nearest", inline: "nearest" });
    event.preventDefault();
  }

  /** Say what a layer or a site is; -1 chooses none. */
  choose(at) {
    this.parts[this.at]?.classList.remove("chosen");
    this.at = at;
    this.parts[at]?.classList.add("chosen");
    this.said.textContent = this.parts[at]?.querySelector("title").textContent ?? "Click a layer or a site for its numbers.";
  }

  /** Colour the layers by their norms at a moment of training, or as they were without one. */
  paint(norms, when) {
    for (const { bar, title, path, fill, words } of this.layers) {
      const value = norms && normOf(norms, path), colour = norms ? value && this.colour(value) : fill;
      bar.classList.toggle("blank", !colour);
      bar.setAttribute("fill", colour || "none");
      title.textContent = norms ? `${words.split("; ")[0]}; gradient norm at ${when}: ${value ? digits(value) : "none"}` : words;
    }
    this.measure.textContent = norms ? this.measured.replace(/,[^(]*/, ` at ${when} `) : this.measured;
    this.choose(this.at);
  }
}

/** Return the norms of a network's layers up to a step by path, geometric means over its runs. */
function normsAt(chart, layers, index, step) {
  const runs = chart.runs.filter((run) => run.network === index);
  const rows = runs.map((run) => run.values[Math.max(0, chart.places[run.at].findLastIndex((each) => each[0] <= step))]);
  return Object.fromEntries(layers.map((name, place) => {
    const values = rows.map((row) => row[place]).filter((value) => value > 0);
    return [name.slice(name.indexOf(".") + 1), values.length ? mean(values, true) : null];
  }));
}

/** Return the norm of a layer, or the geometric mean of those of a block. */
function normOf(norms, path) {
  if (path in norms) return norms[path];
  const inside = Object.keys(norms).filter((each) => each.startsWith(`${path}.`)).map((each) => norms[each]).filter(Boolean);
  return inside.length ? mean(inside, true) : null;
}

/** Return the slider that takes the colours of all diagrams through training; before its first step is the median. */
function slider(drawn, networks, chart) {
  return momentSlider([null, ...momentsOf(chart)], 0, (moment, said) => {
    for (const [index, { name, layers }] of Object.entries(networks))
      drawn.find((each) => each.name === name)?.paint(moment && normsAt(chart, layers, Number(index), moment[0]), said);
  });
}

function drawNetworks() {
  const drawn = [...document.querySelectorAll(".network")].map((figure) => new Network(figure));
  const chart = NUMBERS.charts.find((each) => each.moment);
  if (chart) document.getElementById("networks").before(make("div", { class: "tools" }, slider(drawn, NUMBERS.networks, chart)));
}

drawNetworks();
