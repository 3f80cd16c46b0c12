// The line that says what became of a button, and asks before a file is replaced. All text is data: textContent only.

function element(tag, className, parent, text = "") {
  const made = document.createElement(tag);
  made.className = className;
  made.textContent = text;
  parent.append(made);
  return made;
}

function press(model, name) {
  model.set("clicked", { name, n: (model.get("clicked").n ?? 0) + 1 });
  model.save_changes();
}

function buttonFor(model, parent, name, label, help) {
  const button = element("button", "fovnb-button", parent, label);
  button.type = "button";
  button.title = help;
  button.addEventListener("click", () => press(model, name));
  return button;
}

const SAID_SIGNS = { good: "✓", bad: "✗", busy: "…", ask: "?" };

// Returns what shows model.said; `buttons` wait while something is being done.
function saidLine(model, parent, buttons) {
  const line = element("div", "fovnb-said", parent);
  const words = element("span", "fovnb-said-words", line);
  words.setAttribute("role", "status");
  const sign = element("span", "fovnb-said-sign", words);
  sign.setAttribute("aria-hidden", "true");
  const text = element("span", "fovnb-said-text", words);
  const answers = element("span", "fovnb-said-answers", line);
  const replace = buttonFor(model, answers, "replace", "Replace", "write over the file that exists");
  buttonFor(model, answers, "keep", "Keep it", "leave the file as it is");
  const detail = element("details", "fovnb-said-detail", line);
  element("summary", "", detail, "Traceback");
  const trace = element("pre", "", detail);
  trace.tabIndex = 0;
  let before = "";
  return () => {
    const said = model.get("said");
    const kind = said.kind ?? "";
    line.dataset.kind = kind;
    line.hidden = !kind;
    sign.textContent = SAID_SIGNS[kind] ?? "";
    text.textContent = said.text ?? "";
    trace.textContent = said.detail ?? "";
    detail.hidden = !said.detail;
    answers.hidden = kind !== "ask";
    for (const button of buttons) button.disabled = kind === "busy";
    if (kind === "ask" && before !== "ask") replace.focus();
    before = kind;
  };
}
