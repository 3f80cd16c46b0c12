// One picture in a box that never collapses: a new one takes the place of the old when it is decoded, not before.
// With arrow keys and Enter a place in it is chosen as with a click.

const STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

function element(tag, className, parent, text = "") {
  const made = document.createElement(tag);
  made.className = className;
  made.textContent = text;
  parent.append(made);
  return made;
}

const within = (fraction) => Math.min(1, Math.max(0, fraction));

function render({ model, el }) {
  const box = element("div", "fovnb-picture", el);
  box.style.width = `${model.get("width")}px`;
  box.style.aspectRatio = `${model.get("width")} / ${model.get("height")}`;
  box.setAttribute("role", "group");
  box.setAttribute("aria-label", model.get("label"));
  let image = element("img", "fovnb-picture-image", box);
  const cross = element("div", "fovnb-picture-cross", box);
  cross.setAttribute("aria-hidden", "true");
  const badge = element("div", "fovnb-picture-stale", box, "⟳ stale");
  const said = element("div", "fovnb-picture-said", box);
  said.setAttribute("role", "status");
  let [newest, shown, closed, place] = [0, 0, false, [0.5, 0.5]];

  const show = async () => {
    const number = ++newest;
    const [bytes, alt, recipe] = ["png", "alt", "recipe"].map((name) => model.get(name));
    if (!bytes?.byteLength) return;
    const url = URL.createObjectURL(new Blob([bytes], { type: "image/png" }));
    const next = new Image();
    next.className = image.className;
    next.alt = alt;
    next.draggable = false;
    next.dataset.recipe = recipe;
    next.src = url;
    try {
      await next.decode();
      if (closed || number < shown) return;
      shown = number;
      image.replaceWith(next);
      image = next;
    } finally {
      URL.revokeObjectURL(url); // what is decoded stays
    }
  };
  let waiting = false;
  const showSoon = () => {
    // picture, text and recipe come in one message, and as three events
    if (waiting) return;
    waiting = true;
    queueMicrotask(() => {
      waiting = false;
      show().catch((error) => console.warn("fovnb: a picture could not be decoded", error));
    });
  };
  const showStale = () => {
    box.dataset.stale = model.get("stale");
    badge.hidden = !model.get("stale");
  };
  const showPlaces = () => {
    const places = model.get("places");
    box.classList.toggle("fovnb-picture-places", places);
    if (places) box.tabIndex = 0;
    else box.removeAttribute("tabindex");
    box.setAttribute("aria-roledescription", places ? "picture to place something in: arrow keys, then Enter" : "picture");
  };
  const send = ([x, y]) => {
    model.set("clicked", { x, y, n: (model.get("clicked").n ?? 0) + 1 });
    model.save_changes();
  };
  const moveCross = () => {
    cross.style.left = `${100 * place[0]}%`;
    cross.style.top = `${100 * place[1]}%`;
  };

  box.addEventListener("click", (event) => {
    if (!model.get("places")) return;
    const { left, top, width, height } = box.getBoundingClientRect();
    place = [within((event.clientX - left) / width), within((event.clientY - top) / height)];
    moveCross();
    send(place);
  });
  box.addEventListener("keydown", (event) => {
    if (!model.get("places")) return;
    const step = STEPS[event.key];
    if (step) {
      const size = event.shiftKey ? 0.05 : 0.01;
      place = place.map((fraction, axis) => within(fraction + size * step[axis]));
      box.classList.add("fovnb-picture-aiming");
      moveCross();
      said.textContent = `${Math.round(100 * place[0])} % from the left, ${Math.round(100 * place[1])} % from the top`;
    } else if (event.key === "Enter") {
      send(place);
      said.textContent = "placed";
    } else return;
    // JupyterLab moves between cells with these keys
    event.preventDefault();
    event.stopPropagation();
  });
  box.addEventListener("blur", () => box.classList.remove("fovnb-picture-aiming"));

  moveCross();
  showSoon();
  showStale();
  showPlaces();
  const heard = [
    ["change:png", showSoon],
    ["change:alt", showSoon],
    ["change:recipe", showSoon],
    ["change:stale", showStale],
    ["change:places", showPlaces],
  ];
  for (const [name, react] of heard) model.on(name, react);
  return () => {
    closed = true;
    for (const [name, react] of heard) model.off(name, react);
  };
}

export default { render };
