// Typesets TeX in `<span class="math" data-tex="…">` by KaTeX, which is fetched once there is any.
// KaTeX makes elements of its own from the text; with `trust: false` none of them has a link, a class or a style that
// the text names. What it cannot read stays as it was written.

import { libraryAt, whenSeen } from "./seen.js";

let library;

function katex() {
  if (!library) {
    const style = document.createElement("link");
    style.rel = "stylesheet";
    style.href = libraryAt("katexStyle");
    document.head.append(style);
    library = import(libraryAt("katex")).then((module) => module.default);
  }
  return library;
}

async function typeset(element) {
  const options = { displayMode: element.classList.contains("block"), maxExpand: 200, maxSize: 20, trust: false };
  try {
    (await katex()).render(element.dataset.tex, element, options);
  } catch (error) {
    element.title = error.message;
  }
}

whenSeen(".math[data-tex]", (element) => {
  typeset(element);
  // When the server sends the answer anew, Gradio puts the TeX back into the element that is there.
  new MutationObserver(() => {
    if (!element.querySelector(".katex")) typeset(element);
  }).observe(element, { childList: true });
});
