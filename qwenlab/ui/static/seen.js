// Tells of elements as they come into the page, whoever puts them there and whenever.
//
// Gradio's HTML changes what is there into what it should be, node by node: an element may stay and get another
// attribute, attributes and children that a script of ours has added are taken away, and listeners stay.

const asked = [];
const attributes = new Set();
let due = false;

const observer = new MutationObserver(() => {
  if (due) return;
  due = true;
  requestAnimationFrame(() => {
    due = false;
    for (const look of asked) look();
  });
});

function every(selector, act, attribute) {
  const look = () => document.querySelectorAll(selector).forEach(act);
  asked.push(look);
  if (attribute) attributes.add(attribute);
  const watched = attributes.size ? { attributes: true, attributeFilter: [...attributes] } : {};
  observer.observe(document.documentElement, { childList: true, subtree: true, ...watched });
  look();
}

/** Calls `act` once for each element that the selector finds, now or later. */
export function whenSeen(selector, act) {
  const known = new WeakSet();
  every(selector, (element) => {
    if (known.has(element)) return;
    known.add(element);
    act(element);
  });
}

/** Calls `act(element, value)` for each element with the attribute, and again whenever it has another value. */
export function whenTold(attribute, act) {
  const known = new WeakMap();
  const look = (element) => {
    const value = element.getAttribute(attribute);
    if (known.get(element) === value) return;
    known.set(element, value);
    act(element, value);
  };
  every(`[${attribute}]`, look, attribute);
}

let marks = 0;

/** Calls `act` for each element that the selector finds, and again whenever its content was put back as it was sent. */
export function whenSent(selector, act) {
  const mark = `data-done-${marks++}`;
  const look = (element) => {
    if (element.hasAttribute(mark)) return;
    element.setAttribute(mark, "");
    act(element);
  };
  every(selector, look, mark);
}

/** Where a library of Gradio's bundle is, by the name that bundle.py gives it. */
export function libraryAt(name) {
  const places = JSON.parse(document.getElementById("lab-libraries").textContent);
  return new URL(places[name], document.baseURI).href;
}
