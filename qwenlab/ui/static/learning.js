// See it learn: shows the answers of the step that is chosen, and keeps the choice when the server sends the strip anew.
//
// `document.dispatchEvent(new CustomEvent("lab:step", { detail: { step: 20 } }))` chooses the step nearest to it.

import { whenSeen } from "./seen.js";

// By the run's name: the step (null: whichever is the newest), the questions that are open, and whether the keyboard
// was in the strip.
const kept = new Map();

function memory(strip) {
  const run = strip.dataset.run;
  if (!kept.has(run)) kept.set(run, { step: null, open: new Set(), focused: false });
  return kept.get(run);
}

const radios = (strip) => [...strip.querySelectorAll("input[type=radio]")];

function nearest(buttons, step) {
  const distance = (button) => Math.abs(Number(button.dataset.step) - step);
  return buttons.reduce((best, button) => (distance(button) < distance(best) ? button : best));
}

function show(strip, button) {
  button.checked = true;
  const place = Number(button.value);
  for (const said of strip.querySelectorAll("[data-from]")) {
    said.hidden = place < Number(said.dataset.from) || Number(said.dataset.to) < place;
  }
  // The line may be longer than the card: the button comes into view, the page stays where it is.
  const line = strip.querySelector(".learning-line");
  const label = button.parentElement;
  line.scrollLeft = label.offsetLeft + label.offsetWidth / 2 - line.offsetLeft - line.clientWidth / 2;
}

function choose(strip, button) {
  const last = radios(strip).at(-1);
  memory(strip).step = button === last ? null : Number(button.dataset.step);
  show(strip, button);
}

whenSeen(".learning", (strip) => {
  const known = memory(strip);
  const buttons = radios(strip);
  const chosen = known.step === null ? buttons.at(-1) : nearest(buttons, known.step);
  show(strip, chosen);
  for (const question of strip.querySelectorAll("details")) {
    question.open = known.open.has(question.dataset.number);
    question.addEventListener("toggle", () => {
      known.open[question.open ? "add" : "delete"](question.dataset.number);
    });
  }
  if (known.focused && document.activeElement === document.body) chosen.focus({ preventScroll: true });
  strip.addEventListener("change", (event) => {
    if (event.target.type === "radio") choose(strip, event.target);
  });
  strip.addEventListener("focusin", (event) => (known.focused = event.target.type === "radio"));
  // A strip that is replaced loses the keyboard without having been left.
  strip.addEventListener("focusout", () => {
    if (strip.isConnected) known.focused = false;
  });
});

document.addEventListener("lab:step", (event) => {
  for (const strip of document.querySelectorAll(".learning")) choose(strip, nearest(radios(strip), event.detail.step));
});
