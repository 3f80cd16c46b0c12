// A sentence with a sign for its tone; all text is data: textContent only.

const SIGNS = { plain: "", good: "✓", warning: "⚠", error: "✗" };

function render({ model, el }) {
  el.classList.add("fovnb-note");
  el.setAttribute("role", "status");
  const sign = document.createElement("span");
  sign.className = "fovnb-note-sign";
  sign.setAttribute("aria-hidden", "true");
  const text = document.createElement("span");
  el.append(sign, text);
  const show = () => {
    const tone = model.get("tone");
    el.dataset.tone = tone;
    el.hidden = !model.get("text");
    sign.textContent = SIGNS[tone];
    text.textContent = model.get("text");
  };
  show();
  model.on("change:text", show);
  model.on("change:tone", show);
  return () => {
    model.off("change:text", show);
    model.off("change:tone", show);
  };
}

export default { render };
