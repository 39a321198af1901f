// The part of the address after # tells what is shown, so each number can be a link and each view
// can be sent to someone: "#pictures?class=3&outcome=fn", "#picture/12?class=3".

const DEFAULTS = { model: 0, sort: "pq", order: "up" };
const TEXT_KEYS = ["kind", "outcome", "size", "group", "text"];

function parseAddress(hash) {
  const [path, query] = hash.replace(/^#/, "").split("?");
  const given = new URLSearchParams(query || "");
  const filter = { ...DEFAULTS, ...sortOf(given) };
  const model = Number(given.get("model"));
  if (Number.isInteger(model) && model > 0 && model < DATA.models.length) filter.model = model;
  for (const key of TEXT_KEYS) if (given.get(key)) filter[key] = given.get(key);
  const id = Number(given.get("class"));
  if (given.has("class") && DATA.classes[id]) filter.class = id;
  const cell = pairOf(given.get("cell"));
  if (cell && cell.every((n) => n >= 0 && n <= DATA.classes.length)) filter.cell = cell;
  const score = pairOf(given.get("score"));
  if (score) filter.score = score;
  const match = /^picture\/(\d+)$/.exec(path);
  const picture = match && Number(match[1]) < numPictures() ? Number(match[1]) : null;
  return { path: match ? "pictures" : path, picture, filter };
}

function sortOf(given) {
  const sort = given.get("sort") || DEFAULTS.sort;
  const falls =
    ["count", "lost", "pixels", "tp", "fp", "fn"].includes(sort) || sort.startsWith("kind:");
  return { sort, order: given.get("order") || (falls ? "down" : "up") };
}

function pairOf(text) {
  const numbers = (text || "").split("-").map(Number);
  return text && numbers.length === 2 && numbers.every(Number.isFinite) ? numbers : null;
}

function address(filter, picture) {
  const query = new URLSearchParams();
  for (const [key, value] of Object.entries(filter)) {
    const isDefault = key === "model" ? !value : key === "order" ? false : value === DEFAULTS[key];
    if (value == null || value === "" || isDefault) continue;
    query.set(key, Array.isArray(value) ? value.join("-") : value);
  }
  const { order } = sortOf(query.has("order") ? new URLSearchParams(`sort=${filter.sort}`) : query);
  if (query.get("order") === order) query.delete("order");
  const text = query.toString().replaceAll("%3A", ":");
  return `#${picture == null ? "pictures" : `picture/${picture}`}${text ? `?${text}` : ""}`;
}

// A link to the pictures behind a number.
function link(text, filter, title) {
  const full = { ...filter };
  if (full.model == null) full.model = shown.filter.model;
  if (!full.sort)
    full.sort =
      full.class != null && !full.outcome && !full.kind && !full.cell
        ? `class:${full.class}`
        : full.cell
          ? "pixels"
          : full.outcome || full.kind || full.size || full.score
            ? "count"
            : "pq";
  const order = full.order || sortOf(new URLSearchParams({ sort: full.sort })).order;
  return el("a", { href: address({ ...full, order }), title: title || null }, text);
}

// What is shown now: the result of `parseAddress`.
let shown = null;
