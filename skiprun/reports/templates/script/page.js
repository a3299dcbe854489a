"use strict";
// The page that answers: which networks and seeds its charts show; what was chosen outlives a reload.

const KEPT = `skiprun ${location.pathname}`;
const NUMBERS = JSON.parse(document.getElementById("charts").textContent);

/** Return what was chosen before the page was loaded anew. */
function recalled() {
  try {
    return JSON.parse(sessionStorage.getItem(KEPT) ?? "{}");
  } catch {
    return {}; // where a browser keeps nothing, choices last as long as the page
  }
}

function keep(choice) {
  try {
    sessionStorage.setItem(KEPT, JSON.stringify(choice));
  } catch {}
}

/** Return a box to tick for something that is shown unless it is in a list. */
function box(label, value, hidden, changed) {
  const tick = make("input", { type: "checkbox", value });
  tick.checked = !hidden.includes(value);
  tick.onchange = () => {
    if (tick.checked) hidden.splice(hidden.indexOf(value), 1);
    else hidden.push(value);
    changed();
  };
  return make("label", {}, tick, ...label);
}

/** Return the sample of a line. */
function sample({ color, dashes }) {
  const line = { x1: 0, x2: 28, y1: 5, y2: 5, class: "line", style: `stroke:${color};stroke-dasharray:${dashes}` };
  return draw("svg", { width: 28, height: 10, class: "sample", "aria-hidden": "true" }, draw("line", line));
}

/** Return the controls of all charts: networks, seeds, means or every run. */
function controls(networks, choice, changed) {
  const boxes = Object.entries(networks).map(([index, each]) => box([sample(each), each.name], Number(index), choice.networks, changed));
  const seeds = [...new Set(Object.values(networks).flatMap((each) => each.seeds))].sort((one, other) => one - other);
  const parts = [make("fieldset", {}, make("legend", {}, "networks"), ...boxes)];
  if (seeds.length > 1) parts.push(make("fieldset", {}, make("legend", {}, "seeds"), ...seeds.map((seed) => box([` ${seed}`], seed, choice.seeds, changed)), every(choice, changed)));
  return make("form", { class: "choice", "aria-label": "what the figures show" }, ...parts);
}

function every(choice, changed) {
  const tick = make("input", { type: "checkbox", id: "every" });
  tick.checked = choice.every;
  tick.onchange = () => {
    choice.every = tick.checked;
    changed();
  };
  return make("label", { class: "every" }, tick, " each by itself");
}

/** Let words be explained where they stand, under the pointer and under the keyboard's focus. */
function explainWords() {
  const tip = make("div", { class: "tip of-word", role: "tooltip", hidden: "" });
  document.body.append(tip);
  const hide = () => (tip.hidden = true);
  document.addEventListener("keydown", (event) => event.key === "Escape" && hide());
  for (const word of document.querySelectorAll("a.word")) {
    const meaning = word.title;
    word.removeAttribute("title");
    word.setAttribute("aria-description", meaning);
    word.onpointerenter = word.onfocus = () => {
      tip.textContent = meaning;
      tip.hidden = false;
      const at = word.getBoundingClientRect(), furthest = document.documentElement.clientWidth - tip.offsetWidth - 8;
      tip.style.cssText = `top:${at.bottom + 6}px;left:${Math.max(8, Math.min(at.left, furthest))}px`;
    };
    word.onpointerleave = word.onblur = hide;
  }
}

/** Return what the focus may be on, by words that are the same on a page loaded anew. */
function focusable() {
  const controls = [...document.querySelectorAll("a, input, summary, [tabindex]")];
  const words = (each) => each.closest("label")?.textContent ?? each.ariaLabel ?? each.textContent;
  return new Map(controls.map((each) => [`${each.closest("figure")?.id} ${each.type} ${words(each)}`, each]));
}

/** Let what has the focus have it again on a page loaded anew. */
function keepFocus(choice) {
  focusable().get(choice.focus)?.focus({ preventScroll: true });
  addEventListener("pagehide", () => {
    const found = [...focusable()].find(([, each]) => each === document.activeElement);
    keep({ ...choice, focus: found?.[0] });
  });
}

/** Load the page of runs that go on anew, unless somebody is reading a value. */
function stayCurrent(seconds) {
  if (seconds) setInterval(() => document.querySelector(".tip:not([hidden])") || location.reload(), 1000 * seconds);
}

function begin() {
  const { networks, charts } = NUMBERS;
  const choice = { networks: [], seeds: [], every: false, log: {}, step: null, ...recalled() };
  const changed = (only) => {
    keep(choice);
    for (const view of only ? [only] : views) view.show();
  };
  const views = charts.map((chart) => new View(chart, networks, choice, changed));
  document.querySelector(".figures").before(controls(networks, choice, changed));
  document.documentElement.classList.add("answers-to-the-hand");
  addEventListener("beforeprint", () => views.forEach((view) => view.show(ON_PAPER)));
  addEventListener("afterprint", () => views.forEach((view) => view.show()));
  changed();
  explainWords();
  keepFocus(choice);
  stayCurrent(Number(document.documentElement.dataset.reload));
}

begin();
