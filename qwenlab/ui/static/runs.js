// The table of runs: opened by a click, chosen by a tick, sorted and filtered here.
//
// The server sends the table anew whenever a run has changed, and Gradio writes it into the rows that are there, in the
// server's order. Then it is put in order again, before it is painted, and whoever was in it by keyboard is in the same
// run again. What is opened and chosen stands in two hidden fields, which the server
// reads and writes too; here it is only shown.

import { whenSeen } from "./seen.js";

const order = { column: null, down: false };
let focused = null; // [run, what] of the control in the table that has the keyboard
let wanted = null; // the run that was opened here last, to be brought into view

const field = (id) => document.querySelector(`#${id} textarea, #${id} input`);
const value = (id) => field(id)?.value ?? "";
const table = () => document.querySelector("#history table");
const chosen = () => value("chosen").split("\n").filter(Boolean);

function set(id, text) {
  const element = field(id);
  if (!element || element.value === text) return;
  element.value = text;
  element.dispatchEvent(new Event("input", { bubbles: true }));
  show();
}

/** Tells the server of something that was asked for, even if it is the same as before. */
let asked = 0;
const ask = (id, name) => set(id, `${name}\n${(asked += 1)}`);

function words(filter) {
  return (filter.toLowerCase().match(/(?:tag:)?"[^"]*"?|\S+/g) ?? []).map((word) => {
    const tag = word.startsWith("tag:");
    return { tag, text: word.slice(tag ? 4 : 0).replaceAll('"', "") };
  });
}

function matches(row, wordsOfFilter) {
  const tags = (row.dataset.tags ?? "").toLowerCase().split("\n");
  return wordsOfFilter.every(({ tag, text }) => (tag ? tags.includes(text) : row.dataset.text.includes(text)));
}

/** Numbers as numbers, the rest as text; what has no value comes last, whichever way it is sorted. */
function compared(first, second) {
  const [a, b] = [first, second].map((row) => row.cells[order.column]?.dataset.by);
  if (a === undefined || b === undefined) return (a === undefined) - (b === undefined);
  const [x, y] = [Number(a), Number(b)];
  const sign = Number.isNaN(x) || Number.isNaN(y) ? a.localeCompare(b, undefined, { numeric: true }) : x - y;
  return order.down ? -sign : sign;
}

function sort(shown) {
  for (const button of shown.querySelectorAll("th [data-column]")) {
    const mine = Number(button.dataset.column) === order.column;
    button.parentElement.setAttribute("aria-sort", !mine ? "none" : order.down ? "descending" : "ascending");
  }
  if (order.column === null) return;
  const rows = [...shown.tBodies[0].rows];
  const sorted = rows.toSorted(compared);
  // Rows are moved only if they have to be: a row that is moved loses the keyboard.
  if (sorted.some((row, place) => row !== rows[place])) shown.tBodies[0].append(...sorted);
}

const UNITS = [["day", 86400], ["h", 3600], ["min", 60]];

function ago(time) {
  const seconds = (Date.now() - Date.parse(time)) / 1000;
  const [unit, length] = UNITS.find(([, each]) => seconds >= 1.5 * each) ?? ["s", 1];
  const count = Math.max(0, Math.round(seconds / length));
  return `${count} ${unit}${unit === "day" && count !== 1 ? "s" : ""} ago`;
}

function show() {
  const shown = table();
  const tools = document.querySelector(".runs-tools");
  if (tools) tools.hidden = !shown;
  if (!shown) return;
  const most = Number(shown.dataset.most);
  const opened = value("opened");
  const names = new Set([...shown.tBodies[0].rows].map((row) => row.dataset.run));
  const ticked = chosen();
  const left = ticked.filter((name) => names.has(name));
  const filter = words(document.getElementById("runs-filter")?.value ?? "");
  let count = 0;
  sort(shown);
  for (const row of shown.tBodies[0].rows) {
    const name = row.dataset.run;
    row.hidden = !matches(row, filter);
    count += !row.hidden;
    row.classList.toggle("opened", name === opened);
    row.querySelector(".open").setAttribute("aria-expanded", String(name === opened));
    const box = row.querySelector("input[type=checkbox]");
    box.checked = left.includes(name);
    box.disabled = !box.checked && left.length >= most;
    box.title = box.disabled ? `${most} runs at most are compared: take another one out first.` : "Compare";
    for (const time of row.querySelectorAll("time")) time.title = ago(time.dateTime);
  }
  told("runs-count", filter.length ? `${count} of ${names.size} runs` : "");
  told("runs-picked", left.length === 1 ? "1 run chosen: tick another to compare them" : left.length ? `${left.length} runs are compared` : "");
  document.getElementById("runs-clear").hidden = !left.length;
  if (left.length !== ticked.length) set("chosen", left.join("\n"));
  restoreFocus(shown);
  watcher.takeRecords(); // what was changed here is no news
}

const watcher = new MutationObserver(show);

function told(id, text) {
  const element = document.getElementById(id);
  if (element && element.textContent !== text) element.textContent = text;
}

const KINDS = ["input[type=checkbox]", ".open", "[data-tag]"];

function restoreFocus(shown) {
  const active = document.activeElement ?? document.body;
  if (!focused || !(active === document.body || shown.contains(active))) return;
  const [run, what] = focused;
  if (run !== null && active.closest("tr")?.dataset.run === run) return;
  const place = run === null ? shown.tHead : [...shown.tBodies[0].rows].find((row) => row.dataset.run === run);
  place?.querySelector(what)?.focus({ preventScroll: true });
}

document.addEventListener("focusin", ({ target }) => {
  const row = target.closest("#history tr");
  if (!row) focused = null;
  else if (target.dataset.column) focused = [null, `[data-column="${target.dataset.column}"]`];
  else focused = [row.dataset.run ?? null, KINDS.find((kind) => target.matches(kind)) ?? ".open"];
});
document.addEventListener("pointerdown", ({ target }) => {
  if (!target.closest("#history")) focused = null;
});

function open(name) {
  wanted = value("opened") === name ? null : name;
  set("opened", wanted ?? "");
}

function pick(name, on) {
  const others = chosen().filter((each) => each !== name);
  set("chosen", (on ? [...others, name] : others).join("\n"));
}

function sortBy(button) {
  const column = Number(button.dataset.column);
  order.down = order.column === column ? !order.down : button.dataset.first === "descending";
  order.column = column;
  show();
}

function filterBy(tag) {
  const box = document.getElementById("runs-filter");
  box.value = /\s/.test(tag) ? `tag:"${tag}"` : `tag:${tag}`;
  show();
}

document.addEventListener("click", ({ target }) => {
  const button = target.closest("button");
  if (button?.id === "runs-clear") set("chosen", "");
  if (button?.dataset.putBack) ask("put-back", button.dataset.putBack);
  if (button?.dataset.removeRun) ask("remove-run", button.dataset.removeRun);
  if (button?.dataset.removeExport) ask("remove-export", button.dataset.removeExport);
  const row = target.closest("#history tr");
  if (!row) return;
  if (button?.dataset.column) sortBy(button);
  else if (button?.dataset.tag) filterBy(button.dataset.tag);
  else if (target.matches("input[type=checkbox]")) pick(row.dataset.run, target.checked);
  else if (row.dataset.run && !String(getSelection())) open(row.dataset.run);
});
document.addEventListener("input", ({ target }) => {
  if (target.id === "runs-filter") show();
});
window.addEventListener("runs-set", show);

whenSeen("#history", (history) => {
  watcher.observe(history, { attributes: true, characterData: true, childList: true, subtree: true });
  show();
});
whenSeen("#runs-filter", show);
whenSeen("[data-shown]", (element) => {
  if (element.dataset.shown !== wanted) return;
  wanted = null;
  document.getElementById("run-details").scrollIntoView({ block: "nearest", behavior: "smooth" });
});
