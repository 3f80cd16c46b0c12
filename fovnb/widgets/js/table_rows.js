// What a cell of a table says, which rows a search leaves, and in which order; as `Table.visible_ids` has them.

const isFlag = (column) => column.kind === "flag" || column.kind === "tick";
const empty = (value) => value === null || value === undefined;

function numberText(value, digits) {
  if (typeof value !== "number") return String(value).replace("inf", "∞");
  const [exact, short] = [String(value), value.toPrecision(digits)];
  return Number.isInteger(value) || exact.length <= short.length ? exact : short;
}

function textOf(column, value) {
  if (empty(value)) return "";
  if (column.kind === "choice") return String(column.choices.find(([one]) => one === value)?.[1] ?? value);
  if (typeof value === "boolean") return value ? "✓" : "";
  return column.kind === "number" ? numberText(value, column.digits) : String(value);
}

function searchText(column, value) {
  if (column.kind === "choice") value = column.choices.find(([one]) => one === value)?.[1] ?? value;
  if (typeof value === "string") return value.toLowerCase();
  return Number.isInteger(value) ? String(value) : "";
}

function sortKey(value) {
  const text = typeof value === "string" && !["inf", "-inf"].includes(value);
  return text ? [1, value.toLowerCase()] : [0, Number(String(value).replace("inf", "Infinity").replace("true", 1).replace("false", 0))];
}

function compared(a, b) {
  if (a[0] !== b[0]) return a[0] - b[0];
  return a[1] < b[1] ? -1 : Number(a[1] > b[1]);
}

function visible(rows, columns, filter, [name, descending] = []) {
  const words = filter.toLowerCase().split(/\s+/).filter(Boolean);
  const all = (row) => columns.map((column) => searchText(column, row[column.name])).join("\n");
  const found = words.length ? rows.filter((row) => ((text) => words.every((word) => text.includes(word)))(all(row))) : rows;
  if (!name) return found;
  const keyed = found.filter((row) => !empty(row[name])).map((row) => [sortKey(row[name]), row]);
  keyed.sort(([a], [b]) => (descending ? compared(b, a) : compared(a, b)));
  return [...keyed.map(([, row]) => row), ...found.filter((row) => empty(row[name]))];
}
