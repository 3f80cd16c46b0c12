// The code of the present recipe: read only, coloured, copied, saved by the kernel, verified by the kernel.

const TOKENS = new RegExp(
  [
    "(?<comment>#[^\\n]*)",
    "(?<string>\"\"\"[\\s\\S]*?\"\"\"|\"(?:\\\\.|[^\"\\\\\\n])*\"|'(?:\\\\.|[^'\\\\\\n])*')",
    "\\b(?<keyword>and|as|assert|break|class|continue|def|del|elif|else|except|finally|for|from|global|if|import|in|is|" +
      "lambda|not|or|pass|raise|return|try|while|with|yield|None|True|False)\\b",
    "\\b(?<number>\\d[\\d_]*(?:\\.\\d*)?(?:e[+-]?\\d+)?)",
  ].join("|"),
  "g",
);

function coloured(text) {
  const made = document.createDocumentFragment();
  let end = 0;
  for (const match of text.matchAll(TOKENS)) {
    made.append(text.slice(end, match.index));
    const kind = Object.keys(match.groups).find((name) => match.groups[name] !== undefined);
    element("span", `fovnb-code-${kind}`, made, match[0]);
    end = match.index + match[0].length;
  }
  made.append(text.slice(end));
  return made;
}

function labelled(parent, text, control) {
  const label = element("label", "fovnb-code-label", parent);
  const words = document.createElement("span");
  words.textContent = text;
  label.append(...(control.type === "checkbox" ? [control, words] : [words, control]));
  return label;
}

function control(model, tag, name, type) {
  const made = document.createElement(tag);
  if (type) made.type = type;
  const key = type === "checkbox" ? "checked" : "value";
  made.addEventListener(type === "text" ? "input" : "change", () => {
    model.set(name, made[key]);
    model.save_changes();
  });
  const show = () => {
    if (made[key] !== model.get(name)) made[key] = model.get(name);
  };
  return [made, show];
}

function choice(model, name, options) {
  const [select, show] = control(model, "select", name);
  for (const [value, text] of options) {
    const option = element("option", "", select, text);
    option.value = value;
  }
  return [select, show];
}

function render({ model, el }) {
  el.classList.add("fovnb-code");
  el.dataset.lmSuppressShortcuts = "true"; // keys pressed here are no commands of the notebook
  const collapsible = model.get("collapsible");
  const box = element(collapsible ? "details" : "div", "fovnb-code-box", el);
  if (collapsible) element("summary", "", box, "Code");

  const bar = element("div", "fovnb-code-row", box);
  const [root, showRoot] = choice(model, "root", [["fovnb", "fovnb"], ["gammapy", "gammapy"]]);
  labelled(bar, "package", root);
  const [step, showStep] = choice(model, "step", model.get("parts"));
  labelled(bar, "part", step).hidden = model.get("parts").length < 2;
  const [full, showFull] = control(model, "input", "full", "checkbox");
  labelled(bar, "all settings", full).title = "write defaults, too";
  const [wrapped, showWrapped] = control(model, "input", "as_function", "checkbox");
  labelled(bar, "as a function", wrapped).title = "write a function, and its call";
  const [values, showValues] = control(model, "input", "as_values", "checkbox");
  const valuesLabel = labelled(bar, "norms as values", values);
  valuesLabel.title = "norms that Gammapy does not know are written as the values that were fitted";

  const problem = element("div", "fovnb-code-problem", box);
  problem.setAttribute("role", "alert");
  const why = element("span", "", problem);
  const detail = element("details", "fovnb-said-detail", problem);
  element("summary", "", detail, "Traceback");
  const trace = element("pre", "", detail);

  const frame = element("div", "fovnb-code-frame", box);
  const pre = element("pre", "fovnb-code-text", frame);
  pre.tabIndex = 0;
  pre.setAttribute("role", "region");
  pre.setAttribute("aria-label", "code of the present recipe, read only");
  const badge = element("span", "fovnb-code-stale", frame, "being rewritten");

  const files = element("div", "fovnb-code-row", box);
  const copy = element("button", "fovnb-button", files, "Copy");
  copy.type = "button";
  copy.title = "copy the code";
  const verify = buttonFor(model, files, "verify", "Verify", "");
  const [path, showPath] = control(model, "input", "path", "text");
  path.spellcheck = false;
  path.autocomplete = "off";
  labelled(files, "file", path).title = "a name that ends in .py or .ipynb";
  const save = buttonFor(model, files, "save", "Save", "write the code to the file, as a script or a notebook");
  path.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !save.disabled) save.click();
  });
  const showSaid = saidLine(model, box, [save, verify]);

  const select = () => getSelection().selectAllChildren(pre);
  pre.addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "a") {
      event.preventDefault();
      select();
    }
  });
  const say = (text) => {
    model.set("said", { kind: "good", text, detail: "" });
    model.save_changes();
  };
  let wanted = false; // the text is copied as soon as it is the present one
  const copyText = async () => {
    wanted = model.get("stale");
    if (wanted) return;
    try {
      await navigator.clipboard.writeText(model.get("text"));
      say("copied");
    } catch {
      pre.focus();
      select();
      say("the browser does not let a page copy; the code is selected, press Ctrl+C or Cmd+C");
    }
  };
  copy.addEventListener("click", copyText);
  if (collapsible) {
    box.addEventListener("toggle", () => {
      if (box.open === model.get("looked_at")) return;
      model.set("looked_at", box.open);
      model.save_changes();
    });
  }

  const showOpen = () => {
    if (collapsible) box.open = model.get("looked_at");
  };
  const showText = () => pre.replaceChildren(coloured(model.get("text")));
  const showState = () => {
    const found = model.get("problem");
    const stale = model.get("stale");
    el.dataset.recipe = model.get("recipe");
    el.dataset.stale = stale;
    problem.hidden = !found.text;
    why.textContent = found.text ?? "";
    detail.hidden = !found.detail;
    trace.textContent = found.detail ?? "";
    badge.textContent = found.text ? "stale" : "being rewritten";
    copy.disabled = Boolean(found.text);
    pre.setAttribute("aria-busy", String(stale));
    if (wanted && !stale) copyText();
  };
  const showOptions = () => {
    for (const one of [showRoot, showStep, showFull, showWrapped, showValues, showPath]) one();
    valuesLabel.hidden = model.get("root") !== "gammapy";
    verify.title = `run the code in a fresh process and compare every array with the results`;
    verify.hidden = model.get("step") !== "";
  };
  const shown = {
    looked_at: showOpen,
    text: showText,
    said: showSaid,
    ...Object.fromEntries(["stale", "problem", "recipe"].map((name) => [name, showState])),
    ...Object.fromEntries(
      ["root", "step", "full", "as_function", "as_values", "path"].map((name) => [name, showOptions]),
    ),
  };
  for (const [name, show] of Object.entries(shown)) {
    show();
    model.on(`change:${name}`, show);
  }
  return () => {
    for (const [name, show] of Object.entries(shown)) model.off(`change:${name}`, show);
  };
}

export default { render };
