// The list of pictures. Only the cards near the window exist, so thousands of pictures stay quick.

const ROW_HEIGHT = 212;
const CARD_WIDTH = 190;
const GAP = 12;
const list = { entries: [], first: -1, last: -1, columns: 0, focus: 0 };

function setUpPictures() {
  const grid = el("div", {
    id: "grid",
    role: "list",
    "aria-label": "Pictures",
    onkeydown: moveFocus,
  });
  bodyOf("pictures").replaceChildren(el("div", { id: "filter" }), grid);
  addEventListener("scroll", () => requestAnimationFrame(() => drawCards(false)), {
    passive: true,
  });
  new ResizeObserver(() => drawCards(true)).observe(grid);
}

function showPictures() {
  list.entries = fittingPictures(shown.filter);
  list.focus = 0;
  showFilters(list.entries.length);
  drawCards(true);
}

function layout() {
  const width = byId("grid").clientWidth;
  const columns = Math.max(1, Math.floor((width + GAP) / (CARD_WIDTH + GAP)));
  return width < 2 * CARD_WIDTH + GAP ? Math.max(columns, width >= 300 ? 2 : 1) : columns;
}

function drawCards(isNew) {
  const grid = byId("grid");
  const columns = layout();
  const step = ROW_HEIGHT + GAP;
  const rows = Math.ceil(list.entries.length / columns);
  const top = -grid.getBoundingClientRect().top;
  const first = Math.max(0, Math.floor(top / step) - 2) * columns;
  const last = Math.min(list.entries.length, (Math.ceil((top + innerHeight) / step) + 2) * columns);
  if (!isNew && first === list.first && last === list.last && columns === list.columns) return;
  Object.assign(list, { first, last: Math.max(first, last), columns });
  grid.style.height = `${Math.max(0, rows * step - GAP)}px`;
  const focused = grid.contains(document.activeElement) ? list.focus : null;
  const kept = isNew
    ? new Map()
    : new Map([...grid.children].map((card) => [card.dataset.index, card]));
  const cards = [];
  for (let i = first; i < last; i += 1) cards.push(kept.get(String(i)) || cardOf(i));
  grid.replaceChildren(...cards);
  cards.forEach((card, k) => place(card, first + k, columns));
  if (focused !== null) focusCard(focused, false);
  if (!list.entries.length) grid.append(el("p", { class: "soft" }, "No picture fits this filter."));
}

function place(card, index, columns) {
  const row = Math.floor(index / columns);
  const share = `(100% - ${(columns - 1) * GAP}px) / ${columns}`;
  const left = index % columns;
  card.style.cssText =
    `top:${row * (ROW_HEIGHT + GAP)}px;height:${ROW_HEIGHT}px;` +
    `width:calc(${share});left:calc((${share} + ${GAP}px) * ${left})`;
}

const thumbnailOf = (picture, model) => `thumbnails/${model}/${fileOf(picture)}.jpg`;

const fileOf = (picture) => String(picture).padStart(6, "0");

function cardOf(index) {
  const { picture, count, value } = list.entries[index];
  const { model, sort } = shown.filter;
  const scores = DATA.pictures.models[model];
  const rows = DATA.segments[model];
  const kinds = DATA.kinds
    .map((kind, i) => ({
      value: kindCount(rows, picture, i),
      color: rgb(kind.color),
      label: kindName(kind.name),
    }))
    .map((part) => ({ ...part, label: `${part.label}: ${part.value}` }));
  const total = kinds.reduce((sum, part) => sum + part.value, 0);
  const note =
    sort === "pq" || sort === "name" || value == null || typeof value === "string"
      ? `PQ ${fixed(scores.pq[picture])}`
      : `PQ ${fixed(scores.pq[picture])} · ${sortNote(sort, value)}`;
  return el(
    "div",
    { role: "listitem", class: "card-place", "data-index": index },
    el(
      "a",
      {
        class: "picture",
        href: address(shown.filter, picture),
        "data-picture": picture,
        tabindex: index === list.focus ? 0 : -1,
        onfocus: () => setFocus(index),
      },
      el("img", { src: thumbnailOf(picture, model), alt: "", loading: "lazy", decoding: "async" }),
      el("span", { class: "name" }, nameOf(picture)),
      el("span", { class: "soft" }, note),
      stackedBar(kinds, Math.max(total, 1)),
      el("span", { class: "hidden" }, ` ${plural(count, "segment")} fit`),
    ),
  );
}

function sortNote(sort, value) {
  if (sort === "count") return plural(value, "segment");
  if (sort === "pixels") return `${compact(value)} pixels`;
  if (sort === "lost") return `lost ${fixed(value, 2)}`;
  if (sort === "change") return signed(value);
  if (sort.startsWith("class:")) return `${className(Number(sort.slice(6)))} ${fixed(value)}`;
  if (sort.startsWith("kind:")) return `${value} ${kindName(sort.slice(5))}`;
  return `${sort.toUpperCase()} ${fixed(value)}`;
}

// ---- Keys ---------------------------------------------------------------------------------------
function setFocus(index) {
  list.focus = index;
  for (const anchor of byId("grid").querySelectorAll("a.picture")) {
    anchor.tabIndex = Number(anchor.parentElement.dataset.index) === index ? 0 : -1;
  }
}

function focusCard(index, canScroll = true) {
  const card = byId("grid").querySelector(`[data-index="${index}"] a`);
  if (card) card.focus({ preventScroll: !canScroll });
}

function moveFocus(event) {
  const steps = {
    ArrowLeft: -1,
    ArrowRight: 1,
    ArrowUp: -list.columns,
    ArrowDown: list.columns,
    Home: -list.entries.length,
    End: list.entries.length,
  };
  if (!(event.key in steps) || event.altKey || event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  const wanted = list.focus + steps[event.key];
  const next = Math.max(0, Math.min(list.entries.length - 1, wanted));
  if (
    Math.abs(steps[event.key]) > 1 &&
    Math.abs(steps[event.key]) < list.entries.length &&
    next !== wanted
  )
    return;
  focusAt(next);
}

// Scrolls a card into view and gives it the focus.
function focusAt(index) {
  list.focus = index;
  const grid = byId("grid").getBoundingClientRect();
  const top = grid.top + Math.floor(index / list.columns) * (ROW_HEIGHT + GAP);
  const header = byId("filter").offsetHeight + 60;
  if (top < header) scrollBy(0, top - header);
  else if (top + ROW_HEIGHT > innerHeight) scrollBy(0, top + ROW_HEIGHT - innerHeight + GAP);
  drawCards(false);
  setFocus(index);
  focusCard(index, false);
}

// Returns from a picture to its place in the list.
function returnTo(picture) {
  const index = list.entries.findIndex((entry) => entry.picture === picture);
  if (index >= 0) focusAt(index);
}
