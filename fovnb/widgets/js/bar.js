// Title, what is going on, and the buttons that every widget has. All text is data: textContent only.

const SIGNS = { ready: "✓", running: "…", waiting: "⟳", failed: "✗", cancelled: "■" };

function element(tag, className, parent, text = "") {
  const made = document.createElement(tag);
  made.className = className;
  made.textContent = text;
  parent.append(made);
  return made;
}

function render({ model, el }) {
  el.classList.add("fovnb-bar");
  const title = element("span", "fovnb-bar-title", el, model.get("title"));
  const said = element("span", "fovnb-bar-said", el);
  const sign = element("span", "fovnb-bar-sign", said);
  const text = element("span", "fovnb-bar-text", said);
  said.setAttribute("role", "status");
  const progress = element("progress", "fovnb-bar-progress", el);
  progress.max = 1;
  progress.setAttribute("aria-label", "progress");
  const buttons = new Map();
  for (const [name, label, help] of model.get("buttons")) {
    const button = element("button", "fovnb-button", el, label);
    button.type = "button";
    button.title = help;
    button.addEventListener("click", () => {
      model.set("clicked", { name, n: (model.get("clicked").n ?? 0) + 1 });
      model.save_changes();
    });
    buttons.set(name, button);
  }
  const detail = element("details", "fovnb-bar-detail", el);
  element("summary", "", detail, "Traceback");
  const trace = element("pre", "", detail);

  const show = () => {
    const status = model.get("status");
    el.dataset.phase = status.phase;
    el.dataset.recipe = status.recipe;
    sign.textContent = SIGNS[status.phase];
    text.textContent = status.text;
    progress.hidden = status.phase !== "running";
    if (status.fraction === null) progress.removeAttribute("value");
    else progress.value = status.fraction;
    detail.hidden = !status.detail;
    trace.textContent = status.detail;
    title.textContent = model.get("title");
    for (const [name, button] of buttons) {
      button.disabled = !status.enabled.includes(name);
      button.classList.toggle("fovnb-button-main", name === "update" && status.phase === "waiting");
    }
  };
  show();
  model.on("change:status", show);
  model.on("change:title", show);
  return () => {
    model.off("change:status", show);
    model.off("change:title", show);
  };
}

export default { render };
