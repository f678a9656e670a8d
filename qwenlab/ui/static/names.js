// Names for what Gradio leaves without: the buttons that take one choice out of a list of several.

import { whenSent } from "./seen.js";

whenSent(".token-remove", (button) => {
  const token = button.parentElement?.textContent.trim();
  button.setAttribute("aria-label", button.classList.contains("remove-all") || !token ? "Remove all" : `Remove ${token}`);
});
