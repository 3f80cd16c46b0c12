// Path boxes and buttons for the recipe and the export; the kernel reads and writes.

function render({ model, el }) {
  el.classList.add("fovnb-files");
  el.dataset.lmSuppressShortcuts = "true"; // keys pressed here are no commands of the notebook
  const box = element("details", "fovnb-files-box", el);
  element("summary", "", box, "Files");
  const grid = element("div", "fovnb-files-grid", box);
  const shown = {};
  const bind = (input, name, key, event) => {
    input.addEventListener(event, () => {
      model.set(name, input[key]);
      model.save_changes();
    });
    shown[name] = () => {
      if (input[key] !== model.get(name)) input[key] = model.get(name);
    };
  };
  const row = (name, label, help) => {
    const title = element("label", "fovnb-files-label", grid, label);
    const input = element("input", "", grid);
    input.type = "text";
    input.title = help;
    input.spellcheck = false;
    input.autocomplete = "off";
    input.id = `fovnb-files-${model.model_id ?? Math.random().toString(36).slice(2)}-${name}`;
    title.htmlFor = input.id;
    bind(input, name, "value", "input");
    return element("span", "fovnb-files-acts", grid);
  };
  const recipe = row("recipe", "recipe", "a file that ends in .yaml, .yml or .json");
  const load = buttonFor(model, recipe, "load", "Load", "take the recipe that is in the file");
  const save = buttonFor(model, recipe, "save", "Save", "write the present recipe to the file");
  const folder = row("folder", "folder", "where everything is exported to");
  const all = buttonFor(model, folder, "export", "Export everything", "stack, ledger, report, code and recipe");
  const label = element("label", "fovnb-files-flag", folder);
  const flag = element("input", "", label);
  flag.type = "checkbox";
  label.append("with the report");
  bind(flag, "with_report", "checked", "change");
  shown.said = saidLine(model, box, [load, save, all]);
  for (const [name, show] of Object.entries(shown)) {
    show();
    model.on(`change:${name}`, show);
  }
  return () => {
    for (const [name, show] of Object.entries(shown)) model.off(`change:${name}`, show);
  };
}

export default { render };
