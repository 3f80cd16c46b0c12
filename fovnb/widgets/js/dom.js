// What our components have in common; it stands in front of their own text, in one module.

function make(tag, className, parent, text = "", type = "") {
  const made = document.createElement(tag);
  made.className = className;
  made.textContent = text; // names come from files: never innerHTML
  if (type) made.type = type;
  parent?.append(made);
  return made;
}

// JupyterLab takes arrow keys and letters for its cells unless what has the focus is a text box, or says so.
function ownKeys(control) {
  control.setAttribute("data-lm-suppress-shortcuts", "true");
  return control;
}

function uniqueName() {
  return `fovnb-${Math.random().toString(36).slice(2)}`;
}

// A sentence, and the traceback folded below it.
function tell(parent, text, detail) {
  make("div", "", parent, `⚠ ${text}`);
  if (!detail) return;
  const folded = make("details", "", parent);
  ownKeys(make("summary", "", folded, "Traceback"));
  make("pre", "", folded, detail);
}
