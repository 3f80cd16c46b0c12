// A panel of fields. All text is data: textContent only. A value changes in place; only other fields build other elements.

const TYPING_MS = 300;
const WIDTHS = { slider: "minmax(13em, 28em)", number: "7em", integer: "7em", choice: "8em", flag: "4.5em", text: "minmax(7em, 1fr)" };

const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);
const rounded = (x, digits) => Number(x.toPrecision(digits));
const shown = (value) => (value === null || value === undefined ? "" : Array.isArray(value) ? value.join(", ") : String(value));

// ---- steps of arrow keys and sliders

function clamped(entry, value) {
  const low = entry.low ?? -Infinity;
  const inside = Math.min(Math.max(value, low), entry.high ?? Infinity);
  return entry.open_low && inside === low ? null : inside;
}

function stepOf(entry, value) {
  if (entry.step) return entry.step;
  if (entry.scale === "log") return 0.05;
  if (entry.kind === "integer") return 1;
  return value ? 10 ** (Math.floor(Math.log10(Math.abs(value))) - 1) : 0.1;
}

function stepped(entry, value, count) {
  const from = value ?? entry.slider?.[0] ?? Math.max(entry.low ?? 0, 0);
  const by = count * stepOf(entry, from);
  const to = entry.scale === "log" && from > 0 ? rounded(from * 10 ** by, 4) : rounded(from + by, 12);
  return clamped(entry, entry.kind === "integer" ? Math.round(to) : to) ?? value;
}

function scaleOf(entry) {
  const [low, high] = entry.slider;
  if (entry.scale === "log") {
    const value = (x) => Math.min(high, Math.max(low, rounded(10 ** x, 4)));
    const ends = [Math.log10(low), Math.log10(high)];
    return { ends, step: entry.step || 0.01, at: (v) => Math.log10(Math.max(v, low)), value };
  }
  const step = entry.step || (entry.kind === "integer" ? 1 : rounded((high - low) / 200, 4));
  return { ends: [low, high], step, at: (v) => v, value: (x) => rounded(x, 12) };
}

// ---- one maker for each kind: returns {show(value), controls}; the first control is the one with the label

function sliderOf(entry, parent, move) {
  const { ends, step, at, value } = scaleOf(entry);
  const slider = ownKeys(make("input", "fovnb-form-slider", parent, "", "range"));
  [slider.min, slider.max, slider.step] = [...ends, step];
  slider.addEventListener("input", () => {
    const moved = clamped(entry, value(slider.valueAsNumber));
    if (moved !== null) move(moved);
  });
  const show = (number) => {
    slider.setAttribute("aria-valuetext", `${shown(number)} ${entry.unit}`);
    if (number !== null && Math.abs(at(number) - slider.valueAsNumber) >= step / 2) slider.value = at(number);
  };
  return { slider, show };
}

// A box of text that becomes a value: sent after a pause where `pause` is given, and by Enter or leaving it.
function boxOf(entry, box, { parse, pause, send, complain, showElsewhere = () => {} }) {
  let value = null; // the last one known: sent, or come from Python
  let good = null; // the last one that nothing was wrong with
  let typing = false;
  let wrong = false;
  let timer = 0;
  const put = (next) => {
    [value, wrong] = [next, false];
    box.value = shown(next);
    complain("");
    showElsewhere(next);
  };
  const commit = () => {
    clearTimeout(timer);
    const { value: found, problem = "" } = parse(box);
    wrong = Boolean(problem);
    complain(problem);
    if (wrong || same(found, value)) return;
    value = found;
    showElsewhere(found);
    send(found);
  };
  const giveUp = () => {
    const sent = !same(value, good);
    put(good);
    if (sent) send(good);
  };
  box.addEventListener("input", () => {
    typing = true;
    clearTimeout(timer);
    if (pause) timer = setTimeout(commit, pause);
  });
  box.addEventListener("change", commit);
  box.addEventListener("blur", () => {
    if (typing) commit();
    typing = false;
  });
  box.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (box.rows === undefined || event.ctrlKey)) commit();
    else if (event.key === "Escape") giveUp();
    else return;
    typing = false;
    clearTimeout(timer);
  });
  return {
    show: (next) => {
      if (typing || (wrong && same(next, value))) return;
      if (!same(next, value) || wrong) put(next);
      else if (!wrong) showElsewhere(next);
    },
    move: (next) => {
      clearTimeout(timer);
      typing = false;
      if (same(next, value)) return;
      put(next);
      send(next);
    },
    value: () => (typing ? (parse(box).value ?? value) : value),
    accept: () => (good = value),
    stop: () => clearTimeout(timer),
  };
}

function parseNumber(entry) {
  const way = entry.optional ? ", or leave the box empty" : "";
  return (box) => {
    if (box.validity.badInput) return { problem: `This is no number; type one such as 2.5 or 1e-3${way}.` };
    if (box.value === "") return entry.optional ? { value: null } : { problem: "There is no number here; type one." };
    return { value: Number(box.value) };
  };
}

function parseNumbers(entry) {
  return (box) => {
    const words = box.value.replace(/[()[\]]/g, " ").split(/[\s,;]+/).filter(Boolean);
    const wrong = words.find((word) => !Number.isFinite(Number(word)) || /^\d{16,}$/.test(word));
    if (wrong !== undefined) return { problem: `“${wrong}” is no number that fits; type numbers with commas between them.` };
    return { value: words.length || !entry.optional ? words.map(Number) : null };
  };
}

function numberField(entry, parent, tools) {
  const box = make("input", "fovnb-form-box", parent, "", "number");
  box.step = "any";
  if (entry.unit || entry.slider) make("span", "fovnb-form-unit", parent, entry.unit).id = `${tools.id}-unit`;
  let moves = null;
  if (entry.slider) moves = sliderOf(entry, parent, (value) => field.move(value));
  const field = boxOf(entry, box, { ...tools, parse: parseNumber(entry), pause: TYPING_MS, showElsewhere: moves?.show });
  box.addEventListener("keydown", (event) => {
    const count = { ArrowUp: 1, ArrowDown: -1, PageUp: 10, PageDown: -10 }[event.key];
    if (!count || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    field.move(stepped(entry, field.value(), event.shiftKey ? 10 * Math.sign(count) : count));
  });
  return { ...field, controls: moves ? [box, moves.slider] : [box] };
}

function textField(entry, parent, tools) {
  const area = entry.rows > 1;
  const box = make(area ? "textarea" : "input", "fovnb-form-box fovnb-form-wide", parent, "", area ? "" : "text");
  if (area) box.rows = entry.rows;
  box.spellcheck = false;
  box.autocomplete = "off";
  const parseText = () => ({ value: box.value === "" && entry.optional ? null : box.value });
  const parse = entry.kind === "numbers" ? parseNumbers(entry) : parseText;
  const field = boxOf(entry, box, { ...tools, parse });
  if (entry.unit) make("span", "fovnb-form-unit", parent, entry.unit).id = `${tools.id}-unit`;
  return { ...field, controls: [box] };
}

function choiceField(entry, parent, { send }) {
  const select = ownKeys(make("select", "fovnb-form-box fovnb-form-select", parent));
  const choices = entry.optional ? [[null, "–"], ...entry.choices] : entry.choices;
  for (const [, label] of choices) make("option", "", select, label);
  select.addEventListener("change", () => send(choices[select.selectedIndex][0]));
  const show = (value) => {
    select.selectedIndex = choices.findIndex(([one]) => same(one, value ?? null));
  };
  return { show, controls: [select] };
}

function check(parent, label, change) {
  const around = make("label", "fovnb-form-check", parent);
  const box = ownKeys(make("input", "", around, "", "checkbox"));
  if (label) make("span", "", around, label);
  box.addEventListener("change", change);
  return box;
}

function choicesField(entry, parent, { send }) {
  const group = make("span", "fovnb-form-checks", parent);
  group.setAttribute("role", "group");
  const chosen = () => entry.choices.filter((_, i) => boxes[i].checked).map(([value]) => value);
  const boxes = entry.choices.map(([, label]) => check(group, label, () => send(chosen())));
  const show = (value) => boxes.forEach((box, i) => (box.checked = (value ?? []).some((one) => same(one, entry.choices[i][0]))));
  return { show, controls: boxes, labelled: group };
}

function flagField(entry, parent, { send }) {
  const box = check(parent, "", () => send(box.checked));
  return { show: (value) => (box.checked = Boolean(value)), controls: [box] };
}

function actionField(entry, parent, { send }) {
  const button = ownKeys(make("button", "fovnb-button", parent, entry.label, "button"));
  button.title = entry.help;
  button.addEventListener("click", () => send(null, false));
  return { show: () => {}, controls: [button] };
}

const MAKERS = {
  number: numberField,
  integer: numberField,
  text: textField,
  numbers: textField,
  choice: choiceField,
  choices: choicesField,
  flag: flagField,
  action: actionField,
};

// ---- a field: label, control, help and error

function buildField(entry, parent, id, send, rowId) {
  const outer = make("div", `fovnb-form-field fovnb-form-${entry.kind}`, parent);
  outer.dataset.path = entry.path;
  const action = entry.kind === "action";
  const label = action ? null : make("label", "fovnb-form-label", outer, entry.label);
  const control = make("div", "fovnb-form-control", outer);
  const error = { state: null, local: "" };
  const tools = { id, send, complain: (text) => { error.local = text; showError(); } };
  const made = MAKERS[entry.kind](entry, control, tools);
  const [first, slider] = made.controls;
  first.id = id;
  const target = made.labelled ?? first;
  if (label) {
    [label.id, label.htmlFor] = [`${id}-label`, made.labelled ? "" : id];
    const unit = entry.unit && control.querySelector(".fovnb-form-unit") ? `${id}-unit` : "";
    target.setAttribute("aria-labelledby", [rowId, label.id, unit].filter(Boolean).join(" "));
    if (slider && !made.labelled) slider.setAttribute("aria-label", `${entry.row} ${entry.label} ${entry.unit} slider`.trim());
  } else if (rowId) first.setAttribute("aria-label", `${entry.row}: ${entry.label}`);
  const help = entry.help && !action ? make("span", "fovnb-form-help", control, entry.help) : null;
  if (help) [help.id, help.title] = [`${id}-help`, entry.help];
  if (help && rowId) label.title = entry.help;
  const alert = make("div", "fovnb-form-error", rowId ? parent : outer);
  alert.id = `${id}-error`;
  alert.setAttribute("role", "alert");
  target.setAttribute("aria-describedby", [help?.id, alert.id].filter(Boolean).join(" "));

  function showError() {
    const text = error.local || error.state?.text || "";
    const detail = error.local ? "" : (error.state?.detail ?? "");
    if (alert.dataset.text === text + detail) return;
    alert.dataset.text = text + detail;
    alert.replaceChildren();
    if (text) tell(alert, text, detail);
    outer.classList.toggle("fovnb-form-wrong", Boolean(text));
    for (const one of made.controls) one.setAttribute("aria-invalid", String(Boolean(text)));
  }
  return {
    entry,
    outer,
    show: made.show,
    stop: made.stop ?? (() => {}),
    fail: (problem) => {
      error.state = problem;
      if (!problem) made.accept?.();
      showError();
    },
    disable: (disabled) => made.controls.forEach((one) => (one.disabled = disabled)),
  };
}

// ---- the panel: frames around groups, lines of rows and of buttons

function widthOf(entry) {
  return entry.slider ? WIDTHS.slider : (WIDTHS[entry.kind] ?? "auto");
}

function buildAll(entries, el, prefix, send) {
  let frame = null;
  let line = null;
  const lines = [];
  const fields = entries.map((entry, i) => {
    const before = entries[i - 1];
    const newFrame = !before || before.group !== entry.group;
    if (newFrame) {
      frame = make(entry.group ? "fieldset" : "div", "fovnb-form-group", el);
      if (entry.group) make("legend", "", frame, entry.group);
    }
    const bar = entry.kind === "action" && !entry.row;
    const name = entry.row ? `row ${entry.row}` : bar ? "bar" : "";
    if (!name) line = null;
    else if (newFrame || line?.name !== name) {
      line = { name, frame, members: [], outer: make("div", bar ? "fovnb-form-bar" : "fovnb-form-row", frame) };
      line.head = bar ? "" : `${prefix}-${i}-row`;
      if (!bar) make("span", "fovnb-form-head", line.outer, entry.row).id = line.head;
      lines.push(line);
    }
    const field = buildField(entry, line?.outer ?? frame, `${prefix}-${i}`, (value, merge) => send(entry.path, value, merge), line?.head);
    line?.members.push(field);
    return field;
  });
  for (const { members, outer } of lines) {
    outer.style.setProperty("--fovnb-columns", members.map(({ entry }) => widthOf(entry)).join(" "));
  }
  return { fields, lines };
}

// A line says its labels only where the one above it does not.
function tidy({ fields, lines }, el, hidden) {
  for (const { entry, outer } of fields) outer.hidden = Boolean(hidden[entry.path]);
  let above = null;
  for (const line of lines) {
    const values = line.members.filter(({ entry }) => entry.kind !== "action");
    line.outer.hidden = (values.length ? values : line.members).every(({ outer }) => outer.hidden);
    if (line.outer.hidden) continue;
    const labels = JSON.stringify(line.members.map(({ entry }) => [entry.kind, entry.label]));
    line.outer.classList.toggle("fovnb-form-again", above?.labels === labels && above.frame === line.frame);
    above = { labels, frame: line.frame };
  }
  for (const frame of el.children) {
    frame.hidden = [...frame.querySelectorAll(".fovnb-form-field")].every((one) => one.hidden || one.parentElement.hidden);
  }
}

function render({ model, el }) {
  const prefix = uniqueName();
  let panel = { fields: [], lines: [] };
  el.classList.add("fovnb-form");

  const waiting = () => model.get("events").filter(([n]) => n > model.get("answered"));
  const send = (path, value, merge = true) => {
    const events = waiting();
    const n = Math.max(model.get("answered"), ...events.map(([one]) => one)) + 1;
    if (merge && events.at(-1)?.[1] === path) events.pop();
    model.set("events", [...events, [n, path, value]]);
    model.save_changes();
  };
  const refresh = () => {
    const [values, errors, disabled] = ["values", "errors", "disabled"].map((name) => model.get(name));
    const unanswered = new Set(waiting().map(([, path]) => path));
    for (const field of panel.fields) {
      const { path } = field.entry;
      field.disable(Boolean(disabled[path]));
      if (unanswered.has(path)) continue;
      field.show(values[path] ?? null);
      field.fail(errors[path] ?? null);
    }
    tidy(panel, el, model.get("hidden"));
  };
  const clear = () => panel.fields.forEach((field) => field.stop());
  const rebuild = () => {
    const focus = el.contains(document.activeElement) ? document.activeElement.closest("[data-path]")?.dataset.path : null;
    clear();
    el.replaceChildren();
    panel = buildAll(model.get("fields"), el, prefix, send);
    refresh();
    panel.fields.find(({ entry }) => entry.path === focus)?.outer.querySelector("input, select, textarea, button")?.focus();
  };

  rebuild();
  const changes = "change:values change:errors change:disabled change:hidden change:answered";
  model.on("change:fields", rebuild);
  model.on(changes, refresh);
  return () => {
    clear();
    model.off("change:fields", rebuild);
    model.off(changes, refresh);
  };
}

export default { render };
