// Makes elements and formats numbers. Text is always set as text, so no name can become markup.

const SVG = "http://www.w3.org/2000/svg";

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes || {})) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value != null) element.setAttribute(name, value);
  }
  element.append(...children.flat(3).filter((child) => child != null && child !== false));
  return element;
}

const el = (tag, attributes, ...children) =>
  fill(document.createElement(tag), attributes, children);

const svg = (tag, attributes, ...children) =>
  fill(document.createElementNS(SVG, tag), attributes, children);

const byId = (id) => document.getElementById(id);

const bodyOf = (id) => byId(id).querySelector(".body");

const rgb = (color) => `rgb(${color.join(" ")})`;

const fixed = (value, digits = 1) => (value == null ? "–" : value.toFixed(digits));

// All digits of a number, for the title of a link.
const exact = (value) => (value == null ? null : String(value));

const whole = (value) => Math.round(value).toLocaleString("en-US");

function signed(value, digits = 1) {
  if (value == null) return "–";
  const sign = value > 0 ? "+" : value < 0 ? "−" : "±";
  return sign + Math.abs(value).toFixed(digits);
}

function compact(value) {
  const size = Math.abs(value);
  if (size >= 1e6) return `${+(value / 1e6).toPrecision(3)}M`;
  if (size >= 1e4) return `${+(value / 1e3).toPrecision(3)}k`;
  return size && size < 0.01 ? value.toExponential(1) : String(+value.toPrecision(3));
}

function plural(count, word) {
  const ending = count === 1 ? "" : word.endsWith("s") ? "es" : "s";
  return `${whole(count)} ${word}${ending}`;
}

const swatch = (color) => el("span", { class: "swatch", style: `background:${rgb(color)}` });

function table(columns, rows, caption) {
  return el(
    "div",
    { class: "wide", tabindex: 0, role: "region", "aria-label": caption },
    el(
      "table",
      {},
      el("caption", { class: "hidden" }, caption),
      el(
        "thead",
        {},
        el(
          "tr",
          {},
          columns.map((name, i) => el("th", { scope: "col", class: i ? null : "name" }, name)),
        ),
      ),
      el(
        "tbody",
        {},
        rows.map((cells) =>
          el(
            "tr",
            {},
            cells.map((cell, i) =>
              i ? el("td", {}, cell) : el("th", { scope: "row", class: "name" }, cell),
            ),
          ),
        ),
      ),
    ),
  );
}

function showTip(event, text) {
  const tip = byId("tip");
  tip.textContent = text;
  tip.hidden = !text;
  if (!text) return;
  const host = document.querySelector("dialog[open]") || document.body;
  if (tip.parentElement !== host) host.append(tip);
  const x = Math.min(event.clientX + 14, innerWidth - tip.offsetWidth - 8);
  const y =
    event.clientY + 18 + tip.offsetHeight > innerHeight
      ? event.clientY - tip.offsetHeight - 10
      : event.clientY + 18;
  tip.style.transform = `translate(${Math.max(4, x)}px, ${Math.max(4, y)}px)`;
}
