// A section of the report: sentences, lists, tables, pictures. All text is data: textContent only.

function element(tag, className, parent, text = "") {
  const made = document.createElement(tag);
  made.className = className;
  made.textContent = text;
  parent.append(made);
  return made;
}

const kindClass = (kind) => (kind ? `fovnb-section-${kind}` : "");

const MAKERS = {
  Paragraph: (block, parent) => element("p", kindClass(block.kind), parent, block.text),
  Items: (block, parent) => {
    if (!block.texts.length) return;
    const list = element("ul", "", parent);
    for (const text of block.texts) element("li", kindClass(block.kind), list, text);
  },
  Table: (block, parent) => {
    const wide = element("div", "fovnb-section-wide", parent);
    wide.tabIndex = 0;
    const table = element("table", "", wide);
    const head = element("tr", "", element("thead", "", table));
    for (const name of block.head) element("th", "", head, name).scope = "col";
    const body = element("tbody", "", table);
    block.rows.forEach((cells, i) => {
      const row = element("tr", kindClass(block.kinds[i]), body);
      for (const cell of cells) element("td", "", row, cell);
    });
  },
  Picture: (block, parent, urls) => {
    const image = element("img", "", parent);
    image.alt = block.alt;
    image.src = URL.createObjectURL(new Blob([block.content], { type: `image/${block.format}` }));
    urls.push(image.src);
  },
};

const isBad = (block) => block.kind === "bad" || (block.kinds ?? []).includes("bad");

function render({ model, el }) {
  el.classList.add("fovnb-section");
  const box = element("details", "", el);
  const summary = element("summary", "", box, model.get("title"));
  const sign = element("span", "fovnb-section-sign", summary);
  const waits = element("span", "fovnb-section-waits", summary, "being made");
  element("p", "fovnb-section-what", box, model.get("about"));
  const content = element("div", "fovnb-section-content", box);
  let urls = [];
  let newest = 0;

  // The old content stays until the new pictures are decoded, so that nothing jumps.
  const showBlocks = async () => {
    const turn = ++newest;
    const blocks = model.get("blocks");
    const recipe = model.get("recipe");
    const made = document.createElement("div");
    const madeUrls = [];
    for (const block of blocks) MAKERS[block.type](block, made, madeUrls);
    await Promise.allSettled([...made.querySelectorAll("img")].map((image) => image.decode()));
    const gone = turn === newest ? urls : madeUrls;
    if (turn === newest) {
      content.replaceChildren(...made.childNodes);
      sign.textContent = blocks.some(isBad) ? "✗ odd" : "";
      for (const image of content.querySelectorAll("img")) image.dataset.recipe = recipe;
      el.dataset.recipe = recipe;
      urls = madeUrls;
    }
    gone.forEach(URL.revokeObjectURL);
  };
  const showStale = () => {
    el.dataset.stale = model.get("stale");
    content.setAttribute("aria-busy", String(model.get("stale")));
    waits.hidden = !model.get("stale") || !model.get("looked_at");
  };
  const showOpen = () => {
    box.open = model.get("looked_at");
    showStale();
  };
  box.addEventListener("toggle", () => {
    if (box.open === model.get("looked_at")) return;
    model.set("looked_at", box.open);
    model.save_changes();
  });
  const shown = { blocks: showBlocks, stale: showStale, looked_at: showOpen };
  for (const [name, show] of Object.entries(shown)) {
    show();
    model.on(`change:${name}`, show);
  }
  return () => {
    for (const [name, show] of Object.entries(shown)) model.off(`change:${name}`, show);
    newest++;
    urls.forEach(URL.revokeObjectURL);
  };
}

export default { render };
