// See it learn: shows the answers of the step that is chosen, and keeps the choice when the server sends the strip anew.
//
// `document.dispatchEvent(new CustomEvent("lab:step", { detail: { step: 20 } }))` chooses the step nearest to it.

import { whenSeen } from "./seen.js";

// By the run's name: the step that is chosen (null: whichever is the newest), the one that is in view, and the questions
// that are open.
const kept = new Map();

function memory(strip) {
  const run = strip.dataset.run;
  if (!kept.has(run)) kept.set(run, { step: null, inView: null, open: new Set() });
  return kept.get(run);
}

const radios = (strip) => [...strip.querySelectorAll("input[type=radio]")];

function nearest(buttons, step) {
  const distance = (button) => Math.abs(Number(button.dataset.step) - step);
  return buttons.reduce((best, button) => (distance(button) < distance(best) ? button : best));
}

function show(strip) {
  const known = memory(strip);
  const buttons = radios(strip);
  if (!buttons.length) return;
  const chosen = known.step === null ? buttons.at(-1) : nearest(buttons, known.step);
  chosen.checked = true;
  const place = Number(chosen.value);
  for (const said of strip.querySelectorAll("[data-from]")) {
    said.hidden = place < Number(said.dataset.from) || Number(said.dataset.to) < place;
  }
  for (const question of strip.querySelectorAll("details")) {
    question.open = known.open.has(question.dataset.number);
  }
  if (known.inView !== chosen.dataset.step) {
    known.inView = chosen.dataset.step;
    // The line may be longer than the card: the button comes into view, the page stays where it is.
    const line = strip.querySelector(".learning-line");
    const label = chosen.parentElement;
    line.scrollLeft = label.offsetLeft + label.offsetWidth / 2 - line.offsetLeft - line.clientWidth / 2;
  }
}

function choose(strip, button) {
  memory(strip).step = button === radios(strip).at(-1) ? null : Number(button.dataset.step);
  show(strip);
}

whenSeen(".learning", (strip) => {
  show(strip);
  strip.addEventListener("change", (event) => {
    if (event.target.type === "radio") choose(strip, event.target);
  });
  strip.addEventListener("click", (event) => {
    const question = event.target.closest("summary")?.parentElement;
    // It is about to turn over. `toggle` tells of what the server sent, too.
    if (question) memory(strip).open[question.open ? "delete" : "add"](question.dataset.number);
  });
  // Gradio changes the elements that are there into those that the server sent, one attribute at a time.
  const sent = new MutationObserver(() => {
    show(strip);
    sent.takeRecords();
  });
  sent.observe(strip, { attributes: true, childList: true, subtree: true });
});

document.addEventListener("lab:step", (event) => {
  for (const strip of document.querySelectorAll(".learning")) choose(strip, nearest(radios(strip), event.detail.step));
});
