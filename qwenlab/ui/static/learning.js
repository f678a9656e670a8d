// See it learn: shows the answers of the step that is chosen, and keeps the choice when the server sends the strip anew.
//
// `document.dispatchEvent(new CustomEvent("lab:step", { detail: { step: 20 } }))` chooses the step nearest to it.

import { whenSeen, whenSent } from "./seen.js";

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

// What Gradio has written anew is as the server sent it: the newest step, all questions folded.
whenSent(".learning", (strip) => {
  const known = memory(strip);
  const buttons = radios(strip);
  const chosen = known.step === null ? buttons.at(-1) : nearest(buttons, known.step);
  show(strip, chosen);
  for (const question of strip.querySelectorAll("details")) question.open = known.open.has(question.dataset.number);
  if (known.focused && document.activeElement === document.body) chosen.focus({ preventScroll: true });
});

whenSeen(".learning", (strip) => {
  strip.addEventListener("change", (event) => {
    if (event.target.type === "radio") choose(strip, event.target);
  });
  strip.addEventListener("click", (event) => {
    const question = event.target.closest("summary")?.parentElement;
    if (question) memory(strip).open[question.open ? "delete" : "add"](question.dataset.number); // it turns after this
  });
  strip.addEventListener("focusin", (event) => (memory(strip).focused = event.target.type === "radio"));
  // A strip that is replaced loses the keyboard without having been left.
  strip.addEventListener("focusout", () => {
    if (strip.isConnected) memory(strip).focused = false;
  });
});

document.addEventListener("lab:step", (event) => {
  for (const strip of document.querySelectorAll(".learning")) choose(strip, nearest(radios(strip), event.detail.step));
});
