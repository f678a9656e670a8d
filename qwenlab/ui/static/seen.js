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

let due = false;
new MutationObserver(() => {
  if (due) return;
  due = true;
  requestAnimationFrame(() => {
    due = false;
    for (const look of asked) look();
  });
}).observe(document.documentElement, { childList: true, subtree: true });

/** Where a library of Gradio's bundle is, by the name that bundle.py gives it. */
export function libraryAt(name) {
  const places = JSON.parse(document.getElementById("lab-libraries").textContent);
  return new URL(places[name], document.baseURI).href;
}
