// The Compare tab: marks what differs between answers, brings the columns into view, opens earlier comparisons, and
// lets blind rounds be played by keyboard.

import { whenSent } from "./seen.js";

const MOST_CELLS = 16_000_000;
const WHOLE = "#columns .columns:not(.growing)";
let marking = false;

// --- What differs, word by word. Texts alone are wrapped; nothing of them is ever read as markup.

/** The words of an answer: pieces of text nodes, or a formula as a whole. */
function wordsOf(said) {
  const words = [];
  const visit = (node) => {
    if (node.nodeType === Node.TEXT_NODE) {
      for (const match of node.data.matchAll(/[\p{L}\p{N}_]+|[^\s\p{L}\p{N}_]/gu)) {
        words.push({ word: match[0], node, from: match.index });
      }
    } else if (node.matches?.(".math")) {
      words.push({ word: node.dataset.tex, formula: node });
    } else if (!node.matches?.(".code-head")) {
      node.childNodes.forEach(visit);
    }
  };
  visit(said);
  return words;
}

/** Which words of each are not in a longest common subsequence of both. */
function differing(left, right) {
  const rows = left.length + 1;
  const columns = right.length + 1;
  if (rows * columns > MOST_CELLS) return null;
  const longest = new Uint16Array(rows * columns);
  for (let row = rows - 2; row >= 0; row--) {
    for (let column = columns - 2; column >= 0; column--) {
      const here = row * columns + column;
      longest[here] =
        left[row].word === right[column].word
          ? longest[here + columns + 1] + 1
          : Math.max(longest[here + columns], longest[here + 1]);
    }
  }
  const only = [new Set(left), new Set(right)];
  for (let row = 0, column = 0; row < left.length && column < right.length; ) {
    const here = row * columns + column;
    if (left[row].word === right[column].word) {
      only[0].delete(left[row++]);
      only[1].delete(right[column++]);
    } else if (longest[here + columns] >= longest[here + 1]) row++;
    else column++;
  }
  return only;
}

function mark(words, kind) {
  // From the end, so that the places of what comes before stay what they are.
  for (const { word, node, from, formula } of [...words].reverse()) {
    if (formula) {
      formula.classList.add("differs", kind);
      continue;
    }
    const found = node.splitText(from);
    found.splitText(word.length);
    const wrapped = document.createElement("mark");
    wrapped.className = `differs ${kind}`;
    found.replaceWith(wrapped);
    wrapped.append(found);
  }
}

function unmark(columns) {
  for (const found of columns.querySelectorAll(".differs")) {
    if (found.tagName === "MARK") {
      const parent = found.parentNode;
      found.replaceWith(...found.childNodes);
      parent.normalize();
    } else found.classList.remove("differs", "gone", "new");
  }
}

function compare(columns) {
  unmark(columns);
  if (!marking) return;
  const answers = [...columns.querySelectorAll(".answer:not(.data)")];
  const base = answers.find((answer) => answer.matches(".base")) ?? answers[0];
  const before = wordsOf(base.querySelector(".said"));
  const gone = new Set();
  for (const answer of answers) {
    if (answer === base) continue;
    const only = differing(before, wordsOf(answer.querySelector(".said")));
    if (!only) continue;
    only[0].forEach((word) => gone.add(word));
    mark(only[1], "new");
  }
  mark(before.filter((word) => gone.has(word)), "gone");
}

whenSent(WHOLE, compare);
whenSent("button.differ", pressed);

function pressed(button) {
  button.setAttribute("aria-pressed", marking);
}

document.addEventListener("click", (event) => {
  if (!event.target.closest("button.differ")) return;
  marking = !marking;
  document.querySelectorAll(WHOLE).forEach(compare);
  document.querySelectorAll("button.differ").forEach(pressed);
});

// --- Whoever asks sees the answers.

document.addEventListener("click", (event) => {
  if (event.target.closest("#ask, #next, #wait")) sought = true;
  if (event.target.closest("#ask-on")) soughtOn = true;
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && event.shiftKey && event.target.closest?.("#prompt")) sought = true;
});
let sought = false;
let soughtOn = false;

whenSent("#columns .columns.growing", (columns) => {
  if (soughtOn) columns.closest(".turn").scrollIntoView({ block: "nearest" });
  else if (sought && columns.getBoundingClientRect().top > innerHeight / 2) {
    document.getElementById("compare-bar").scrollIntoView({ block: "start" });
  }
  sought = soughtOn = false;
});

// --- Earlier comparisons.

document.addEventListener("click", (event) => {
  const entry = event.target.closest("#earlier button[data-show]");
  if (!entry) return;
  const look = document.querySelector("#look textarea, #look input");
  look.value = entry.dataset.show;
  look.dispatchEvent(new Event("input", { bubbles: true }));
  document.getElementById("compare-bar").scrollIntoView({ block: "start" });
});

// --- Blind rounds by keyboard, where no key means anything else.

const KEYS = { a: "vote-a", b: "vote-b", t: "vote-t", n: "next" };

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || event.repeat || event.defaultPrevented) return;
  if (event.target.closest?.("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable], [role=listbox]")) return;
  const button = document.getElementById(KEYS[event.key.toLowerCase()] ?? "");
  if (button && button.checkVisibility() && !button.disabled) button.click();
});
