// Buttons that copy: `<button data-copy="SELECTOR">` takes the text of the nearest such element around or beside it.

import { whenSeen } from "./seen.js";

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

whenSeen("button[data-copy]", (button) => {
  const label = button.textContent;
  button.addEventListener("click", async () => {
    const source = button.closest("[data-copied]") ?? button.parentElement.querySelector("[data-copied]");
    await copied(source.dataset.copied || source.textContent);
    button.textContent = "Copied";
    setTimeout(() => (button.textContent = label), SHOWN_MS);
  });
});
