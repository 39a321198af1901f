// One picture, large: truth and prediction under one slider, and the list of its errors.

const view = {
  picture: null,
  content: null,
  look: "errors",
  split: 50,
  chosen: null,
  before: null,
};
const LOOKS = [
  ["errors", "errors"],
  ["classes", "classes"],
  ["photo", "outlines"],
];

function setUpViewer() {
  if (!DATA.pictures.photo.some(Boolean)) view.look = "classes";
  const dialog = byId("viewer");
  dialog.addEventListener("close", () => {
    showTip(null, "");
    if (shown.picture != null) go(shown.filter);
  });
  dialog.addEventListener("keydown", viewerKeys);
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close();
  });
}

function showViewer() {
  const dialog = byId("viewer");
  const { picture } = shown;
  if (picture == null) {
    view.picture = null;
    if (dialog.open) dialog.close();
    return;
  }
  view.picture = picture;
  view.chosen = null;
  view.content = null;
  dialog.setAttribute("aria-label", `Picture ${nameOf(picture)}`);
  dialog.replaceChildren(viewerHead(), viewerBody());
  if (!dialog.open) dialog.showModal();
  dialog.querySelector("[data-next]").focus();
  loadPicture(picture).then(
    (content) => {
      if (view.picture !== picture) return;
      view.content = content;
      repaint();
    },
    (error) => dialog.querySelector(".stage").append(el("p", { class: "notice" }, error.message)),
  );
}

function viewerHead() {
  const { picture, filter } = shown;
  const scores = DATA.pictures.models[filter.model];
  const at = list.entries.findIndex((entry) => entry.picture === picture);
  const place = at < 0 ? "" : `${whole(at + 1)} of ${whole(list.entries.length)}`;
  return el(
    "div",
    { class: "viewer-head" },
    el(
      "div",
      {},
      el("h2", {}, nameOf(picture)),
      el(
        "p",
        { class: "soft" },
        `PQ ${fixed(scores.pq[picture])} · SQ ${fixed(scores.sq[picture])} · ` +
          `RQ ${fixed(scores.rq[picture])} · TP ${scores.tp[picture]} · ` +
          `FN ${scores.fn[picture]} · FP ${scores.fp[picture]} · id ${DATA.pictures.id[picture]}`,
      ),
    ),
    el(
      "div",
      { class: "buttons" },
      el("span", { class: "soft" }, place),
      button("‹", "previous picture", () => step(-1)),
      button("›", "next picture", () => step(1), { "data-next": true }),
      DATA.models.length > 1 ? modelSelect() : null,
      button("×", "close", () => byId("viewer").close()),
    ),
  );
}

function modelSelect() {
  return select(
    "model",
    "viewer-model",
    DATA.models.map(({ name }, i) => [String(i), name]),
    shown.filter.model,
    (v) => go({ ...shown.filter, model: Number(v) }, shown.picture),
  );
}

const button = (text, label, onclick, more) =>
  el("button", { type: "button", "aria-label": label, title: label, onclick, ...more }, text);

function viewerBody() {
  const { picture } = shown;
  const ratio = DATA.pictures.width[picture] / DATA.pictures.height[picture];
  const photo = DATA.pictures.photo[picture]
    ? el("img", {
        src: `pictures/${fileOf(picture)}.jpg`,
        alt: `Photo ${nameOf(picture)}`,
      })
    : null;
  const stage = el(
    "div",
    {
      class: "stage",
      style: `aspect-ratio:${ratio};--ratio:${ratio}`,
      onpointermove: hover,
      onpointerleave: () => showTip(null, ""),
      onpointerdown: drag,
    },
    photo,
    el("canvas", { class: "truth", role: "img", "aria-label": "true segments" }),
    el("canvas", { class: "prediction", role: "img", "aria-label": "predicted segments" }),
    el("span", { class: "side left" }, "truth"),
    el("span", { class: "side right" }, "prediction"),
    el("div", { class: "divider" }),
  );
  const slider = el("input", {
    type: "range",
    id: "slider",
    min: 0,
    max: 100,
    step: 1,
    value: view.split,
    "aria-label": "Share of the truth, in percent; the rest is the prediction",
    oninput: (event) => setSplit(Number(event.target.value)),
  });
  const looks = el(
    "fieldset",
    { class: "looks" },
    el("legend", { class: "hidden" }, "Colors"),
    LOOKS.map(([look, text]) =>
      el(
        "label",
        {},
        el("input", {
          type: "radio",
          name: "look",
          value: look,
          checked: view.look === look,
          onchange: () => {
            view.look = look;
            repaint();
          },
        }),
        text,
      ),
    ),
  );
  const body = el(
    "div",
    { class: "viewer-body" },
    el(
      "div",
      { class: "left" },
      el("div", { class: "stage-box" }, stage),
      el(
        "div",
        { class: "controls" },
        el("label", { class: "range" }, "truth", slider, "prediction"),
        looks,
      ),
    ),
    errorList(),
  );
  setSplit(view.split, stage);
  return body;
}

function setSplit(value, stage) {
  view.split = value;
  const target = stage || document.querySelector("#viewer .stage");
  target.style.setProperty("--split", `${value}%`);
}

// ---- Errors -------------------------------------------------------------------------------------
function errorRows() {
  const rows = DATA.segments[shown.filter.model];
  const test = rowTest(shown.filter, rows);
  const found = [];
  for (let i = rows.starts[shown.picture]; i < rows.starts[shown.picture + 1]; i += 1) {
    if (rows.outcome[i] || rows.iou[i] < SCALE) found.push({ i, fits: Boolean(test && test(i)) });
  }
  const isMatch = (i) => rows.outcome[i] === 0;
  return found.sort(
    (a, b) => b.fits - a.fits || isMatch(a.i) - isMatch(b.i) || rows.lost[b.i] - rows.lost[a.i],
  );
}

function errorList() {
  const rows = DATA.segments[shown.filter.model];
  const entries = errorRows();
  const wrong = entries.filter(({ i }) => rows.outcome[i]).length;
  return el(
    "div",
    { class: "errors" },
    el("h3", {}, `${plural(wrong, "error")}, ${plural(entries.length - wrong, "inexact mask")}`),
    el(
      "ol",
      {},
      entries.map(({ i, fits }) => el("li", {}, errorButton(rows, i, fits))),
    ),
    entries.length ? null : el("p", { class: "soft" }, "This prediction equals the truth."),
    el(
      "p",
      { class: "soft keys" },
      "Arrow keys: ← → another picture, ↑ ↓ another error. " +
        "1 2 3: colors. T P B: truth, prediction, both.",
    ),
  );
}

function errorButton(rows, i, fits) {
  const kind = DATA.kinds[rows.kind[i]];
  const partner =
    rows.other[i] < 0
      ? ""
      : rows.outcome[i] === 1
        ? ` (predicted ${className(rows.other[i])})`
        : ` (in truth ${className(rows.other[i])})`;
  const side = { 0: "", 1: "not found", 2: "wrong prediction" }[rows.outcome[i]];
  const details = [
    side,
    rows.iou[i] ? `IoU ${fixed(rows.iou[i] / SCALE, 2)}` : "",
    rows.score[i] >= 0 ? `score ${fixed(rows.score[i] / SCALE, 2)}` : "",
    SIZES[rows.size[i]],
    `costs ${fixed(rows.lost[i], 2)} PQ of the class`,
  ].filter(Boolean);
  return el(
    "button",
    {
      type: "button",
      class: fits ? "error fits" : "error",
      "data-row": i,
      "aria-pressed": "false",
      onclick: () => choose(view.chosen === i ? null : i),
    },
    swatch(kind.color),
    el("span", {}, el("b", {}, className(rows.class[i])), `: ${kindName(kind.name)}${partner}`),
    el("span", { class: "soft" }, details.join(" · ")),
  );
}

function choose(row) {
  view.chosen = row;
  for (const item of document.querySelectorAll("#viewer .error")) {
    item.setAttribute("aria-pressed", String(Number(item.dataset.row) === row));
  }
  repaint();
}
