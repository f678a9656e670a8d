// What the head of the page says, in the window's title and to those who hear the page.

import { whenTold } from "./seen.js";

const spoken = document.createElement("div");
spoken.setAttribute("role", "status");
spoken.className = "spoken";

whenTold("data-title", (strip, title) => (document.title = title));
whenTold("data-said", (strip, said) => {
  if (!spoken.isConnected) document.body.append(spoken);
  spoken.textContent = said;
});
