// Buttons that copy: `<button data-copy>` takes the text of the `[data-copied]` around it, or beside or after it.

const SHOWN_MS = 1500;

async function copied(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  // Browsers have no clipboard for a page over plain http of another machine.
  const area = document.createElement("textarea");
  area.value = text;
  document.body.append(area);
  area.select();
  document.execCommand("copy");
  area.remove();
}

function source(button) {
  const around = button.closest("[data-copied]");
  if (around) return around;
  for (let place = button.parentElement; place; place = place.parentElement) {
    const found = place.querySelector("[data-copied]");
    if (found) return found;
  }
  return null;
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest?.("button[data-copy]");
  const from = button && source(button);
  if (!from) return;
  await copied(from.dataset.copied || from.textContent);
  const label = button.textContent;
  button.textContent = "Copied";
  setTimeout(() => (button.textContent = label), SHOWN_MS);
});
