// Score against the share of predictions that are right.

function showCalibration() {
  const { calibration } = resultsNow();
  const isKnown = Boolean(calibration && calibration.all && calibration.all.segments);
  byId("calibration").hidden = !isKnown;
  if (!isKnown) return;
  const bins = calibration.all.bins.filter((bin) => bin.segments);
  bodyOf("calibration").replaceChildren(
    el(
      "p",
      { class: "soft" },
      "A score is honest if predictions with score 0.8 are right in 80 % of " +
        "the cases. Above the diagonal a model is too modest, below it too sure. A prediction is " +
        "right if it matches.",
    ),
    calibrationCards(calibration),
    el(
      "div",
      { class: "split" },
      lineChart(
        "share that is right, by score",
        [
          { name: "predictions", x: bins.map((b) => b.score), y: bins.map((b) => b.share_right) },
          { name: "honest", x: [0, 1], y: [0, 1] },
        ],
        { low: 0, high: 1, first: 0, last: 1 },
      ),
      table(
        ["score", "predictions", "right", "wrong", "mean score", "share right"],
        bins.map(binRow),
        "Calibration",
      ),
    ),
  );
}

function binRow(bin) {
  const score = [bin.low, bin.high];
  return [
    `${bin.low.toFixed(1)} to ${bin.high.toFixed(1)}`,
    link(whole(bin.segments), { score }),
    link(whole(bin.right), { score, outcome: "tp" }),
    link(whole(bin.segments - bin.right), { score, outcome: "fp" }),
    fixed(bin.score, 3),
    fixed(bin.share_right, 3),
  ];
}

// The expected calibration error of each group, and what a recalibration would leave of it.
function calibrationCards(calibration) {
  const score = [0, 1];
  const cards = GROUPS.filter((group) => (calibration[group] || {}).ece != null).map((group) =>
    el(
      "div",
      { class: "card small" },
      el("h3", {}, `calibration error, ${group}`),
      el(
        "p",
        { class: "big" },
        link(
          `${fixed(calibration[group].ece)} %`,
          { ...GROUP_FILTERS[group], score },
          exact(calibration[group].ece),
        ),
      ),
      el("p", { class: "soft" }, `${whole(calibration[group].segments)} predictions`),
    ),
  );
  const found = calibration.recalibration;
  if (found && found.ece_after != null) {
    cards.push(
      el(
        "div",
        { class: "card small" },
        el("h3", {}, "after recalibration"),
        el("p", { class: "big" }, `${fixed(found.ece_after)} %`),
        el(
          "p",
          { class: "soft" },
          `before ${fixed(found.ece_before)} %, on the half that was not fitted`,
        ),
      ),
    );
  }
  return el("div", { class: "cards" }, cards);
}
