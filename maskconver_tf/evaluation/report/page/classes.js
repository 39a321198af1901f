// The table of classes, sorted by any column.

const CLASS_COLUMNS = [
  ["class", "name", 1],
  ["PQ", "pq", 1],
  ["change", "change", 1],
  ["SQ", "sq", 1],
  ["RQ", "rq", 1],
  ["TP", "tp", -1],
  ["FN", "fn", -1],
  ["FP", "fp", -1],
  ["IoU", "iou", 1],
  ["AP", "ap", 1],
  ["boundary PQ", "boundary_pq", 1],
  ["lost by kind of error", "lost", -1],
];
const classOrder = { key: "pq", sign: 1 };

function classEntries() {
  const results = resultsNow();
  return DATA.classes
    .map(({ name, isthing, color }, id) => ({
      id,
      name,
      isthing,
      color,
      ...results.per_class[name],
    }))
    .map((entry) => ({
      ...entry,
      lost: entry.pq == null ? null : 100 - entry.pq,
      change: changeOf(entry),
    }));
}

// PQ of a class minus that of the first model; null for the first model itself.
function changeOf({ name, pq }) {
  const first = DATA.models[0].results.per_class[name].pq;
  return !shown.filter.model || pq == null || first == null ? null : pq - first;
}

function showClasses() {
  const all = classEntries();
  const entries = all.filter((entry) => entry.pq != null);
  const columns = CLASS_COLUMNS.filter(([, key]) => entries.some((entry) => entry[key] != null));
  entries.sort(compareClasses);
  const head = el(
    "tr",
    {},
    columns.map(([name, key, sign], i) =>
      el(
        "th",
        {
          scope: "col",
          class: i ? null : "name",
          "aria-sort":
            classOrder.key === key ? (classOrder.sign > 0 ? "ascending" : "descending") : "none",
        },
        el(
          "button",
          { type: "button", "data-key": key, onclick: () => sortClasses(key, sign) },
          name,
        ),
      ),
    ),
  );
  const absent = all.length - entries.length;
  bodyOf("classes").replaceChildren(
    el(
      "div",
      { class: "wide tall", tabindex: 0, role: "region", "aria-label": "Classes" },
      el(
        "table",
        { id: "class-table" },
        el("thead", {}, head),
        el(
          "tbody",
          {},
          entries.map((entry) => classRow(entry, columns)),
        ),
      ),
    ),
    absent
      ? el(
          "p",
          { class: "soft" },
          `Classes that occur in neither truth nor predictions and are not counted: ${absent}.`,
        )
      : "",
  );
}

function compareClasses(a, b) {
  const { key, sign } = classOrder;
  if (key === "name") return sign * a.name.localeCompare(b.name, "en");
  const [x, y] = [a[key], b[key]];
  if (x == null || y == null) return (x == null) - (y == null);
  return sign * (x - y) || a.id - b.id;
}

function sortClasses(key, sign) {
  classOrder.sign = classOrder.key === key ? -classOrder.sign : sign;
  classOrder.key = key;
  showClasses();
  document.querySelector(`#class-table button[data-key="${key}"]`).focus();
}

function classRow(entry, columns) {
  const filter = { class: entry.id };
  const cells = {
    name: () =>
      el(
        "th",
        { scope: "row", class: "name" },
        swatch(entry.color),
        link(entry.name, filter),
        " ",
        el("span", { class: "soft" }, entry.isthing ? "thing" : "stuff"),
      ),
    pq: () =>
      el(
        "td",
        { class: "with-bar" },
        link(fixed(entry.pq), filter, exact(entry.pq)),
        scoreBar(entry.pq),
      ),
    change: () =>
      el(
        "td",
        {},
        entry.change == null
          ? "–"
          : link(signed(entry.change), { ...filter, sort: "change" }, exact(entry.change)),
      ),
    lost: () =>
      el(
        "td",
        { class: "with-stack" },
        stackedBar(lossParts(resultsNow().lost.per_class[entry.name], filter, entry.name), 100),
      ),
  };
  const counted = (key) => el("td", {}, link(whole(entry[key]), { ...filter, outcome: key }));
  const score = (key) =>
    el("td", {}, entry[key] == null ? "–" : link(fixed(entry[key]), filter, exact(entry[key])));
  return el(
    "tr",
    {},
    columns.map(([, key]) =>
      cells[key] ? cells[key]() : OUTCOMES.includes(key) ? counted(key) : score(key),
    ),
  );
}
