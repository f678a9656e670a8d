// The curves of a run on the Train tab. They stay; what is new comes as `<i class="news" data-news="{...}">`, see
// curves.py, and is added to what is there.

import { Plot, short, smoothed } from "./plot.js";
import { whenSeen, whenTold } from "./seen.js";

const LARGE = ["loss", "eval_loss", "time"]; // all others are drawn small, under their names
const SMOOTHED = "training, smoothed";

let shown = null; // {key, total, series, marks, plot, small}
const wishes = { log: false, smooth: 0, time: false };

// The place before the news: what is told needs somewhere to stand.
whenSeen(".plots", (place) => {
  build(place);
  if (shown) redraw();
});
whenTold("data-news", (news, told) => take(JSON.parse(told)));

function take(news) {
  if (!news.key) {
    shown = null;
    document.querySelector(".plots")?.setAttribute("hidden", "");
    return;
  }
  const isOther = shown?.key !== news.key;
  if (isOther) shown = { key: news.key, series: {}, times: [], marks: [] };
  shown.total = news.total;
  shown.marks = news.marks ?? shown.marks;
  const added = {};
  for (const [name, points] of Object.entries(news.series)) {
    const line = (shown.series[name] ??= []);
    const last = line.at(-1)?.[0] ?? -1;
    added[name] = points.filter(([step]) => step > last);
    line.push(...added[name]);
  }
  const place = document.querySelector(".plots");
  if (!place) return;
  place.removeAttribute("hidden");
  if (isOther || news.marks || !place.plot) redraw();
  else grow(place, added);
}

function build(place) {
  place.innerHTML = `
    <div class="plot-head"><b>Loss</b> <span class="key slate">training</span> <span class="key accent">validation</span>
      <span class="plot-controls">
        <label><input type="checkbox" name="log"> Log scale</label>
        <label><input type="checkbox" name="time"> By time</label>
        <label>Smooth <input type="range" name="smooth" min="0" max="0.98" step="0.02" value="0"></label>
        <button type="button" name="all" hidden>All steps</button>
      </span></div>
    <div class="plot" tabindex="0" role="application" aria-label="Loss by step: arrow keys tell the values"></div>
    <output class="plot-said" aria-live="polite"></output>
    <details class="plot-small"><summary>Learning rate, gradient norm, speed</summary><div class="row"></div></details>`;
  const control = (name) => place.querySelector(`[name=${name}]`);
  for (const name of ["log", "time"]) {
    control(name).checked = wishes[name];
    control(name).addEventListener("change", () => ((wishes[name] = control(name).checked), redraw()));
  }
  control("smooth").value = wishes.smooth;
  control("smooth").addEventListener("input", () => ((wishes.smooth = Number(control("smooth").value)), redraw()));
  control("all").addEventListener("click", () => place.plot?.zoom(null));
  place.querySelector(".plot-small").addEventListener("toggle", () => drawSmall(place));
}

function along(points) {
  // By time: the training's own points say when each step was; a validation's place lies between them.
  if (!wishes.time) return points;
  const times = shown.series.time ?? [];
  return points.map(([step, y]) => {
    let after = times.findIndex(([known]) => known >= step);
    if (after < 0) after = times.length - 1;
    return [after < 0 ? 0 : times[after][1] / 60, y];
  });
}

function values() {
  const training = shown.series.loss ?? [];
  const found = { training: along(training), validation: along(shown.series.eval_loss ?? []) };
  if (wishes.smooth) found[SMOOTHED] = along(smoothed(training, wishes.smooth));
  return found;
}

function lines() {
  const raw = { name: "training", colour: "slate", width: 1, opacity: wishes.smooth ? 0.35 : 1 };
  const smooth = wishes.smooth ? [{ name: SMOOTHED, colour: "slate", width: 2 }] : [];
  return [raw, ...smooth, { name: "validation", colour: "accent", width: 2, points: true }];
}

async function redraw() {
  const place = document.querySelector(".plots");
  if (!place || !shown) return;
  const element = place.querySelector(".plot");
  const domain = place.plot?.key === shown.key && place.plot?.time === wishes.time ? place.plot.domain : null;
  const found = values();
  const plot = new Plot(element, lines(), {
    dots: best(found.validation),
    height: 260, zoom: true, log: wishes.log, xName: wishes.time ? "minutes" : "step", xEnd: wishes.time ? 0 : shown.total,
    marks: along(shown.marks.map(([step, label]) => [step, label])).map(([x, label]) => ({ x, label })),
    said: (at) => tell(place, at),
    zoomed: (zoom) => (place.querySelector("[name=all]").hidden = !zoom),
  });
  Object.assign(plot, { domain, key: shown.key, time: wishes.time });
  place.plot?.drawn?.then((view) => view.finalize());
  place.plot = plot;
  await plot.set(found);
  drawSmall(place);
}

/** The lowest validation loss after the training began, with its number. */
function best(validation) {
  const trained = validation.filter(([x, y]) => x > 0 && Number.isFinite(y));
  if (!trained.length) return [];
  const [x, y] = trained.reduce((low, point) => (point[1] < low[1] ? point : low));
  return [{ x, y, label: `best ${y.toFixed(3)}` }];
}

function grow(place, added) {
  if (wishes.smooth || wishes.time || added.eval_loss?.length) return redraw();
  drawSmall(place);
  return place.plot.add({ training: added.loss ?? [], validation: added.eval_loss ?? [] });
}

function drawSmall(place) {
  const fold = place.querySelector(".plot-small");
  if (!fold.open || !shown) return;
  const row = fold.querySelector(".row");
  for (const [title, points] of Object.entries(shown.series)) {
    if (LARGE.includes(title) || !points.length) continue;
    let box = [...row.children].find((each) => each.dataset.name === title);
    if (!box) {
      box = document.createElement("div");
      box.dataset.name = title;
      box.innerHTML = `<span class="quiet"></span><div class="plot"></div>`;
      box.querySelector("span").textContent = title;
      row.append(box);
      box.plot = new Plot(box.querySelector(".plot"), [{ name: title, colour: "slate", width: 1.2 }], { height: 90, xName: null });
    }
    if (box.key !== shown.key || box.count > points.length) {
      box.plot.set({ [title]: points });
    } else {
      box.plot.add({ [title]: points.slice(box.count) });
    }
    Object.assign(box, { key: shown.key, count: points.length });
  }
}

function tell(place, { x, values }) {
  const told = Object.entries(values).map(([name, [, y]]) => `${name} ${short(y)}`);
  const marks = shown.marks.filter(([step]) => !wishes.time && Math.abs(step - x) < 0.5).map(([, label]) => label);
  const where = wishes.time ? `${short(x)} min` : `step ${short(x)}`;
  place.querySelector(".plot-said").textContent = [`${where}: ${told.join(", ")}`, ...marks].join(" · ");
  if (!wishes.time) document.dispatchEvent(new CustomEvent("lab:step", { detail: { step: x } }));
}
