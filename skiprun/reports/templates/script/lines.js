"use strict";
// From the numbers of the page to the lines of a chart: the runs that are chosen, each or in the mean.

/** Return the runs of a chart that are chosen. */
function chosenRuns(chart, choice) {
  return chart.runs.filter((run) => !choice.networks.includes(run.network) && !choice.seeds.includes(run.seed));
}

/** Return the moments of a chart, [step, epoch], in order. */
function momentsOf(chart) {
  const steps = new Map(chart.places.flat().map((moment) => [moment[0], moment]));
  return [...steps.values()].sort((one, other) => one[0] - other[0]);
}

/** Return a slider through moments of training, which says each in words and gives it to who shows it. */
function momentSlider(moments, first, show) {
  const output = make("output");
  const range = make("input", { type: "range", min: 0, max: moments.length - 1, "aria-label": "step of training" });
  const tell = (moved) => {
    const moment = moments[range.value], said = moment ? `step ${moment[0]}, epoch ${moment[1]}` : "median over training";
    output.textContent = said;
    range.setAttribute("aria-valuetext", said);
    show(moment, said, moved);
  };
  range.value = first;
  range.oninput = () => tell(true);
  tell(false);
  return make("label", { class: "moment" }, range, output);
}

/** Return the points of a run: of a chart over depth, at its last moment up to a step. */
function pointsOf(chart, run, network, step) {
  const places = chart.places[run.at];
  if (chart.kind !== "depth") return run.values.map((y, index) => ({ x: places[index], y, at: `${chart.x} ${places[index]}` }));
  const moment = chart.moment ? Math.max(0, places.findLastIndex((each) => each[0] <= step)) : 0;
  return (run.values[moment] ?? []).map((y, index) => {
    return { x: network.depths[index], y, at: `layer ${network.layers[index]}, depth ${digits(network.depths[index])}` };
  });
}

/** Return the lines of a chart: one a run, or one a network with its range. */
function linesOf(chart, networks, choice, step) {
  const found = [];
  for (const [index, network] of Object.entries(networks)) {
    const runs = chosenRuns(chart, choice).filter((run) => run.network === Number(index));
    const every = runs.map((run) => ({ run, points: shown(pointsOf(chart, run, network, step), chart.log) }));
    const single = ({ run, points }) => ({
      name: network.name, look: network, thin: runs.length > 1, ending: run === runs[0],
      points: points.map((each) => ({ ...each, low: each.y, high: each.y, cells: [`${network.name}, seed ${run.seed}`, each.at, digits(each.y)] })),
    });
    if (choice.every || runs.length === 1) found.push(...every.map(single));
    else if (runs.length) found.push(meanLine(chart, network, every));
  }
  return found.filter((line) => line.points.length);
}

/** Return the points that an axis can show. */
function shown(points, log) {
  return points.filter((each) => each.y !== null && (!log || each.y > 0));
}

/** Return the line through the means of runs, with the lowest and highest value at each place. */
function meanLine(chart, network, runs) {
  const places = new Map();
  for (const { points } of runs)
    for (const each of points) places.set(each.x, [...(places.get(each.x) ?? []), each]);
  const points = [...places].sort((one, other) => one[0] - other[0]).map(([x, all]) => {
    const values = all.map((each) => each.y), y = mean(values, chart.geometric);
    const [low, high] = [Math.min(...values), Math.max(...values)];
    const range = low < high ? `${digits(y)} (${digits(low)} to ${digits(high)})` : digits(y);
    return { x, y, low, high, cells: [`${network.name}, mean of ${values.length} seeds`, all[0].at, range] };
  });
  return { name: network.name, look: network, points, ending: true };
}

/** Return the arithmetic mean, or the geometric one of values above 0. */
function mean(values, geometric) {
  const over = (all) => all.reduce((sum, value) => sum + value, 0) / all.length;
  return geometric && Math.min(...values) > 0 ? Math.exp(over(values.map(Math.log))) : over(values);
}

/** Return the rows of a chart of scores. */
function rowsOf(chart, networks, choice) {
  const runs = chosenRuns(chart, choice).filter((run) => !chart.log || run.values > 0);
  return Object.entries(networks).filter(([index]) => runs.some((run) => run.network === Number(index))).map(([index, network]) => {
    const points = runs.filter((run) => run.network === Number(index)).map((run) => {
      return { x: run.values, cells: [`${network.name}, seed ${run.seed}`, chart.x, digits(run.values)] };
    });
    const { n, mean: x, low, high } = chart.means[index];
    const interval = low === null ? "" : ` (95 % interval ${digits(low)} to ${digits(high)})`;
    return { name: network.name, look: network, points, mean: { x, low, high, cells: [`${network.name}, mean of ${n} seeds`, chart.x, digits(x) + interval] } };
  });
}

/** Return which values the axes of a chart reach over: at all moments, so that nothing jumps between them. */
function extentOf(chart, lines, networks, choice) {
  if (chart.kind === "dots") {
    const means = lines.flatMap((line) => [line.mean.x, line.mean.low, line.mean.high]);
    const values = [...lines.flatMap((line) => line.points.map((each) => each.x)), ...means.filter((value) => value !== null)];
    return { x: values.filter((value) => !chart.log || value > 0) };
  }
  const points = lines.flatMap((line) => line.points);
  if (!chart.moment) return { x: points.map((each) => each.x), y: points.flatMap((each) => [each.low, each.high]) };
  const values = chosenRuns(chart, choice).flatMap((run) => run.values.flat());
  return { x: [0, 1], y: values.filter((value) => value !== null && (!chart.log || value > 0)) };
}
