// What mouse and keyboard do with the grid.

const DELETE = "delete";

class Hands {
  constructor(grid) {
    this.grid = grid;
    this.sent = 0;
    const { table, search } = grid;
    search.addEventListener("input", () => this.set("filter", search.value));
    table.addEventListener("keydown", (event) => this.onKey(event));
    table.addEventListener("mousedown", (event) => {
      if (event.target.closest(".fovnb-table-editor")) return;
      event.preventDefault(); // the focus stays with the grid, since elements of rows come and go
      table.focus({ preventScroll: true });
    });
    table.addEventListener("click", (event) => this.onClick(event));
  }

  set(name, value) {
    this.grid.model.set(name, value);
    this.grid.model.save_changes();
  }

  // ---- the mouse

  onClick(event) {
    const cell = event.target.closest("td, th");
    if (!cell || event.target.closest(".fovnb-table-editor")) return;
    const col = Number(cell.dataset.col);
    if (cell.tagName === "TH") {
      this.go(-1, col);
      this.press();
      return;
    }
    const { cursor, view } = this.grid;
    const row = view.findIndex(({ id }) => id === cell.parentElement.rowId);
    if (row < 0) return;
    const again = cursor.row === row && cursor.col === col;
    this.go(row, col);
    if (event.target.matches("input, button")) event.preventDefault(); // what it shows is set when it is drawn
    if (event.target.matches("input, button") || again || event.detail > 1) this.press();
  }

  // ---- the keyboard

  onKey(event) {
    const { row, col } = this.grid.cursor;
    const last = this.grid.view.length - 1;
    const page = Math.max(1, Math.floor(this.grid.scroll.clientHeight / ROW_PX) - 2);
    const moves = {
      ArrowUp: [row - 1, col],
      ArrowDown: [row + 1, col],
      PageUp: [Math.max(0, row - page), col],
      PageDown: [row + page, col],
      Home: [0, col],
      End: [last, col],
      ArrowLeft: [row, col - 1],
      ArrowRight: [row, col + 1],
    };
    const acts = {
      Enter: () => this.press(),
      F2: () => this.press(),
      " ": () => this.tick(),
      Delete: () => this.act(DELETE),
      a: () => event.ctrlKey && this.selectAll(true),
    };
    if (event.altKey || event.metaKey || (event.ctrlKey && event.key !== "a")) return;
    if (moves[event.key]) this.go(...moves[event.key]);
    else if (!acts[event.key] || acts[event.key]() === false) return;
    event.preventDefault();
    event.stopPropagation();
  }

  go(row, col) {
    const { grid } = this;
    const at = Math.min(Math.max(row, -1), grid.view.length - 1);
    grid.put(at, Math.min(Math.max(col, 0), grid.columns.length - 1));
    const id = grid.view[at]?.id;
    if (id !== undefined && id !== grid.get("current")) this.set("current", id);
  }

  // What Enter or a click does where the cursor is.
  press() {
    const { grid } = this;
    const [row, column] = [grid.view[grid.cursor.row], grid.columns[grid.cursor.col]];
    if (grid.cursor.row === -1) this.sortBy(column);
    else if (!row) return;
    else if (column.kind === "pick") this.pick(row);
    else if (column.kind === "action") this.act(column.name);
    else if (isFlag(column) && column.editable) this.change(row, column, !grid.value(row, column));
    else if (column.editable) this.edit(row, column);
  }

  tick() {
    const { grid } = this;
    const row = grid.view[grid.cursor.row];
    const here = grid.columns[grid.cursor.col];
    const flag = isFlag(here) && here.editable ? here : grid.columns.find((one) => one.kind === "tick" && one.editable);
    if (!row || here.kind === "action") this.press();
    else if (flag && (flag === here || grid.get("mode") === "none")) this.change(row, flag, !grid.value(row, flag));
    else if (grid.get("mode") !== "none") this.pick(row);
  }

  sortBy(column) {
    if (column.kind === "pick") this.selectAll();
    if (column.kind === "pick" || column.kind === "action") return;
    const [name, descending] = this.grid.get("sort");
    this.set("sort", name !== column.name ? [column.name, false] : descending ? [] : [column.name, true]);
  }

  pick({ id }) {
    const selected = this.grid.get("selected");
    if (this.grid.get("mode") === "one") this.set("selected", [id]);
    else this.set("selected", selected.includes(id) ? selected.filter((one) => one !== id) : [...selected, id]);
  }

  // Select all rows that the search leaves, or none of them if all are.
  selectAll(always = false) {
    if (this.grid.get("mode") !== "many") return;
    const shown = this.grid.view.map(({ id }) => id);
    const selected = new Set(this.grid.get("selected"));
    const all = always || !shown.every((id) => selected.has(id));
    for (const id of shown) selected[all ? "add" : "delete"](id);
    this.set("selected", [...selected]);
  }

  act(action) {
    const row = this.grid.view[this.grid.cursor.row];
    if (!row || !this.grid.get("actions").some(([name]) => name === action)) return;
    this.grid.model.send({ kind: "action", id: row.id, action });
  }

  // ---- edits

  // The new value is shown until Python has answered with rows or a problem.
  change(row, column, value) {
    const { grid } = this;
    this.sent = Math.max(grid.get("answered"), this.sent) + 1;
    grid.pending.set(`${row.id} ${column.name}`, { n: this.sent, value });
    grid.model.send({ kind: "edit", id: row.id, column: column.name, value, n: this.sent });
    grid.paint();
  }

  edit(row, column) {
    const { grid } = this;
    const cell = grid.cell(row.id, grid.cursor.col);
    if (!cell) return;
    const value = grid.value(row, column);
    cell.replaceChildren();
    const choice = column.kind === "choice";
    const box = ownKeys(make(choice ? "select" : "input", "fovnb-table-editor", cell, "", choice ? "" : "text"));
    if (choice) {
      for (const [, label] of column.choices) make("option", "", box, label);
      box.selectedIndex = column.choices.findIndex(([one]) => one === value);
    } else box.value = empty(value) ? "" : String(value);
    if (column.kind === "number") box.inputMode = "decimal";
    box.setAttribute("aria-label", `${column.label} ${column.unit} ${grid.title(row)}`);
    grid.editor = { row, column, box, finish: () => this.finish(true) };
    box.addEventListener("keydown", (event) => this.onEditorKey(event));
    box.addEventListener("blur", () => grid.editor?.box === box && this.finish(true));
    box.focus();
    box.select?.();
  }

  onEditorKey(event) {
    event.stopPropagation();
    const back = event.shiftKey ? -1 : 1;
    if (event.key === "Escape") this.finish(false);
    else if (event.key === "Enter") this.finish(true);
    else if (event.key === "Tab" && this.finish(true)) this.next(back);
    else if (event.key !== "Tab") return;
    event.preventDefault();
  }

  // Close the box; false if what is in it cannot be sent.
  finish(keep) {
    const { grid } = this;
    const { row, column, box } = grid.editor;
    const { value, problem = "" } = keep ? this.read(column, box) : {};
    grid.problem = problem;
    if (problem) {
      box.setAttribute("aria-invalid", "true");
      grid.paint();
      return false;
    }
    const focused = document.activeElement === box;
    grid.editor = null;
    box.remove();
    if (focused) grid.table.focus({ preventScroll: true });
    if (keep && value !== (grid.value(row, column) ?? null)) this.change(row, column, value);
    grid.paint();
    return true;
  }

  read(column, box) {
    if (column.kind === "choice") return { value: column.choices[box.selectedIndex]?.[0] ?? null };
    const text = box.value.trim();
    if (column.kind !== "number") return { value: text };
    if (text === "") return { value: null };
    const value = Number(text);
    return Number.isFinite(value) ? { value } : { problem: `“${text}” is no number; type one such as 2.5, or press Esc.` };
  }

  // Go on to the next value that can be edited in a box, in this row or another.
  next(step) {
    const { grid } = this;
    const n = grid.columns.length;
    const boxed = grid.columns.map((one) => one.editable && !isFlag(one));
    for (let at = grid.cursor.row * n + grid.cursor.col + step; at >= 0 && at < n * grid.view.length; at += step) {
      if (!boxed[at % n]) continue;
      this.go(Math.floor(at / n), at % n);
      grid.draw();
      this.press();
      return;
    }
  }
}

function render({ model, el }) {
  const grid = new Grid(model, el);
  new Hands(grid);
  return () => grid.close();
}

export default { render };
