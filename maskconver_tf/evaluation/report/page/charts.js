// Bars and curves.

const percentWidth = (value, most = 100) => `${Math.max(0, Math.min(100, (100 * value) / most))}%`;

// A bar from 0 to 100 with its interval as a whisker.
function scoreBar(value, interval) {
  if (value == null) return null;
  const whisker =
    interval &&
    el("i", {
      class: "whisker",
      style: `left:${percentWidth(interval[0])};width:${percentWidth(interval[1] - interval[0])}`,
    });
  return el(
    "span",
    { class: "score-bar", "aria-hidden": "true" },
    el("b", { style: `width:${percentWidth(value)}` }),
    whisker,
  );
}

// Parts side by side; each has `value`, `color`, `label` and, if it is a link, `filter`.
function stackedBar(parts, most) {
  return el(
    "span",
    { class: "stack" },
    parts
      .filter((part) => part.value > 0)
      .map((part) => {
        const style = `width:${percentWidth(part.value, most)};background:${part.color}`;
        return part.filter
          ? el("a", { ...linkOf(part.filter), style, title: part.label, "aria-label": part.label })
          : el("span", { style, title: part.label });
      }),
  );
}

const linkOf = (filter) => ({ href: link("", filter).getAttribute("href") });

function niceTicks(low, high, count = 4) {
  const span = high - low || Math.abs(high) || 1;
  const rough = span / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((n) => n * power).find((n) => n >= rough);
  const ticks = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + step * 1e-9; i += 1) {
    ticks.push(+(i * step).toPrecision(12));
  }
  return ticks;
}

const DASHES = ["", "7 3", "2 3", "9 3 2 3"];
const LINE_COLORS = ["var(--line-1)", "var(--line-2)", "var(--line-3)", "var(--line-4)"];

// Curves in one frame; each has `name`, `x` and `y`.
function lineChart(title, curves, options = {}) {
  const box = { width: 380, height: 210, left: 46, right: 20, top: 10, bottom: 30 };
  const xs = curves.flatMap((curve) => curve.x);
  const ys = curves.flatMap((curve) => curve.y);
  const low = options.low ?? Math.min(...ys);
  const high = options.high ?? Math.max(...ys, low + 1e-12);
  const [first, last] = [options.first ?? Math.min(0, ...xs), options.last ?? Math.max(...xs, 1)];
  const x = (v) => box.left + ((v - first) / (last - first)) * (box.width - box.left - box.right);
  const y = (v) =>
    box.height - box.bottom - ((v - low) / (high - low || 1)) * (box.height - box.top - box.bottom);
  const parts = [axes(box, x, y, niceTicks(first, last), niceTicks(low, high))];
  curves.forEach((curve, i) => parts.push(curveOf(curve, i, x, y)));
  const lastValues = curves.map((c) => `${c.name} ${compact(c.y[c.y.length - 1])}`).join(", ");
  return el(
    "figure",
    { class: "chart" },
    el(
      "figcaption",
      {},
      el("b", {}, title),
      curves.length > 1 || options.legend
        ? el(
            "span",
            { class: "legend" },
            curves.map((curve, i) => legendLine(curve.name, i)),
          )
        : null,
    ),
    svg(
      "svg",
      {
        viewBox: `0 0 ${box.width} ${box.height}`,
        role: "img",
        "aria-label": `${title}; last values: ${lastValues}`,
      },
      parts,
    ),
  );
}

function axes(box, x, y, xTicks, yTicks) {
  const bottom = box.height - box.bottom;
  return svg(
    "g",
    { class: "axes" },
    yTicks.map((v) => [
      svg("line", { x1: box.left, x2: box.width - box.right, y1: y(v), y2: y(v) }),
      svg("text", { x: box.left - 6, y: y(v) + 4, "text-anchor": "end" }, compact(v)),
    ]),
    xTicks.map((v) =>
      svg("text", { x: x(v), y: bottom + 18, "text-anchor": "middle" }, compact(v)),
    ),
  );
}

function curveOf(curve, i, x, y) {
  const points = curve.x.map((v, k) => `${x(v).toFixed(1)},${y(curve.y[k]).toFixed(1)}`);
  const look = { stroke: LINE_COLORS[i % 4], "stroke-dasharray": DASHES[i % 4] };
  const dots =
    curve.x.length > 30
      ? []
      : curve.x.map((v, k) =>
          svg(
            "circle",
            { cx: x(v), cy: y(curve.y[k]), r: 3, fill: LINE_COLORS[i % 4] },
            svg("title", {}, `${curve.name}: ${compact(curve.y[k])} at ${compact(v)}`),
          ),
        );
  return svg("g", { class: "curve" }, svg("polyline", { points: points.join(" "), ...look }), dots);
}

function legendLine(name, i) {
  const look = { stroke: LINE_COLORS[i % 4], "stroke-dasharray": DASHES[i % 4] };
  return el(
    "span",
    {},
    svg(
      "svg",
      { viewBox: "0 0 26 8", class: "sample", "aria-hidden": "true" },
      svg("line", { x1: 0, x2: 26, y1: 4, y2: 4, ...look }),
    ),
    name,
  );
}

// A difference with its interval, around zero.
function differenceBar(value, interval, most) {
  const at = (v) => 50 + Math.max(-50, Math.min(50, (50 * v) / most));
  return el(
    "span",
    { class: "difference-bar", "aria-hidden": "true" },
    interval &&
      el("i", {
        style: `left:${at(interval[0])}%;width:${at(interval[1]) - at(interval[0])}%`,
      }),
    value != null && el("b", { style: `left:${at(value)}%` }),
  );
}
