// The Result tab: the card as a picture on the clipboard, and the tiles, which are filtered and opened here. What an
// opened item says comes from the server, which is told by the hidden field #item-asked.

import { whenSeen } from "./seen.js";

const SCALE = 2;
const SHOWN_MS = 2500;

async function picture() {
  const svg = document.querySelector("#evaluation-report svg.result-card");
  const image = new Image();
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(new XMLSerializer().serializeToString(svg))}`;
  await image.decode();
  const canvas = document.createElement("canvas");
  canvas.width = SCALE * svg.viewBox.baseVal.width;
  canvas.height = SCALE * svg.viewBox.baseVal.height;
  canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
  return new Promise((done) => canvas.toBlob(done, "image/png"));
}

async function copied() {
  try {
    // The promise, not what comes of it: some browsers take nothing once the click is over.
    await navigator.clipboard.write([new ClipboardItem({ "image/png": picture() })]);
    return "Copied";
  } catch {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(await picture());
    link.download = "result.png";
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), SHOWN_MS);
    return "Saved as result.png";
  }
}

whenSeen("#copy-card", (button) => {
  const label = button.textContent;
  button.addEventListener("click", async () => {
    button.textContent = await copied();
    setTimeout(() => (button.textContent = label), SHOWN_MS);
  });
});

function ask(what) {
  const field = document.querySelector("#item-asked :is(input, textarea)");
  field.value = what;
  field.dispatchEvent(new Event("input", { bubbles: true }));
}

whenSeen(".items", (items) => {
  const tiles = [...items.querySelectorAll("[role=option]")];
  const list = items.querySelector(".tiles");
  const filters = [...items.querySelectorAll("[data-show]")];
  let seen = tiles;
  let chosen = tiles.find((tile) => tile.getAttribute("aria-selected") === "true") ?? tiles[0];

  const reach = (tile) => {
    chosen?.setAttribute("tabindex", "-1");
    chosen = tile;
    chosen?.setAttribute("tabindex", "0");
  };

  const choose = (tile) => {
    chosen?.setAttribute("aria-selected", "false");
    reach(tile);
    tile?.setAttribute("aria-selected", "true");
    ask(`${items.dataset.suite}/${tile ? tiles.indexOf(tile) : ""}`);
  };

  const across = () => {
    const top = seen[0].offsetTop;
    const below = seen.findIndex((tile) => tile.offsetTop > top);
    return below < 0 ? seen.length : below;
  };

  const STEPS = {
    ArrowRight: () => 1,
    ArrowLeft: () => -1,
    ArrowDown: across,
    ArrowUp: () => -across(),
    Home: () => -seen.length,
    End: () => seen.length,
  };

  reach(chosen);
  list.addEventListener("click", (event) => {
    const tile = event.target.closest("[role=option]");
    if (tile) choose(tile);
  });
  list.addEventListener("keydown", (event) => {
    const step = STEPS[event.key];
    if (!step || !seen.length) return;
    event.preventDefault();
    const at = seen.indexOf(chosen) + step();
    // Upward and downward only to where there is a tile; to the ends from anywhere.
    const goes = event.key.startsWith("Arrow") ? at >= 0 && at < seen.length : true;
    if (!goes) return;
    choose(seen[Math.min(Math.max(at, 0), seen.length - 1)]);
    chosen.focus();
  });
  for (const filter of filters) {
    filter.addEventListener("click", () => {
      const { show } = filter.dataset;
      for (const each of filters) each.setAttribute("aria-pressed", String(each === filter));
      for (const tile of tiles) tile.hidden = Boolean(show) && !tile.classList.contains(show);
      seen = tiles.filter((tile) => !tile.hidden);
      items.querySelector(".none").hidden = seen.length > 0;
      if (!seen.includes(chosen)) choose(seen[0]);
    });
  }
});
