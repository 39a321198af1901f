// Learning curves of all models, and what is known about their size and speed.

const CURVE_GROUPS = [
  ["PQ", (name) => /^(all|things|stuff)\/pq$/.test(name)],
  ["loss", (name) => name === "loss"],
  ["terms of the loss", (name) => /^[a-z_]+_loss$/.test(name)],
  ["learning rate", (name) => name === "learning_rate"],
  ["examples a second", (name) => name === "examples_per_second"],
];

function showTraining() {
  const { models } = DATA;
  const charts = CURVE_GROUPS.map(([title, test]) => chartOf(title, test)).filter(Boolean);
  const isKnown = charts.length > 0 || models.some((model) => model.facts.length);
  byId("training").hidden = !isKnown;
  if (!isKnown) return;
  bodyOf("training").replaceChildren(el("div", { class: "charts" }, charts), factTable());
}

// With one model a chart has a curve for each name; with several, a curve for each model and name.
function chartOf(title, test) {
  const curves = [];
  for (const model of DATA.models) {
    for (const [name, { steps, values }] of Object.entries(model.curves)) {
      if (!test(name) || !steps.length) continue;
      const short = name.replace(/\/pq$|_loss$/g, "").replaceAll("_", " ");
      curves.push({
        name: DATA.models.length > 1 ? `${model.name}: ${short}` : short,
        x: steps,
        y: values,
      });
    }
  }
  return curves.length ? lineChart(title, curves, title === "PQ" ? { low: 0 } : {}) : null;
}

function factTable() {
  const names = [...new Set(DATA.models.flatMap((model) => model.facts.map(({ name }) => name)))];
  if (!names.length) return "";
  const rows = names.map((name) => [
    name,
    ...DATA.models.map(
      (model) => (model.facts.find((fact) => fact.name === name) || { value: "–" }).value,
    ),
  ]);
  return el(
    "div",
    { class: "facts" },
    table(["", ...DATA.models.map(({ name }) => name)], rows, "Size and speed"),
  );
}
