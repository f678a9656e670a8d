// The losses of several runs over each other, on the Runs tab: `<div class="overlay" data-overlay="[...]">`, see
// history.py. Each run has its colour and its dash, so that no line hides another and none is told by colour alone.

import { Plot, short, smoothed } from "./plot.js";
import { whenSent } from "./seen.js";

const DASHES = [[], [8, 3], [2, 3], [10, 3, 2, 3], [5, 5], [12, 4]];
const wishes = { what: "validation", log: false, smooth: 0 };

whenSent(".overlay[data-overlay]", (place) => {
  const runs = JSON.parse(place.dataset.overlay);
  place.innerHTML = `
    <div class="plot-head"><b>Loss</b><span class="plot-controls">
      <label>of <select name="what"><option>validation</option><option>training</option></select></label>
      <label><input type="checkbox" name="log"> Log scale</label>
      <label>Smooth <input type="range" name="smooth" min="0" max="0.98" step="0.02"></label>
      <button type="button" name="all" hidden>All steps</button></span></div>
    <div class="overlay-keys"></div>
    <div class="plot" tabindex="0" role="application" aria-label="Losses of the runs: arrow keys tell the values"></div>
    <output class="plot-said" aria-live="polite"></output>`;
  const keys = place.querySelector(".overlay-keys");
  runs.forEach((run, place) => {
    const key = document.createElement("span");
    key.className = `overlay-key ${run.colour}`;
    key.innerHTML = `<svg width="26" height="6" aria-hidden="true"><path d="M0 3H26" stroke-dasharray="${DASHES[place]}"/></svg>`;
    key.append(run.name);
    keys.append(key);
  });
  const control = (name) => place.querySelector(`[name=${name}]`);
  if (!runs.some((run) => run.validation.length)) wishes.what = "training";
  control("what").value = wishes.what;
  control("log").checked = wishes.log;
  control("smooth").value = wishes.smooth;
  const said = ({ x, values }) => {
    const told = Object.entries(values).map(([name, [, y]]) => `${name} ${short(y)}`);
    place.querySelector("output").textContent = `step ${short(x)}: ${told.join("; ")}`;
  };
  let plot = null;
  const draw = () => {
    const lines = runs.map((run, index) => ({
      name: run.name, colour: run.colour, width: 2, dash: DASHES[index], points: wishes.what === "validation",
    }));
    const before = plot;
    plot = new Plot(place.querySelector(".plot"), lines, {
      height: 260, zoom: true, log: wishes.log, xName: "step", said,
      zoomed: (zoom) => (control("all").hidden = !zoom),
    });
    plot.domain = before?.domain ?? null;
    before?.drawn?.then((view) => view.finalize());
    const points = (run) => (wishes.smooth ? smoothed(run[wishes.what], wishes.smooth) : run[wishes.what]);
    return plot.set(Object.fromEntries(runs.map((run) => [run.name, points(run)])));
  };
  control("what").addEventListener("change", () => ((wishes.what = control("what").value), draw()));
  control("log").addEventListener("change", () => ((wishes.log = control("log").checked), draw()));
  control("smooth").addEventListener("input", () => ((wishes.smooth = Number(control("smooth").value)), draw()));
  control("all").addEventListener("click", () => plot.zoom(null));
  draw();
});
