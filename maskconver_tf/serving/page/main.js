// Joins the parts: a picture goes to the server once, and every slider only to the worker.
import { readPicture, watchPictures } from "./pictures.js";
import { describeModel, refused, segment, setToken } from "./server.js";
import { Stage, percent } from "./stage.js";

const $ = (id) => document.getElementById(id);
const worker = new Worker("worker.js", { type: "module" });
const waiting = new Map();
const view = { opacity: 0.55, outlines: true, names: true, hidden: new Set() };
const stages = [];
let newest, picture, thresholds = {}, tickets = 0, running = null;

worker.onmessage = ({ data }) => {
  const { resolve, reject } = waiting.get(data.ticket);
  waiting.delete(data.ticket);
  if (data.error) reject(refused(0, `The answer cannot be shown (${data.error})`));
  else resolve(data);
};

function ask(message, transfer = []) {
  return new Promise((resolve, reject) => {
    waiting.set(++tickets, { resolve, reject });
    worker.postMessage({ ticket: tickets, thresholds, ...message }, transfer);
  });
}

function usePicture(file) {
  running?.abort();
  running = new AbortController();
  const { signal } = running;
  return guarded(async () => {
    if (!newest) await start();
    say("Reading the picture …", true);
    const next = await readPicture(file, newest);
    if (signal.aborted) return;
    picture = next;
    document.body.classList.add("has-picture");
    for (const stage of stages) await segmentOn(stage, signal);
  });
}

async function segmentOn(stage, signal) {
  if (!picture) return;
  stage.point(0);
  stage.show(picture.bitmap, null, view);
  listSegments();
  say(`Version ${stage.model.version} segments the picture …`, true);
  const begin = performance.now();
  const answer = await segment(picture.file, stage.model, signal);
  stage.time = Math.round(performance.now() - begin);
  const { categories } = stage.model, slot = stages.indexOf(stage);
  const found = await ask({ slot, answer, categories }, [answer]);
  if (signal?.aborted || slot < 0) return;
  stage.show(picture.bitmap, found, view);
  listSegments();
  const many = found.segments.length, note = "The picture was made smaller, because the server has a limit.";
  const notes = [picture.isSmaller && note, found.warning].filter(Boolean).join(" ");
  say(`${many} ${many === 1 ? "segment" : "segments"} in ${stage.time} ms. ${notes}`);
}

/** Fuses again after a slider moved. While the worker is busy only the last move counts. */
let isFusing = false, fuseAgain = false;
async function fuseAll() {
  fuseAgain = isFusing;
  if (isFusing) return;
  isFusing = true;
  await guarded(async () => {
    for (const [slot, stage] of stages.entries()) {
      if (!stage.found) continue;
      const found = await ask({ slot });
      stage.point(0);
      stage.show(picture.bitmap, found, view);
    }
    listSegments();
  });
  isFusing = false;
  if (fuseAgain) fuseAll();
}

async function start() {
  newest = await describeModel();
  $("model").textContent = newest.name;
  document.title = `${newest.name}: try the model`;
  if (!stages.length) addStage(newest);
  $("compare").hidden = newest.versions.length < 2;
  setSliders();
  say("");
}

function addStage(model) {
  const stage = new Stage($("stages"), model, pointAt);
  for (const number of newest.versions) stage.select.add(new Option(`Version ${number}`, number));
  stage.select.value = model.version;
  stage.select.disabled = newest.versions.length < 2;
  stage.select.addEventListener("change", () => guarded(async () => {
    stage.model = await describeModel(stage.select.value);
    setSliders();
    await segmentOn(stage);
  }));
  for (const button of stage.buttons) button.addEventListener("click", () => guarded(() => save(stage, button.dataset)));
  stages.push(stage);
  document.body.classList.toggle("comparing", stages.length > 1);
  return stage;
}

async function compare(isOn) {
  if (isOn) {
    const other = newest.versions.find((number) => number !== stages[0].model.version);
    return segmentOn(addStage(await describeModel(other)));
  }
  stages.pop().figure.remove();
  document.body.classList.remove("comparing");
  listSegments();
}

function listSegments() {
  const classes = new Map(), rows = [];
  for (const stage of stages.filter(({ found }) => found)) {
    const { found: { segments, width, height }, model } = stage;
    stage.caption.textContent = `${width} × ${height} · ${stage.time} ms`;
    const names = segments.map((each) => stage.nameOf(each)).join(", ");
    stage.canvas.setAttribute("aria-label", `Picture with ${segments.length} segments: ${names}`);
    if (stages.length > 1) rows.push(element("li", { textContent: `Version ${model.version}`, className: "heading" }));
    for (const each of segments) {
      rows.push(segmentRow(stage, each, each.area / (width * height)));
      classes.set(each.classId, [...(classes.get(each.classId) ?? []), stage]);
    }
  }
  if (!classes.size && stages.some(({ found }) => found)) {
    rows.push(element("li", { textContent: "No segment. Lower the score.", className: "heading" }));
  }
  $("segments").replaceChildren(...rows);
  $("classes").replaceChildren(...[...classes].map(([classId, found]) => classBox(classId, found)));
}

function segmentRow(stage, each, part) {
  const button = element("button", { type: "button", className: "segment" },
    swatch(stage.colors[each.id - 1]), element("span", { textContent: stage.nameOf(each) }),
    element("span", { textContent: percent(each.score), className: "score", title: "score" }),
    element("span", { textContent: part < 0.01 ? "< 1 %" : percent(part), className: "share", title: "share of the picture" }));
  for (const event of ["focus", "pointerenter"]) button.addEventListener(event, () => pointAt(stage, each.id));
  return element("li", {}, button);
}

function classBox(classId, found) {
  const box = element("input", { type: "checkbox", checked: !view.hidden.has(classId) });
  box.addEventListener("change", () => {
    view.hidden[box.checked ? "delete" : "add"](classId);
    look({});
  });
  const { name, color } = found[0].model.categories[classId];
  return element("label", { className: "chip" }, box, swatch(color), `${name} ${found.length}`);
}

function pointAt(stage, id, event) {
  stage.point(id, event);
  if (event?.type === "pointerdown" && id) say(stage.describe(id));
}

function look(change) {
  Object.assign(view, change);
  stages.forEach((stage) => stage.draw());
}

async function save(stage, { save: kind, copy }) {
  const name = { png: "segments.png", json: "segments.json", "cut-out": "cut-out.png" }[kind];
  if (copy === undefined) {
    const link = element("a", { href: URL.createObjectURL(await stage.blob(kind)), download: name });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
    return say(`Saved ${name}.`);
  }
  if (!navigator.clipboard?.write) throw refused(0, "This browser copies only from https or localhost. Save the file instead.");
  if (kind === "json") await navigator.clipboard.writeText(await (await stage.blob(kind)).text());
  else await navigator.clipboard.write([new ClipboardItem({ "image/png": stage.blob(kind) })]);
  say(`Copied ${name}.`);
}

const SAME = { show: (x) => x.toFixed(2), to: (at) => at, from: (x) => x };
const AREA = { show: (x) => `${x} px`, to: (at) => Math.round(10 ** (4.6 * at)) - 1, from: (x) => Math.log10(x + 1) / 4.6 };
const SLIDERS = { score_threshold: SAME, overlap_threshold: SAME, min_area: AREA };

/** Puts the sliders where the model's own thresholds are. */
function setSliders() {
  const own = stages[0].model.fusion, isFixed = stages.some(({ model }) => !model.has_proposals);
  for (const [name, { show, from }] of Object.entries(SLIDERS)) {
    const slider = $(name), value = thresholds[name] ?? own[name];
    slider.disabled = isFixed;
    if (name === "score_threshold") slider.min = Math.min(0.05, own[name] ?? 0.05);
    slider.value = from(value ?? 0);
    slider.nextElementSibling.textContent = value === undefined ? "" : show(value);
  }
  $("reset").disabled = !Object.keys(thresholds).length;
  $("no-proposals").hidden = !isFixed;
}

for (const [name, { show, to }] of Object.entries(SLIDERS)) {
  $(name).addEventListener("input", ({ target }) => {
    thresholds = { ...thresholds, [name]: to(target.valueAsNumber) };
    target.nextElementSibling.textContent = show(thresholds[name]);
    $("reset").disabled = false;
    fuseAll();
  });
}
$("reset").addEventListener("click", () => {
  thresholds = {};
  setSliders();
  fuseAll();
});
$("opacity").addEventListener("input", ({ target }) => {
  target.nextElementSibling.textContent = percent(target.valueAsNumber);
  look({ opacity: target.valueAsNumber });
});
for (const name of ["outlines", "names"]) $(name).addEventListener("change", ({ target }) => look({ [name]: target.checked }));
$("both").addEventListener("change", ({ target }) => guarded(() => compare(target.checked)).then(() => look({})));
$("segments").addEventListener("keydown", (event) => {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!step) return;
  event.preventDefault();
  const rows = [...$("segments").querySelectorAll("button")];
  rows[rows.indexOf(document.activeElement) + step]?.focus();
});
$("token").addEventListener("close", () => {
  setToken($("token").querySelector("input").value);
  guarded(start);
});

/** Runs an action; shows an error as a sentence, and asks for the token if the server wants one. */
async function guarded(action) {
  try {
    await action();
  } catch (error) {
    if (error.name === "AbortError") return;
    if (error.status === 401 && !$("token").open) $("token").showModal();
    say(error.message, false, true);
  }
}

function say(text, busy = false, isError = false) {
  $("status").textContent = text;
  $("status").classList.toggle("error", isError);
  document.body.classList.toggle("busy", busy);
}

function element(tag, properties, ...children) {
  const node = Object.assign(document.createElement(tag), properties);
  node.append(...children);
  return node;
}

function swatch(color) {
  const node = element("span", { className: "swatch" });
  node.style.backgroundColor = `rgb(${color})`;
  return node;
}

watchPictures(usePicture, (text) => say(text, false, true));
guarded(start);
