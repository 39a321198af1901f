// The tables of segments and of confused pixels, and the pictures that fit a filter.

const DATA = { ...(window.REPORT || {}).report, ...window.REPORT };
const OUTCOMES = ["tp", "fn", "fp"];
const OUTCOME_NAMES = { tp: "matched", fn: "not found (FN)", fp: "wrong predictions (FP)" };
const SIZES = ["small", "medium", "large"];
const SCALE = 10000;
const KIND_NAMES = {
  inexact_mask: "inexact mask",
  wrong_class: "wrong class",
  merged: "merged",
  split: "split",
  drawn_over: "drawn over",
  poor_mask: "poor mask",
  missed: "missed",
  invented: "invented",
};
const KIND_TEXTS = {
  inexact_mask: "matched, but the mask is not exact",
  wrong_class: "well drawn, but as another class",
  merged: "one prediction covers several true segments",
  split: "several predictions lie in one true segment",
  drawn_over: "other things are drawn over it",
  poor_mask: "right class, but an IoU of one half or less",
  missed: "nothing predicted it",
  invented: "nothing like it is there",
};

const kindName = (kind) => KIND_NAMES[kind] || kind;
const numKinds = () => DATA.kinds.length;
const numPictures = () => DATA.pictures.id.length;
const className = (id) => (id < DATA.classes.length ? DATA.classes[id].name : "void");

// First row of each picture; the rows are in the order of the pictures.
function startsOf(rows, count) {
  const starts = new Int32Array(count + 1);
  for (const picture of rows.picture) starts[picture + 1] += 1;
  for (let i = 0; i < count; i += 1) starts[i + 1] += starts[i];
  return starts;
}

// Adds what can be computed once. `lost` is the share of PQ that a row costs its class, in percent.
function prepareTables() {
  DATA.segments.forEach((rows, model) => {
    rows.starts = startsOf(rows, numPictures());
    const weights = new Float64Array(DATA.classes.length);
    rows.class.forEach((id, i) => {
      weights[id] += rows.outcome[i] ? 0.5 : 1;
    });
    rows.lost = rows.class.map(
      (id, i) => (100 * (rows.outcome[i] ? 0.5 : 1 - rows.iou[i] / SCALE)) / weights[id],
    );
    DATA.pairs[model].starts = startsOf(DATA.pairs[model], numPictures());
  });
}

// Returns a test of row numbers, or null if the filter asks for no segment.
function rowTest(filter, rows) {
  const tests = [];
  const same = (column, value) => tests.push((i) => rows[column][i] === value);
  if (filter.class != null) same("class", filter.class);
  if (filter.outcome) same("outcome", OUTCOMES.indexOf(filter.outcome));
  if (filter.kind)
    same(
      "kind",
      DATA.kinds.findIndex((kind) => kind.name === filter.kind),
    );
  if (filter.size) same("size", SIZES.indexOf(filter.size));
  if (filter.group) {
    const wanted = filter.group === "things";
    tests.push((i) => DATA.classes[rows.class[i]].isthing === wanted);
  }
  if (filter.score) {
    const [low, high] = filter.score;
    tests.push(
      (i) =>
        rows.outcome[i] !== 1 &&
        rows.score[i] >= 0 &&
        rows.score[i] >= low * SCALE &&
        (rows.score[i] < high * SCALE || high >= 1),
    );
  }
  return tests.length ? (i) => tests.every((test) => test(i)) : null;
}

function cellPixels(pairs, picture, cell) {
  let pixels = 0;
  for (let i = pairs.starts[picture]; i < pairs.starts[picture + 1]; i += 1) {
    if (pairs.truth[i] === cell[0] && pairs.predicted[i] === cell[1]) pixels += pairs.pixels[i];
  }
  return pixels;
}

// Returns the pictures that fit, each with the number and the loss of its segments that fit.
function fittingPictures(filter) {
  const rows = DATA.segments[filter.model];
  const pairs = DATA.pairs[filter.model];
  const test = rowTest(filter, rows);
  const text = (filter.text || "").toLowerCase();
  const found = [];
  for (let picture = 0; picture < numPictures(); picture += 1) {
    if (text && !nameOf(picture).toLowerCase().includes(text)) continue;
    const pixels = filter.cell ? cellPixels(pairs, picture, filter.cell) : 0;
    if (filter.cell && !pixels) continue;
    let count = 0;
    let lost = 0;
    for (let i = rows.starts[picture]; i < rows.starts[picture + 1]; i += 1) {
      if (test ? test(i) : rows.outcome[i]) {
        count += 1;
        lost += rows.lost[i];
      }
    }
    if (test && !count) continue;
    found.push({ picture, count, lost, pixels });
  }
  return sortPictures(found, filter);
}

const nameOf = (picture) => DATA.pictures.name[picture] || String(DATA.pictures.id[picture]);

// PQ of one class in one picture, in percent; null if the class is not there.
function classQuality(rows, picture, id) {
  let ious = 0;
  let weight = 0;
  for (let i = rows.starts[picture]; i < rows.starts[picture + 1]; i += 1) {
    if (rows.class[i] !== id) continue;
    weight += rows.outcome[i] ? 0.5 : 1;
    if (!rows.outcome[i]) ious += rows.iou[i] / SCALE;
  }
  return weight ? (100 * ious) / weight : null;
}

function kindCount(rows, picture, kind) {
  let count = 0;
  for (let i = rows.starts[picture]; i < rows.starts[picture + 1]; i += 1) {
    if (rows.kind[i] === kind && (rows.outcome[i] || kind)) count += 1;
  }
  return count;
}

// Returns the value by which a picture is sorted; null values come last.
function sortValue(filter) {
  const { sort, model } = filter;
  const rows = DATA.segments[model];
  const scores = DATA.pictures.models;
  if (sort === "name") return ({ picture }) => nameOf(picture);
  if (sort === "count") return ({ count }) => count;
  if (sort === "lost") return ({ lost }) => lost;
  if (sort === "pixels") return ({ pixels }) => pixels;
  if (sort.startsWith("class:")) {
    const id = Number(sort.slice(6));
    return ({ picture }) => classQuality(rows, picture, id);
  }
  if (sort.startsWith("kind:")) {
    const kind = DATA.kinds.findIndex(({ name }) => name === sort.slice(5));
    return ({ picture }) => kindCount(rows, picture, kind);
  }
  if (sort === "change") return ({ picture }) => change(scores, model, picture);
  const column = scores[model][sort] || scores[model].pq;
  return ({ picture }) => column[picture];
}

function change(scores, model, picture) {
  const values = [scores[model].pq[picture], scores[0].pq[picture]];
  return values.includes(null) ? null : values[0] - values[1];
}

function sortPictures(found, filter) {
  const value = sortValue(filter);
  const sign = filter.order === "down" ? -1 : 1;
  for (const entry of found) entry.value = value(entry);
  const compare =
    typeof (found[0] || {}).value === "string"
      ? (a, b) => a.value.localeCompare(b.value, "en", { numeric: true })
      : (a, b) => a.value - b.value;
  return found.sort((a, b) => {
    if (a.value === null || b.value === null) return (a.value === null) - (b.value === null);
    return sign * compare(a, b) || a.picture - b.picture;
  });
}
