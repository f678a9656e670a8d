// One line chart by Vega: a step or time axis, a linear or log axis, hover and keyboard values, and zoom.
//
// The chart is drawn once. What comes later is added to it, so that a zoom and a crosshair outlive the news.

import { libraryAt } from "./seen.js";

let library;
const embed = () => (library ??= import(libraryAt("vega")).then((module) => module.default));

/** The colours of the page around the element, light or dark. */
export function colours(element) {
  const style = getComputedStyle(element);
  const names = ["accent", "slate", "amber", "red", "violet", "blue", "ink", "line"];
  return Object.fromEntries(names.map((name) => [name, style.getPropertyValue(`--${name}`).trim() || "gray"]));
}

/** A number for people. */
export const short = (value) =>
  value === 0 ? "0" : Math.abs(value) >= 1000 ? Math.round(value).toLocaleString("en") : Number(value.toPrecision(4)).toString();

/** Exponentially weighted mean, with the bias of its beginning taken out, as TensorBoard's slider. */
export function smoothed(points, weight) {
  let mean = 0;
  return points.map(([x, y], index) => {
    mean = weight * mean + (1 - weight) * y;
    return [x, mean / (1 - weight ** (index + 1))];
  });
}

/**
 * A chart in `element`.
 *
 * Args:
 *   lines: [{name, colour, width?, opacity?, dash?, points?}], in the order in which they are drawn; `points` marks each value.
 *   options: {height, xName, xEnd, log, zoom: whether it can be, zoomed: called with the part of the x axis in view or
 *     null, marks: [{x, label}], dots: [{x, y, label}], said: called with {x, values} when the crosshair moves}.
 */
export class Plot {
  constructor(element, lines, options) {
    Object.assign(this, { element, lines, options, rows: new Map(lines.map((line) => [line.name, []])) });
    this.domain = null;
    this.drawn = null;
  }

  /** Replace all values: {name: [[x, y], ...]}. */
  set(values) {
    for (const [name] of this.rows) this.rows.set(name, (values[name] ?? []).filter(([, y]) => Number.isFinite(y)));
    return this.draw();
  }

  /** Add values at the ends of the lines. */
  async add(values) {
    const told = [];
    for (const [name, points] of Object.entries(values)) {
      const kept = points.filter(([, y]) => Number.isFinite(y));
      this.rows.get(name).push(...kept);
      told.push(...kept.map(([x, y]) => ({ line: name, x, y })));
    }
    if (!this.drawn) return this.draw();
    const view = await this.drawn;
    if (told.length) await view.insert("values", told).runAsync();
  }

  change(options) {
    Object.assign(this.options, options);
    return this.draw();
  }

  async draw() {
    const make = await embed();
    (await this.drawn)?.finalize();
    const spec = this.spec();
    this.drawn = make(this.element, spec, { actions: false, renderer: "svg", tooltip: false }).then((made) => made.view);
    const view = await this.drawn;
    // Vega gives each mark a role and none a name. The element around has a name, and its arrow keys tell the values.
    this.element.querySelector("svg")?.setAttribute("aria-hidden", "true");
    view.addSignalListener("at", (_, at) => this.point(at?.x?.[0]));
    this.zoomable(view);
    this.keys();
    return view;
  }

  /** Tell the values at the place nearest to x. */
  point(x) {
    if (x === undefined || x === null) return;
    this.at = x;
    const values = {};
    for (const [name, points] of this.rows) {
      let best = null;
      for (const [place, y] of points) if (!best || Math.abs(place - x) <= Math.abs(best[0] - x)) best = [place, y];
      if (best) values[name] = best;
    }
    this.options.said?.({ x, values });
  }

  zoomable(view) {
    if (!this.options.zoom) return;
    this.element.onpointerup = () => {
      const brushed = view.signal("brush")?.x;
      if (!brushed) return;
      const [low, high] = [...brushed].sort((a, b) => a - b);
      if (high - low > 1e-9) this.zoom([low, high]);
    };
    this.element.ondblclick = () => this.zoom(null);
  }

  zoom(domain) {
    this.domain = domain;
    this.options.zoomed?.(domain);
    return this.draw();
  }

  /** Arrow keys move the crosshair, for those who have no pointer. */
  keys() {
    const places = () => [...new Set([...this.rows.values()].flat().map(([x]) => x))].sort((a, b) => a - b);
    this.element.onkeydown = (event) => {
      const by = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity }[event.key];
      if (by === undefined) return;
      event.preventDefault();
      const known = places();
      const now = this.at === undefined ? known.length : known.findLastIndex((x) => x <= this.at);
      this.point(known[Math.min(known.length - 1, Math.max(0, now + by))]);
    };
  }

  spec() {
    const shade = colours(this.element);
    const { height, xName, log, marks = [], xEnd = 0, zoom } = this.options;
    const values = this.lines.flatMap((line) => this.rows.get(line.name).map(([x, y]) => ({ line: line.name, x, y })));
    const inView = ([x]) => !this.domain || (x >= this.domain[0] && x <= this.domain[1]);
    const highest = Math.max(xEnd, ...values.map((value) => value.x), 1);
    const xScale = { domain: this.domain ?? [0, highest], nice: false, clamp: false };
    const hasLow = log && values.every((value) => value.y > 0);
    const yScale = hasLow ? { type: "log", nice: true } : { zero: false, nice: true };
    const x = { field: "x", type: "quantitative", scale: xScale, title: xName, axis: { tickCount: 8, format: "~s", grid: false } };
    const y = { field: "y", type: "quantitative", scale: yScale, title: null, axis: { tickCount: 5, format: ".4~g" } };
    const layers = this.lines.map((line) => ({
      transform: [{ filter: { field: "line", equal: line.name } }],
      mark: {
        type: "line", clip: true, color: shade[line.colour], strokeWidth: line.width ?? 1.5, opacity: line.opacity ?? 1,
        strokeDash: line.dash ?? [], point: line.points ? { color: shade[line.colour], size: 28 } : false,
      },
      encoding: { x, y },
    }));
    if (marks.length)
      layers.unshift({
        data: { values: marks.filter((mark) => inView([mark.x])) },
        mark: { type: "rule", color: shade.amber, strokeDash: [3, 3], clip: true },
        encoding: { x: { ...x, field: "x" } },
      });
    for (const dot of this.options.dots ?? []) {
      if (!inView([dot.x])) continue;
      const text = { align: dot.x > 0.6 * highest ? "right" : "left", dx: dot.x > 0.6 * highest ? -6 : 6, dy: -10 };
      const place = { data: { values: [dot] }, encoding: { x, y } };
      layers.push({ ...place, mark: { type: "point", filled: true, size: 70, opacity: 1, color: shade.accent } });
      layers.push({
        ...place,
        mark: { type: "text", ...text, color: shade.accent, fontWeight: 600, fontSize: 12 },
        encoding: { x, y, text: { field: "label" } },
      });
    }
    const at = { name: "at", select: { type: "point", on: "pointermove", nearest: true, encodings: ["x"], clear: "pointerout" } };
    const brush = { name: "brush", select: { type: "interval", encodings: ["x"], clear: "dblclick", mark: { fillOpacity: 0.15 } } };
    layers.push({
      mark: { type: "point", opacity: 0, size: 60 },
      params: zoom ? [at, brush] : [at],
      encoding: { x, y },
    });
    layers.push({
      transform: [{ filter: { param: "at", empty: false } }],
      mark: { type: "rule", color: shade.slate, clip: true },
      encoding: { x },
    });
    return {
      $schema: "https://vega.github.io/schema/vega-lite/v6.json",
      width: "container", height, autosize: { type: "fit", contains: "padding" }, background: null,
      data: { name: "values", values }, layer: layers,
      config: {
        view: { stroke: null }, font: "system-ui, sans-serif",
        axis: { labelColor: shade.slate, titleColor: shade.slate, titleFontWeight: "normal", gridColor: shade.line,
          domainColor: shade.line, tickColor: shade.line, labelFontSize: 11, titleFontSize: 11 },
      },
    };
  }
}
