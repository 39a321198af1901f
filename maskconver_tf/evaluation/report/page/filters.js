// The form above the pictures: what to show and how to sort.

function go(filter, picture) {
  const next = address(filter, picture);
  if (next === location.hash) return;
  location.hash = next;
}

// Changes one part of the filter. History gets one entry per change, so "back" undoes it.
function changeFilter(part) {
  const filter = { ...shown.filter, ...part };
  const isGone = (key) => key in part && (part[key] == null || part[key] === "");
  for (const key of Object.keys(filter)) if (isGone(key)) delete filter[key];
  if ("cell" in part && !filter.cell && filter.sort === "pixels") filter.sort = "pq";
  if (!("order" in part) && "sort" in part)
    filter.order = sortOf(new URLSearchParams({ sort: part.sort })).order;
  go(filter);
}

function select(label, name, options, value, onchange) {
  const control = el(
    "select",
    { name, onchange: (event) => onchange(event.target.value) },
    options.map(([key, text]) =>
      Array.isArray(text)
        ? el(
            "optgroup",
            { label: key },
            text.map(([k, t]) => optionOf(k, t, value)),
          )
        : optionOf(key, text, value),
    ),
  );
  return el("label", {}, el("span", {}, label), control);
}

const optionOf = (key, text, value) =>
  el("option", { value: key, selected: String(value ?? "") === key }, text);

function sortOptions(filter) {
  const options = [
    ["pq", "PQ of the picture"],
    ["sq", "SQ of the picture"],
    ["rq", "RQ of the picture"],
    ["count", "segments that fit"],
    ["lost", "PQ that they lose"],
  ];
  if (filter.cell) options.push(["pixels", "confused pixels"]);
  if (filter.model) options.push(["change", `change against ${DATA.models[0].name}`]);
  options.push(["name", "name"]);
  const classes = DATA.classes.map(({ name }, id) => [`class:${id}`, `PQ of ${name}`]);
  const kinds = DATA.kinds.map(({ name }) => [`kind:${name}`, `number of ${kindName(name)}`]);
  return [...options, ["kind of error", kinds], ["class", classes]];
}

function showFilters(count) {
  const { filter } = shown;
  const anything = [["", "any"]];
  const text = el("input", {
    type: "search",
    name: "text",
    value: filter.text || "",
    placeholder: "name",
    onchange: (event) => changeFilter({ text: event.target.value }),
  });
  const form = el(
    "form",
    {
      class: "filters",
      "aria-label": "Filter and sort pictures",
      onsubmit: (event) => {
        event.preventDefault();
        changeFilter({ text: text.value });
      },
    },
    select(
      "class",
      "class",
      [...anything, ...DATA.classes.map(({ name }, id) => [String(id), name])],
      filter.class,
      (v) => changeFilter({ class: v === "" ? null : Number(v) }),
    ),
    select(
      "segments",
      "outcome",
      [...anything, ...OUTCOMES.map((o) => [o, OUTCOME_NAMES[o]])],
      filter.outcome,
      (v) => changeFilter({ outcome: v }),
    ),
    select(
      "kind of error",
      "kind",
      [...anything, ...DATA.kinds.map(({ name }) => [name, kindName(name)])],
      filter.kind,
      (v) => changeFilter({ kind: v }),
    ),
    select("size", "size", [...anything, ...SIZES.map((s) => [s, s])], filter.size, (v) =>
      changeFilter({ size: v }),
    ),
    select(
      "group",
      "group",
      [...anything, ["things", "things"], ["stuff", "stuff"]],
      filter.group,
      (v) => changeFilter({ group: v }),
    ),
    select("sort by", "sort", sortOptions(filter), filter.sort, (v) => changeFilter({ sort: v })),
    select(
      "order",
      "order",
      [
        ["up", "lowest first"],
        ["down", "highest first"],
      ],
      filter.order,
      (v) => changeFilter({ order: v }),
    ),
    el("label", {}, el("span", {}, "name"), text),
  );
  byId("filter").replaceChildren(form, filterSummary(filter, count));
}

function filterSummary(filter, count) {
  const chips = [];
  const chip = (text, part) =>
    chips.push(
      el(
        "button",
        {
          type: "button",
          class: "chip",
          "aria-label": `remove ${text}`,
          onclick: () => changeFilter(part),
        },
        text,
        el("span", { "aria-hidden": "true" }, " ×"),
      ),
    );
  if (filter.class != null) chip(`class ${className(filter.class)}`, { class: null });
  if (filter.group) chip(filter.group, { group: null });
  if (filter.outcome) chip(OUTCOME_NAMES[filter.outcome], { outcome: null });
  if (filter.kind) chip(kindName(filter.kind), { kind: null });
  if (filter.size) chip(`${filter.size} segments`, { size: null });
  if (filter.score) chip(`score ${filter.score.join(" to ")}`, { score: null });
  if (filter.cell) {
    chip(`${className(filter.cell[0])} predicted as ${className(filter.cell[1])}`, { cell: null });
  }
  if (filter.text) chip(`name with "${filter.text}"`, { text: null });
  return el(
    "p",
    { class: "summary" },
    el(
      "span",
      { role: "status", id: "count" },
      `${whole(count)} of ${plural(numPictures(), "picture")}`,
    ),
    chips,
    chips.length > 1
      ? el("a", { href: address({ ...DEFAULTS, model: filter.model }) }, "show all")
      : null,
  );
}
