// The grid's elements. All text is data: textContent only. Only the rows in sight have elements, changed in place.

const ROW_PX = 26;
const SPARE = 6; // rows above and below those in sight

class Grid {
  constructor(model, el) {
    this.model = model;
    this.prefix = uniqueName();
    this.pending = new Map(); // values of the user that Python did not answer yet: "id column" -> {n, value}
    this.cursor = { row: 0, col: 0 }; // row -1 is the header
    this.editor = null;
    this.frame = 0;
    this.problem = "";
    this.build(el);
    this.listen();
    this.setColumns();
  }

  get = (name) => this.model.get(name);

  // ---- elements that stay

  build(el) {
    el.classList.add("fovnb-table");
    const top = make("div", "fovnb-table-top", el);
    make("span", "fovnb-table-caption", top, this.get("caption"));
    this.search = make("input", "fovnb-table-search", top, "", "search");
    this.search.placeholder = "Search";
    this.search.setAttribute("aria-label", `Search in ${this.get("caption")}`);
    this.search.hidden = !this.get("searchable");
    this.scroll = make("div", "fovnb-table-scroll", el);
    this.table = ownKeys(make("table", "", this.scroll));
    this.table.tabIndex = 0;
    this.table.setAttribute("role", "grid");
    this.table.setAttribute("aria-label", this.get("caption"));
    this.widths = make("colgroup", "", this.table);
    this.head = make("tr", "", make("thead", "", this.table));
    this.above = make("tbody", "fovnb-table-space", this.table);
    this.body = make("tbody", "", this.table);
    this.below = make("tbody", "fovnb-table-space", this.table);
    for (const space of [this.above, this.below]) {
      space.setAttribute("role", "presentation");
      make("td", "", make("tr", "", space));
    }
    this.foot = make("div", "fovnb-table-foot", el);
    this.foot.setAttribute("role", "status");
    this.alert = make("div", "fovnb-table-error", el);
    this.alert.setAttribute("role", "alert");
  }

  listen() {
    this.resized = new ResizeObserver(() => this.paint());
    this.resized.observe(this.scroll);
    this.changes = {
      "change:columns change:actions change:mode": () => this.setColumns(),
      "change:rows change:sort change:filter": () => this.setView(),
      "change:selected change:errors change:height_px": () => this.paint(),
      "change:answered": () => this.settle(),
      "change:current": () => this.follow(),
    };
    for (const [names, call] of Object.entries(this.changes)) this.model.on(names, call);
    this.scroll.addEventListener("scroll", () => this.paint());
  }

  close() {
    this.editor = null;
    for (const [names, call] of Object.entries(this.changes)) this.model.off(names, call);
    this.resized.disconnect();
    cancelAnimationFrame(this.frame);
  }

  cell(id, col) {
    return [...this.body.children].find((one) => one.rowId === id)?.children[col];
  }

  // ---- what is shown: columns, rows in their order, and where the cursor is

  setColumns() {
    const picks = this.get("mode") === "none" ? [] : [{ kind: "pick", label: "", name: "" }];
    const actions = this.get("actions").map(([name, label]) => ({ kind: "action", name, label }));
    this.columns = [...picks, ...this.get("columns"), ...actions];
    this.chars = [];
    this.editor = null;
    this.head.replaceChildren(...this.columns.map((column, i) => this.header(column, i)));
    this.body.replaceChildren();
    this.setView();
  }

  header(column, i) {
    const cell = make("th", `fovnb-table-${column.kind}`);
    cell.id = `${this.prefix}-head-${i}`;
    [cell.scope, cell.dataset.col, cell.title] = ["col", i, column.help ?? ""];
    if (column.kind === "pick" && this.get("mode") === "many") {
      this.all = make("input", "", cell, "", "checkbox");
      [this.all.tabIndex, cell.title] = [-1, "All rows that are shown"];
      this.all.setAttribute("aria-label", cell.title);
    }
    if (column.kind === "action" || column.kind === "pick") return cell;
    make("span", "fovnb-table-label", cell, column.label);
    if (column.unit) make("span", "fovnb-table-unit", cell, column.unit);
    make("span", "fovnb-table-arrow", cell).setAttribute("aria-hidden", "true");
    return cell;
  }

  setView() {
    this.view = visible(this.get("rows"), this.get("columns"), this.get("filter"), this.get("sort"));
    const at = this.view.findIndex(({ id }) => id === this.get("current"));
    if (this.cursor.row >= 0) this.cursor.row = at >= 0 ? at : Math.min(this.cursor.row, Math.max(this.view.length - 1, 0));
    if (this.search.value !== this.get("filter")) this.search.value = this.get("filter");
    this.measure();
    this.paint();
  }

  // Columns keep their width while the rows scroll and change; they only grow.
  measure() {
    this.chars = this.columns.map((column, i) => {
      if (column.kind === "pick") return 4;
      if (column.kind === "action") return column.label.length + 3;
      const title = column.label.length + (column.unit ? column.unit.length + 1 : 0) + 3.5;
      const longest = this.get("rows").reduce((most, row) => Math.max(most, textOf(column, row[column.name]).length), 0);
      return Math.max(this.chars[i] ?? 0, title, Math.min(longest + 2.5, 42));
    });
    this.widths.replaceChildren(...this.chars.map((n) => {
      const col = make("col", "");
      col.style.width = `${n}ch`;
      return col;
    }));
    this.table.style.width = `${this.chars.reduce((sum, n) => sum + n, 0)}ch`;
  }

  follow() {
    const at = this.view.findIndex(({ id }) => id === this.get("current"));
    if (at >= 0 && at !== this.cursor.row) this.put(at, this.cursor.col);
    this.paint();
  }

  // Move the cursor, and scroll it into sight.
  put(row, col) {
    this.cursor = { row, col };
    const [top, space] = [row * ROW_PX, this.scroll.clientHeight - 1.2 * ROW_PX];
    if (row < 0 || top < this.scroll.scrollTop) this.scroll.scrollTop = Math.max(top, 0);
    else if (top + ROW_PX > this.scroll.scrollTop + space) this.scroll.scrollTop = top + ROW_PX - space;
    const cell = this.head.children[col];
    const [left, right] = [cell.offsetLeft, cell.offsetLeft + cell.offsetWidth];
    if (left < this.scroll.scrollLeft) this.scroll.scrollLeft = left;
    else if (right > this.scroll.scrollLeft + this.scroll.clientWidth) this.scroll.scrollLeft = right - this.scroll.clientWidth;
    this.paint();
  }

  value(row, column) {
    const pending = this.pending.get(`${row.id} ${column.name}`);
    return pending ? pending.value : row[column.name];
  }

  settle() {
    for (const [key, { n }] of this.pending) if (n <= this.get("answered")) this.pending.delete(key);
    this.paint();
  }

  // ---- drawing

  paint() {
    this.frame ||= requestAnimationFrame(() => {
      this.frame = 0;
      this.draw();
    });
  }

  draw() {
    this.scroll.style.maxHeight = `${this.get("height_px")}px`;
    const first = Math.max(0, Math.floor(this.scroll.scrollTop / ROW_PX) - SPARE);
    const last = Math.min(this.view.length, first + Math.ceil(this.get("height_px") / ROW_PX) + 2 * SPARE);
    const old = new Map([...this.body.children].map((element) => [element.rowId, element]));
    const selected = new Set(this.get("selected"));
    const wrong = new Map(this.get("errors").map((one) => [`${one.id} ${one.column}`, one.text]));
    const shown = this.view.slice(first, last).map((row, i) => {
      const element = old.get(row.id) ?? this.newRow(row.id);
      this.fillRow(element, row, first + i, selected, wrong);
      return element;
    });
    if (shown.length !== this.body.children.length || shown.some((one, i) => one !== this.body.children[i])) {
      if (this.editor && !shown.some((one) => one.rowId === this.editor.row.id)) this.leave();
      if (this.editor) this.reorder(shown);
      else this.body.replaceChildren(...shown);
    }
    this.above.firstChild.style.height = `${first * ROW_PX}px`;
    this.below.firstChild.style.height = `${(this.view.length - last) * ROW_PX}px`;
    this.drawHead(selected);
    this.drawFoot(selected);
  }

  // The row that is edited scrolled away, or is no more.
  leave() {
    this.editor.finish();
    this.editor = null;
  }

  // An element that is moved loses the focus: the others move around the row that is edited.
  reorder(shown) {
    const fixed = shown.findIndex((one) => one.rowId === this.editor.row.id);
    for (const one of [...this.body.children]) if (one !== shown[fixed]) one.remove();
    this.body.prepend(...shown.slice(0, fixed));
    this.body.append(...shown.slice(fixed + 1));
  }

  newRow(id) {
    const element = make("tr", "");
    element.rowId = id;
    for (const [i, column] of this.columns.entries()) {
      const cell = make("td", `fovnb-table-${column.kind}`, element);
      cell.dataset.col = i;
      cell.setAttribute("role", "gridcell");
      if (column.kind === "action") make("button", "fovnb-table-button", cell, column.label, "button").tabIndex = -1;
      if (column.kind === "pick" || (isFlag(column) && column.editable)) {
        make("input", "", cell, "", column.kind === "pick" && this.get("mode") === "one" ? "radio" : "checkbox").tabIndex = -1;
      }
    }
    return element;
  }

  fillRow(element, row, index, selected, wrong) {
    const current = this.get("current") === row.id;
    element.className = [row.class && `fovnb-table-${row.class}`, current && "fovnb-table-current"].filter(Boolean).join(" ");
    element.title = row.note ?? "";
    element.setAttribute("aria-rowindex", index + 2);
    if (this.get("mode") !== "none") element.setAttribute("aria-selected", selected.has(row.id));
    const title = this.title(row);
    for (const [i, column] of this.columns.entries()) {
      const cell = element.children[i];
      cell.id = `${this.prefix}-${index}-${i}`;
      cell.classList.toggle("fovnb-table-cursor", index === this.cursor.row && i === this.cursor.col);
      if (this.editor?.row.id === row.id && this.editor.column.name === column.name) continue;
      this.fillCell(cell, column, row, title, selected);
      const problem = wrong.get(`${row.id} ${column.name}`);
      cell.classList.toggle("fovnb-table-wrong", Boolean(problem));
      if (problem) cell.setAttribute("aria-invalid", "true");
      else cell.removeAttribute("aria-invalid");
    }
  }

  fillCell(cell, column, row, title, selected) {
    const inner = cell.firstElementChild;
    if (column.kind === "action") inner.setAttribute("aria-label", `${column.label} ${title}`);
    else if (column.kind === "pick") {
      inner.checked = selected.has(row.id);
      inner.setAttribute("aria-label", `Select ${title}`);
    } else if (isFlag(column) && column.editable) {
      inner.checked = Boolean(this.value(row, column));
      inner.setAttribute("aria-label", `${column.label}, ${title}`);
    } else {
      const text = textOf(column, this.value(row, column));
      if (cell.textContent !== text) cell.textContent = text;
      cell.classList.toggle("fovnb-table-editable", column.editable);
    }
  }

  title(row) {
    const column = this.get("columns").find((one) => !isFlag(one));
    return column ? textOf(column, this.value(row, column)) : String(row.id);
  }

  drawHead(selected) {
    const [name, descending] = this.get("sort");
    for (const [i, cell] of [...this.head.children].entries()) {
      const sorted = name !== undefined && this.columns[i].name === name && this.columns[i].kind !== "action";
      cell.setAttribute("aria-sort", sorted ? (descending ? "descending" : "ascending") : "none");
      cell.classList.toggle("fovnb-table-cursor", this.cursor.row === -1 && this.cursor.col === i);
      const arrow = cell.querySelector(".fovnb-table-arrow");
      if (arrow) arrow.textContent = sorted ? (descending ? "▼" : "▲") : "";
    }
    const { row, col } = this.cursor;
    this.table.setAttribute("aria-activedescendant", `${this.prefix}-${row === -1 ? "head" : row}-${col}`);
    this.table.setAttribute("aria-rowcount", this.view.length + 1);
    this.table.setAttribute("aria-multiselectable", this.get("mode") === "many");
    if (!this.all) return;
    const chosen = this.view.filter(({ id }) => selected.has(id)).length;
    this.all.checked = chosen > 0 && chosen === this.view.length;
    this.all.indeterminate = chosen > 0 && chosen < this.view.length;
  }

  drawFoot(selected) {
    const [shown, all] = [this.view.length, this.get("rows").length];
    const count = `${shown === all ? all : `${shown} of ${all}`} row${all === 1 ? "" : "s"}`;
    const chosen = selected.size ? `, ${selected.size} selected` : "";
    const row = this.view.find(({ id }) => id === this.get("current"));
    const text = `${count}${chosen}${row?.note ? ` · ${this.title(row)}: ${row.note}` : ""}`;
    if (this.foot.textContent !== text) this.foot.textContent = text;
    const problems = this.problem ? [{ text: this.problem }] : this.get("errors");
    const key = JSON.stringify(problems);
    if (this.alert.dataset.key === key) return;
    this.alert.dataset.key = key;
    this.alert.replaceChildren();
    for (const { text: sentence, detail } of problems) tell(this.alert, sentence, detail);
  }
}
