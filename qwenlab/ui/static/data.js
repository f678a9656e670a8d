// The Data tab: the role chosen above a column, all rows wanted, and how far an upload is.

import { whenSeen } from "./seen.js";

/** Tells the server, by the hidden field that it listens to. */
function wish(asked) {
  const field = document.querySelector("#data-wish textarea, #data-wish input");
  field.value = JSON.stringify({ ...asked, at: Date.now() }); // each is another, or nothing would be told
  field.dispatchEvent(new Event("input", { bubbles: true }));
}

let changed; // the column whose role was chosen: the table is drawn anew, and the keyboard stays where it was

whenSeen("#table select.role", (select) => {
  if (select.dataset.column === changed) {
    changed = undefined;
    select.focus();
  }
  select.addEventListener("change", () => {
    changed = select.dataset.column;
    wish({ column: changed, role: select.value });
  });
});

whenSeen("[data-use-all]", (button) => button.addEventListener("click", () => wish({ rows: "all" })));

// Gradio sends files by fetch, which does not tell how much is sent; XMLHttpRequest does.

const ordinary = window.fetch;

window.fetch = (resource, options) => {
  const isUpload = options?.body instanceof FormData && /\/upload\?upload_id=/.test(String(resource));
  return isUpload ? sent(String(resource), options) : ordinary(resource, options);
};

function sent(address, { body, headers, signal }) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", address);
    request.withCredentials = true;
    for (const [name, value] of new Headers(headers)) request.setRequestHeader(name, value);
    const said = saying();
    request.upload.addEventListener("progress", ({ loaded, total }) => said.so(loaded, total));
    request.addEventListener("load", () => {
      said.end();
      resolve(new Response(request.response, { status: request.status, statusText: request.statusText }));
    });
    for (const name of ["error", "abort"]) {
      request.addEventListener(name, () => {
        said.end();
        reject(new TypeError("The upload ended before all was sent."));
      });
    }
    signal?.addEventListener("abort", () => request.abort());
    request.send(body);
  });
}

/** A line below the drop zone for as long as something is sent. */
function saying() {
  const zone = document.querySelector("#upload");
  const line = document.createElement("div");
  line.className = "sending";
  line.innerHTML = '<progress max="100" aria-label="Sent"></progress><span role="status"></span>';
  zone?.after(line);
  const [bar, words] = line.children;
  const mega = (bytes) => (bytes / 1e6).toFixed(1);
  return {
    so(loaded, total) {
      const share = Math.floor((100 * loaded) / total);
      bar.value = share;
      words.textContent =
        loaded < total ? `Sent ${mega(loaded)} of ${mega(total)} MB, ${share} %` : `${mega(total)} MB sent; storing them`;
    },
    end: () => line.remove(),
  };
}
