// The headline scores with their intervals, PQ by size, and the comparison of models.

const GROUPS = ["all", "things", "stuff"];
const GROUP_FILTERS = { all: {}, things: { group: "things" }, stuff: { group: "stuff" } };

const intervalText = (interval, digits = 1) =>
  interval ? `${fixed(interval[0], digits)} to ${fixed(interval[1], digits)}` : "no interval";

const resultsNow = () => DATA.models[shown.filter.model].results;

function showScores() {
  const results = resultsNow();
  const cards = GROUPS.map((group) => headlineCard(group, results[group], GROUP_FILTERS[group]));
  bodyOf("scores").replaceChildren(
    el("div", { class: "cards" }, cards, otherCards(results)),
    el(
      "p",
      { class: "soft" },
      "The range is the 95 % interval over pictures: how much a score " +
        "depends on the choice of pictures. Each number leads to the pictures behind it.",
    ),
    el("h3", {}, "PQ by size of the segment"),
    sizeTable(results),
  );
}

function headlineCard(group, scores, filter) {
  const interval = scores.interval || {};
  const name = { all: "PQ", things: "PQ of things", stuff: "PQ of stuff" }[group];
  return el(
    "div",
    { class: `card ${group}` },
    el("h3", {}, name),
    el("p", { class: "big" }, link(fixed(scores.pq), { ...filter, sort: "pq" }, exact(scores.pq))),
    scoreBar(scores.pq, interval.pq),
    el("p", { class: "soft" }, intervalText(interval.pq)),
    el(
      "p",
      { class: "parts" },
      link(
        `SQ ${fixed(scores.sq)}`,
        { ...filter, sort: "sq" },
        `${scores.sq}, ${intervalText(interval.sq)}`,
      ),
      link(
        `RQ ${fixed(scores.rq)}`,
        { ...filter, sort: "rq" },
        `${scores.rq}, ${intervalText(interval.rq)}`,
      ),
      el("span", { class: "soft" }, ` ${plural(scores.num_classes, "class")}`),
    ),
  );
}

function otherCards(results) {
  const semantic = results.semantic || {};
  const ap = results.instance_ap || {};
  const boundary = (results.boundary || {}).all || {};
  return [
    ["mIoU", semantic.mean_iou, (semantic.interval || {}).mean_iou, { sort: "pq" }],
    [
      "pixel accuracy",
      semantic.pixel_accuracy,
      (semantic.interval || {}).pixel_accuracy,
      { sort: "pq" },
    ],
    ["AP of things", ap.ap, (ap.interval || {}).ap, { group: "things", sort: "pq" }],
    [
      "boundary PQ",
      boundary.pq,
      (boundary.interval || {}).pq,
      { kind: "inexact_mask", sort: "sq" },
    ],
  ]
    .filter((entry) => entry[1] != null)
    .map(([name, value, interval, filter]) =>
      el(
        "div",
        { class: "card small" },
        el("h3", {}, name),
        el("p", { class: "big" }, link(fixed(value), filter, exact(value))),
        scoreBar(value, interval),
        el("p", { class: "soft" }, intervalText(interval)),
      ),
    );
}

function sizeTable(results) {
  const bounds = {
    small: "below 32² pixels",
    medium: "up to 96² pixels",
    large: "from 96² pixels",
  };
  const rows = SIZES.map((size) => {
    const found = results.by_size[size];
    return [
      [size, el("span", { class: "soft" }, ` ${bounds[size]}`)],
      ...GROUPS.map((group) =>
        found[group].pq == null
          ? "–"
          : [
              link(
                fixed(found[group].pq),
                { ...GROUP_FILTERS[group], size, sort: "lost" },
                exact(found[group].pq),
              ),
              scoreBar(found[group].pq),
            ],
      ),
      ...["tp", "fn", "fp"].map((outcome) =>
        link(whole(countRows({ size, outcome })), { size, outcome }),
      ),
    ];
  });
  return table(["size", "PQ", "things", "stuff", "TP", "FN", "FP"], rows, "PQ by size");
}

// Counts the segments of all pictures that fit a filter.
function countRows(filter) {
  const rows = DATA.segments[shown.filter.model];
  const test = rowTest(filter, rows);
  let count = 0;
  for (let i = 0; i < rows.picture.length; i += 1) count += test(i);
  return count;
}

// ---- Comparison ---------------------------------------------------------------------------------
function showComparison() {
  const { models } = DATA;
  byId("comparison").hidden = models.length < 2;
  if (models.length < 2) return;
  const rows = models.map((model, i) => [
    el("a", { href: address({ ...shown.filter, model: i }) }, model.name),
    ...GROUPS.map((group) =>
      link(
        fixed(model.results[group].pq),
        { model: i, ...GROUP_FILTERS[group], sort: "pq" },
        exact(model.results[group].pq),
      ),
    ),
    link(fixed(model.results.all.sq), { model: i, sort: "sq" }, exact(model.results.all.sq)),
    link(fixed(model.results.all.rq), { model: i, sort: "rq" }, exact(model.results.all.rq)),
  ]);
  bodyOf("comparison").replaceChildren(
    table(["model", "PQ", "things", "stuff", "SQ", "RQ"], rows, "Scores of all models"),
    ...models.slice(1).flatMap((model, i) => differenceOf(model, i + 1)),
  );
  bodyOf("comparison").append(
    el(
      "p",
      { class: "soft" },
      "Both models are scored on the same " +
        "resampled pictures. If the interval does not contain 0, the pictures decide between them.",
    ),
  );
}

const DIFFERENCE_NAMES = {
  "all/pq": "PQ",
  "things/pq": "PQ of things",
  "stuff/pq": "PQ of stuff",
  "all/sq": "SQ",
  "all/rq": "RQ",
  "semantic/mean_iou": "mIoU",
  "instance_ap/ap": "AP of things",
  "boundary/all/pq": "boundary PQ",
};

function differenceOf(model, number) {
  const names = Object.keys(DIFFERENCE_NAMES).filter((name) => (model.difference || {})[name]);
  const values = names.flatMap((name) => model.difference[name].interval || [1]);
  const most = Math.max(...values.map(Math.abs), 0.1);
  const rows = names.map((name) => {
    const { difference, interval } = model.difference[name];
    const decides = interval && (interval[0] > 0 || interval[1] < 0);
    const group = name.split("/").find((part) => part === "things" || part === "stuff");
    return [
      DIFFERENCE_NAMES[name],
      link(signed(difference, 2), { model: number, sort: "change", group }, exact(difference)),
      interval ? `${signed(interval[0], 2)} to ${signed(interval[1], 2)}` : "–",
      differenceBar(difference, interval, most),
      decides ? "yes" : "no",
    ];
  });
  return [
    el("h3", {}, `${model.name} minus ${DATA.models[0].name}`),
    table(["score", "difference", "95 % interval", "around 0", "decided"], rows, "Difference"),
  ];
}
