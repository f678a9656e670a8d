// Tells of elements as they come into the page, whoever puts them there and whenever.

const asked = [];

/** Calls `act` once for each element that the selector finds, now or later. */
export function whenSeen(selector, act) {
  const known = new WeakSet();
  const look = () => {
    for (const element of document.querySelectorAll(selector)) {
      if (!known.has(element)) {
        known.add(element);
        act(element);
      }
    }
  };
  asked.push(look);
  look();
}

const marks = [];

/**
 * As `whenSeen`, and again whenever Gradio has written to the element. It does not replace what it has shown but changes
 * it in its place, which undoes what `act` made of the element, and takes away the mark that we leave on it.
 */
export function wheneverWritten(selector, act) {
  const mark = `data-seen-${marks.length}`;
  marks.push(mark);
  const look = () => {
    for (const element of document.querySelectorAll(`:is(${selector}):not([${mark}])`)) {
      element.setAttribute(mark, "");
      act(element);
    }
  };
  asked.push(look);
  watch();
  look();
}

let due = false;
const observer = new MutationObserver(() => {
  if (due) return;
  due = true;
  requestAnimationFrame(() => {
    due = false;
    for (const look of asked) look();
  });
});

function watch() {
  observer.observe(document.documentElement, {
    childList: true,
    subtree: true,
    attributes: marks.length > 0,
    ...(marks.length && { attributeFilter: marks }),
  });
}

watch();

/** Where a library of Gradio's bundle is, by the name that bundle.py gives it. */
export function libraryAt(name) {
  const places = JSON.parse(document.getElementById("lab-libraries").textContent);
  return new URL(places[name], document.baseURI).href;
}
