// The confusion matrix of pixels: a row for each true class, a column for each predicted one.

const MOST_CLASSES = 24;

// Pixels of each true class by predicted class, `[C + 1][C + 1]`; void is last.
function confusedPixels() {
  const count = DATA.classes.length + 1;
  const numbers = new Map(DATA.classes.map(({ name }, id) => [name, id]));
  const cells = Array.from({ length: count }, () => new Float64Array(count));
  for (const { truth, predicted, pixels } of resultsNow().confusion) {
    cells[numbers.get(truth) ?? count - 1][numbers.get(predicted) ?? count - 1] = pixels;
  }
  return cells;
}

function showConfusion() {
  const cells = confusedPixels();
  const ids = shownClasses(cells);
  const left = cells.filter((row, id) => id < cells.length - 1 && row.some(Boolean)).length;
  bodyOf("confusion").replaceChildren(
    el(
      "p",
      { class: "soft" },
      "Share of the pixels of a true class (row) that are predicted as " +
        "another class (column), in percent. Void truth counts in no score.",
    ),
    el("div", { class: "split" }, matrix(cells, ids), topConfusions(cells)),
    ids.length <= left && ids.length > MOST_CLASSES
      ? el(
          "p",
          { class: "soft" },
          `The matrix shows the ${MOST_CLASSES} classes with most confused pixels.`,
        )
      : "",
  );
}

function shownClasses(cells) {
  const count = DATA.classes.length;
  const sums = cells.map(
    (row, id) =>
      row.reduce((sum, v, other) => sum + (other === id ? 0 : v), 0) +
      cells.reduce((sum, other, i) => sum + (i === id || i === count ? 0 : other[id]), 0),
  );
  const occurs = [...Array(count).keys()].filter((id) => sums[id] > 0 || cells[id][id] > 0);
  const most = occurs.sort((a, b) => sums[b] - sums[a]).slice(0, MOST_CLASSES);
  return [...most.sort((a, b) => a - b), count];
}

function matrix(cells, ids) {
  const name = (id) => (id === DATA.classes.length ? el("i", {}, "void") : className(id));
  const head = el(
    "tr",
    {},
    el("th", { class: "corner" }, "true \\ predicted"),
    ids.map((id) => el("th", { scope: "col" }, el("span", {}, name(id)))),
  );
  const rows = ids.map((truth) => {
    const total = cells[truth].reduce((sum, v) => sum + v, 0);
    return el(
      "tr",
      {},
      el("th", { scope: "row" }, name(truth)),
      ids.map((predicted) => matrixCell(cells[truth][predicted], total, [truth, predicted])),
    );
  });
  return el(
    "div",
    { class: "wide tall", tabindex: 0, role: "region", "aria-label": "Confusion matrix" },
    el("table", { class: "matrix" }, el("thead", {}, head), el("tbody", {}, rows)),
  );
}

function matrixCell(pixels, total, cell) {
  if (!pixels || (cell[0] === cell[1] && cell[0] === DATA.classes.length)) return el("td", {});
  const share = (100 * pixels) / total;
  const isRight = cell[0] === cell[1];
  const depth = Math.round(100 * Math.min(1, Math.sqrt(share / 100)));
  const text = share >= 99.95 ? "100" : share >= 0.05 ? fixed(share) : "·";
  const title =
    `${className(cell[0])} predicted as ${className(cell[1])}: ${whole(pixels)} pixels, ` +
    `${fixed(share, 2)} %`;
  return el(
    "td",
    { class: isRight ? "right" : "wrong", style: `--depth:${depth}%` },
    link(text, { cell }, title),
  );
}

function topConfusions(cells) {
  const found = [];
  const count = DATA.classes.length;
  cells.forEach((row, truth) =>
    row.forEach((pixels, predicted) => {
      if (pixels && truth !== predicted && truth < count) {
        found.push({
          pixels,
          cell: [truth, predicted],
          share: pixels / row.reduce((a, b) => a + b, 0),
        });
      }
    }),
  );
  found.sort((a, b) => b.pixels - a.pixels);
  const rows = found
    .slice(0, 12)
    .map(({ pixels, cell, share }) => [
      `${className(cell[0])} → ${className(cell[1])}`,
      link(compact(pixels), { cell }, `${whole(pixels)} pixels`),
      `${fixed(100 * share)} %`,
    ]);
  return el(
    "div",
    { class: "side" },
    el("h3", {}, "Most pixels"),
    rows.length
      ? table(["true → predicted", "pixels", "of the class"], rows, "Most confused pixels")
      : el("p", { class: "soft" }, "No pixel is confused."),
  );
}
