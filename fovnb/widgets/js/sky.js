// Aladin Lite as ipyaladin shows it, with our map and the regions' outlines on it, and shapes drawn by mouse reported to
// Python. What is shown is the model's state, never a message, so that a view that comes later shows the same.
// All text is data: textContent only.

const PAN = 0; // Aladin Lite's mode in which nothing is drawn

const SHAPES = {
  circle: ["Circle", "circle", "Drag from the centre to the rim; Esc ends drawing."],
  rectangle: ["Rectangle", "rect", "Drag from corner to corner; Esc ends drawing."],
  polygon: ["Polygon", "poly", "Click the corners, then press Enter or click the flag; Esc ends drawing."],
};

// ipyaladin's answers to these throw for an outline, which is no source of a catalogue, and the click is lost.
const UNUSED = new Set(["objectClicked", "objectHovered", "select"]);

// Where the view is goes to Python only: on the way back, older values would overtake newer ones.
const ONE_WAY = ["_target", "_fov", "_rotation", "_height"];

const PLAIN = "plain";
const PROPERTIES = `creator_did = ivo://fovnb/plain
obs_title = plain
dataproduct_type = image
hips_version = 1.4
hips_frame = equatorial
hips_order = 0
hips_order_min = 0
hips_tile_width = 512
hips_tile_format = png
`;

// One address for each text, however many views ask: a module is loaded once.
const addresses = (globalThis.fovnbModules ??= new Map());

function addressOf(text) {
  if (!addresses.has(text)) addresses.set(text, URL.createObjectURL(new Blob([text], { type: "text/javascript" })));
  return addresses.get(text);
}

// Aladin Lite and ipyaladin's own module, both with the same instance of Aladin Lite.
async function load(model) {
  const base = model.get("_base");
  const address = base.match(/["'](https:[^"']*aladin-lite[^"']*)["']/)[1];
  const own = model.get("_aladin_text");
  const used = own ? addressOf(own) : address;
  const { default: A } = await import(used);
  const { default: ipyaladin } = await import(addressOf(base.replaceAll(address, used)));
  await ipyaladin.initialize({ model });
  return { A, ipyaladin };
}

function within(milliseconds, work) {
  const late = new Promise((_, reject) => setTimeout(() => reject(new Error("no answer")), milliseconds));
  return Promise.race([work, late]);
}

// A hidden tab has no size: nothing is loaded before it is shown.
function shown(el, signal) {
  return new Promise((resolve) => {
    const watch = new ResizeObserver(() => el.offsetWidth > 0 && (watch.disconnect(), resolve()));
    watch.observe(el);
    signal.addEventListener("abort", () => watch.disconnect());
  });
}

function element(tag, className, parent, text = "") {
  const made = document.createElement(tag);
  made.className = className;
  made.textContent = text;
  parent.append(made);
  return made;
}

function change(model, values) {
  for (const [name, value] of Object.entries(values)) model.set(name, value);
  model.save_changes();
}

// A black sky of 12 tiles, so that nothing is asked of any server.
async function plainSky() {
  const canvas = new OffscreenCanvas(512, 512);
  canvas.getContext("2d").fillRect(0, 0, 512, 512);
  const tile = await canvas.convertToBlob();
  const numbers = Array.from({ length: 12 }, (_, number) => number);
  const files = { 0: Object.fromEntries(numbers.map((number) => [number, { png: new File([tile], `${number}.png`) }])) };
  Object.defineProperty(files, "properties", { value: new File([PROPERTIES], "properties"), configurable: true });
  // Aladin Lite deletes the properties after the first look at them, and looks again.
  return new Proxy(files, { deleteProperty: () => true });
}

// Let ipyaladin build its view, and catch the Aladin Lite that it makes, before it listens to it.
function build({ A, ipyaladin }, model, el, sky, heard) {
  const make = A.aladin;
  let aladin;
  A.aladin = function (div, options) {
    const survey = sky && { name: PLAIN, url: sky };
    aladin = make.call(A, div, sky ? { ...options, survey: A.HiPS(PLAIN, survey) } : options);
    if (sky) aladin.hipsCache.append(PLAIN, { ...survey, type: "hips" });
    const on = aladin.on.bind(aladin);
    aladin.on = (name, answer) => {
      if (name === "click") on(name, (event) => heard(event) && answer(event));
      else if (!UNUSED.has(name)) on(name, answer);
    };
    return aladin;
  };
  try {
    const detach = ipyaladin.render({ model, el });
    for (const name of ONE_WAY) model.off(`change:${name}`);
    return { detach, aladin };
  } finally {
    A.aladin = make;
  }
}

// Points on the sky of a shape in pixels, null where it lies beside the sky.
function points(aladin, shape) {
  const sky = (x, y) => Array.from(aladin.pix2world(x, y, "icrs") ?? []);
  const { x, y, r, w, h, vertices } = shape;
  // Aladin Lite notes a corner when the button goes down and again when it comes up.
  const apart = (a, b) => !b || Math.hypot(a.x - b.x, a.y - b.y) > 3;
  if (vertices) return vertices.filter((at, n) => apart(at, vertices[n - 1])).map((at) => sky(at.x, at.y));
  if (r !== undefined) return [sky(x, y), sky(x + r, y), sky(x, y - r), sky(x - r, y), sky(x, y + r)];
  const [u, v] = [x + w / 2, y + h / 2];
  return [sky(u, v), sky(x + w, v), sky(u, y), sky(x, v), sky(u, y + h)];
}

class Pencil {
  // Draws what the model's `_drawing` names, until it is drawn or given up.
  constructor(aladin, model, div) {
    Object.assign(this, { aladin, model, busy: false, switching: false });
    div.addEventListener("AL:mode", (event) => event.detail.mode === PAN && this.ended());
    // Leaving the canvas would end a polygon, with an error if it leaves the window.
    div.addEventListener("mouseout", (event) => this.mode === "polygon" && event.stopPropagation(), true);
  }

  get mode() {
    return this.model.get("_drawing");
  }

  start() {
    this.switching = true;
    this.aladin.view.selector?.select?.dispatch("finish"); // takes a polygon's flag away
    this.aladin.fire("default");
    this.switching = false;
    if (!this.mode) return;
    this.aladin.select(SHAPES[this.mode][1], (shape) => {
      if (!this.switching) this.model.send({ event_type: "drawn", shape: this.mode, points: points(this.aladin, shape) });
    });
  }

  ended() {
    if (this.switching || !this.mode) return;
    this.busy = true; // the click that ended it is none
    setTimeout(() => (this.busy = false));
    change(this.model, { _drawing: "" });
  }

  key(event) {
    if (!this.mode || !["Escape", "Enter"].includes(event.key)) return;
    event.stopPropagation();
    event.preventDefault();
    if (event.key === "Escape") change(this.model, { _drawing: "" });
    else if (this.mode === "polygon") this.aladin.view.selector.select.dispatch("finish");
  }

  // Whether a click is meant as one.
  heard(event) {
    return !event.isDragging && !this.mode && !this.busy;
  }
}

function showRegions(A, overlay, regions) {
  overlay.removeAll();
  for (const { points: corners, color, width } of regions) {
    const style = { color, lineWidth: width, selectionColor: color, selectionLineWidth: width, hoverColor: color };
    overlay.add(A.polygon(corners.map((corner) => [...corner]), style));
  }
  overlay.reportChange();
}

function showMap(aladin, { fits, name, low, high, colormap }) {
  if (!fits) return;
  const url = URL.createObjectURL(new Blob([fits], { type: "application/octet-stream" }));
  const options = { name, imgFormat: "fits", minCut: low, maxCut: high, colormap: colormap.replace(/_r$/, "") };
  const free = () => URL.revokeObjectURL(url);
  const image = aladin.createImageFITS(url, { ...options, reversed: colormap.endsWith("_r") }, free, free);
  aladin.setOverlayImageLayer(image, "fovnb");
}

class Camera {
  // Where Aladin Lite looks: a square of sky as wide as said fits into the view. Aladin Lite rescales its field of view
  // when its size changes, beyond recognition in a hidden tab; so it is set again afterwards.
  constructor(aladin, model, host, signal) {
    Object.assign(this, { aladin, model, host, kept: model.get("_view").width });
    const watch = new ResizeObserver(() => this.resized());
    watch.observe(host);
    signal.addEventListener("abort", () => (watch.disconnect(), clearTimeout(this.timer)));
  }

  look() {
    const { lon, lat, width } = this.model.get("_view");
    this.aladin.gotoRaDec(lon, lat);
    if (this.kept === null && this.host.clientWidth) this.fit(width);
    else this.kept = width;
  }

  fit(width) {
    this.aladin.setFoV(width * Math.max(1, this.host.clientWidth / this.host.clientHeight));
  }

  resized() {
    this.kept ??= Math.min(...this.aladin.getFov());
    clearTimeout(this.timer);
    if (this.host.clientWidth) this.timer = setTimeout(() => (this.fit(this.kept), (this.kept = null)), 50);
  }
}

// The buttons, the place of the sky, and below it, where it moves nothing, the sentence.
function frame(model, el) {
  const bar = element("div", "fovnb-sky-bar", el);
  bar.setAttribute("role", "toolbar");
  bar.setAttribute("aria-label", "draw on the sky");
  const tools = Object.entries(SHAPES).map(([mode, [label, , help]]) => {
    const button = element("button", "fovnb-button fovnb-sky-button", bar, label);
    button.title = help;
    button.addEventListener("click", () => change(model, { _drawing: model.get("_drawing") === mode ? "" : mode }));
    return [mode, button];
  });
  const centre = element("button", "fovnb-button fovnb-sky-button", bar, "Centre");
  centre.title = "back to where the view began";
  const host = element("div", "fovnb-sky-host", el);
  host.style.height = `${model.get("_height")}px`;
  const said = element("div", "fovnb-sky-said", el);
  said.setAttribute("role", "status");
  const show = (ready) => {
    const mode = model.get("_drawing");
    for (const [name, button] of tools) button.setAttribute("aria-pressed", String(name === mode));
    for (const button of [centre, ...tools.map((tool) => tool[1])]) button.disabled = !ready;
    said.textContent = SHAPES[mode]?.[2] ?? model.get("_note");
  };
  return { centre, host, said, show };
}

// Give the graphics memory back; a browser has few such contexts.
function release(aladin, el) {
  aladin.view.redrawClbk = () => {};
  aladin.view.resizeObserver?.disconnect();
  for (const canvas of el.querySelectorAll("canvas")) {
    canvas.getContext("webgl2")?.getExtension("WEBGL_lose_context")?.loseContext();
  }
}

async function begin(model, el, page, signal) {
  const { host } = page;
  page.said.textContent = "Loading Aladin Lite …";
  await shown(el, signal);
  const modules = await within(model.get("_patience_ms"), load(model));
  const sky = model.get("survey") === PLAIN && (await plainSky());
  if (signal.aborted) return;
  let pencil;
  const { aladin, detach } = build(modules, model, host, sky, (event) => pencil.heard(event));
  pencil = new Pencil(aladin, model, aladin.aladinDiv);
  const overlay = modules.A.graphicOverlay({ name: "regions" });
  aladin.addOverlay(overlay);
  const camera = new Camera(aladin, model, host, signal);
  const answers = {
    _view: () => camera.look(),
    _map: () => showMap(aladin, model.get("_map")),
    _regions: () => showRegions(modules.A, overlay, model.get("_regions")),
    _drawing: () => (pencil.start(), page.show(true)),
    _note: () => page.show(true),
  };
  for (const [name, answer] of Object.entries(answers)) {
    answer();
    model.on(`change:${name}`, answer);
  }
  page.centre.addEventListener("click", answers._view);
  document.addEventListener("keydown", (event) => pencil.key(event), { capture: true, signal });
  signal.addEventListener("abort", () => {
    for (const [name, answer] of Object.entries(answers)) model.off(`change:${name}`, answer);
    detach();
    release(aladin, host);
  });
}

function render({ model, el }) {
  el.classList.add("fovnb-sky");
  const ending = new AbortController();
  const page = frame(model, el);
  page.show(false);
  begin(model, el, page, ending.signal).catch((error) => {
    if (ending.signal.aborted) return;
    console.warn(error);
    page.said.textContent = "Aladin Lite could not be loaded.";
    change(model, { _failed: String(error?.message ?? error) });
  });
  return () => ending.abort();
}

export default { render };
