// Charts, drawn as SVG: stacked bars and lines over hours or days, with a cursor for pointer and keys.

import { scale } from "./chart-scale.js";
import { el, mark, say, svg } from "./dom.js";

const HEIGHT = 180;
const LEFT = 48;
const BOTTOM = 22;
const TOP = 8;

/**
 * A chart. `series`: `{name, tone, values}` with one value per place (null: none); `labels`: words per place; `kind`:
 * bars (stacked) or lines; `format` words a value. It is drawn anew when its width changes.
 */
export function chart({ title, kind, series, labels, marks, format, note = "" }) {
  const reading = el("p", { class: "reading", "aria-live": "polite" });
  const frame = el("div", { class: "plot", tabindex: "0", role: "application", "aria-label": title });
  const legend = el("ul", { class: "plain legend" }, series.map((one) => el("li", {}, el("i", { class: one.tone }), one.name)));
  const node = el("figure", { class: "card chart" }, el("figcaption", { class: "row between" }, el("h3", {}, title), el("span", { class: "soft" }, note)), legend, frame, reading);
  const data = { kind, series, labels, marks, format };
  let at = null;
  let cursor = null;
  let width = 0;

  function draw() {
    const drawn = drawChart(data, width);
    cursor = drawn.cursor;
    frame.replaceChildren(drawn.node);
    point(at);
  }
  function point(place) {
    at = place;
    mark(cursor, "visibility", place === null ? "hidden" : "visible");
    if (place === null) return say(reading, "\u00a0");
    const x = LEFT + ((place + 0.5) / labels.length) * (width - LEFT);
    for (const name of ["x1", "x2"]) mark(cursor, name, x);
    say(reading, `${labels[place]}: ${series.map((one) => `${one.name} ${one.values[place] === null ? "–" : format(one.values[place])}`).join(" · ")}`);
  }
  frame.addEventListener("pointermove", (event) => {
    const inside = (event.clientX - frame.getBoundingClientRect().left - LEFT) / (width - LEFT);
    point(inside < 0 || inside >= 1 ? null : Math.floor(inside * labels.length));
  });
  frame.addEventListener("pointerleave", () => point(null));
  frame.addEventListener("blur", () => point(null));
  frame.addEventListener("keydown", (event) => {
    const last = labels.length - 1;
    const to = { ArrowLeft: Math.max(0, (at ?? last + 1) - 1), ArrowRight: Math.min(last, (at ?? -1) + 1), Home: 0, End: last }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    point(to);
  });
  new ResizeObserver(([entry]) => {
    const now = Math.round(entry.contentRect.width);
    if (now === width || now < 80) return;
    width = now;
    draw();
  }).observe(frame);
  return node;
}

function drawChart(data, width) {
  const { kind, series, labels, format } = data;
  const most = kind === "bars" ? Math.max(0, ...labels.map((_, place) => sum(series, place))) : Math.max(0, ...series.flatMap((one) => one.values.filter((value) => value !== null)));
  const axis = scale(most);
  const y = (value) => HEIGHT - BOTTOM - (value / axis.top) * (HEIGHT - BOTTOM - TOP);
  const x = (place) => LEFT + (place / labels.length) * (width - LEFT);
  const cursor = svg("line", { class: "cursor", y1: TOP, y2: HEIGHT - BOTTOM, visibility: "hidden" });
  const grid = axis.steps.map((value) => [
    svg("line", { class: "grid", x1: LEFT, x2: width, y1: y(value), y2: y(value) }),
    svg("text", { x: LEFT - 8, y: y(value) + 4, "text-anchor": "end" }, format(value)),
  ]);
  const shapes = kind === "bars" ? bars(series, labels, x, y) : series.map((one) => line(one, x, y));
  const node = svg("svg", { viewBox: `0 0 ${width} ${HEIGHT}`, width, height: HEIGHT, "aria-hidden": "true" }, grid, below(data, x, width), cursor, shapes);
  return { node, cursor };
}

function sum(series, place) {
  return series.reduce((total, one) => total + (one.values[place] ?? 0), 0);
}

/** As many words below as have room. */
function below({ labels, marks }, x, width) {
  const every = Math.max(1, Math.ceil((labels.length * 64) / Math.max(1, width - LEFT)));
  return marks.map((words, place) => (place % every ? null : svg("text", { x: x(place + 0.5), y: HEIGHT - 6, "text-anchor": "middle" }, words)));
}

function bars(series, labels, x, y) {
  const thick = Math.max(1, Math.min(28, (x(1) - x(0)) * 0.72));
  return labels.map((_, place) => {
    let low = 0;
    return series.map((one) => {
      const value = one.values[place] ?? 0;
      if (!value) return null;
      const top = y(low + value);
      const tall = Math.max(1, y(low) - top);
      low += value;
      return svg("rect", { class: one.tone, x: x(place + 0.5) - thick / 2, y: top, width: thick, height: tall, rx: Math.min(2, thick / 4) });
    });
  });
}

/** A line with gaps where there is no value; a value between two gaps is a dot. */
function line(one, x, y) {
  const runs = [];
  one.values.forEach((value, place) => {
    if (value === null) return;
    const last = runs.at(-1);
    const point = [x(place + 0.5), y(value), place];
    if (last && last.at(-1)[2] === place - 1) last.push(point);
    else runs.push([point]);
  });
  return runs.map((run) =>
    run.length === 1
      ? svg("circle", { class: one.tone, cx: run[0][0], cy: run[0][1], r: 2.5 })
      : svg("polyline", { class: one.tone, points: run.map(([left, top]) => `${left},${top}`).join(" ") }),
  );
}
