// Shows what the address asks for.

const SECTIONS = [
  ["scores", showScores],
  ["comparison", showComparison],
  ["lost", showLosses],
  ["classes", showClasses],
  ["confusion", showConfusion],
  ["calibration", showCalibration],
  ["training", showTraining],
];

function follow() {
  const before = shown;
  shown = parseAddress(location.hash);
  if (!before || before.filter.model !== shown.filter.model) showModel();
  const isNewList = !before || address(before.filter) !== address(shown.filter);
  if (isNewList) showPictures();
  showViewer();
  if (before && before.picture != null && shown.picture == null && !isNewList) {
    returnTo(before.picture);
  } else if (shown.picture == null && shown.path && (!before || shown.path === "pictures")) {
    const target = byId(shown.path);
    if (target) target.scrollIntoView();
  }
}

function showModel() {
  SECTIONS.forEach(([, show]) => show());
  byId("sections").replaceChildren(
    ...[...SECTIONS.map(([id]) => id), "pictures"]
      .filter((id) => !byId(id).hidden)
      .map((id) =>
        el(
          "li",
          {},
          el("a", { href: `#${id}`, onclick: jump }, byId(id).querySelector("h2").textContent),
        ),
      ),
  );
  if (DATA.models.length > 1) {
    byId("models").replaceChildren(
      select(
        "model",
        "model",
        DATA.models.map(({ name }, i) => [String(i), name]),
        shown.filter.model,
        (v) =>
          changeFilter({
            model: Number(v),
            ...(shown.filter.sort === "change" && v === "0" ? { sort: "pq" } : {}),
          }),
      ),
    );
  }
  const { results, name, predictions } = DATA.models[shown.filter.model];
  byId("about").textContent =
    `${name} on ${plural(results.pictures, "picture")} of ${DATA.truth}. ` +
    `Predictions: ${predictions}`;
}

// Goes to a section and keeps the filter.
function jump(event) {
  event.preventDefault();
  byId(event.currentTarget.getAttribute("href").slice(1)).scrollIntoView();
}

function start() {
  if (!DATA.models || !DATA.pictures || !DATA.segments || !DATA.pairs) {
    byId("main").replaceChildren(
      el(
        "p",
        { class: "notice" },
        "The folder data is missing or incomplete. Keep index.html and the folders data, " +
          "pictures and thumbnails together.",
      ),
    );
    return;
  }
  prepareTables();
  setUpPictures();
  setUpViewer();
  addEventListener("hashchange", follow);
  follow();
}

start();
