// How much PQ each kind of error costs, and what mending it would bring.

function showLosses() {
  const { lost } = resultsNow();
  bodyOf("lost").replaceChildren(
    el(
      "p",
      { class: "soft" },
      "Each segment that costs PQ has one kind of error. " +
        "The shares add up to the distance between PQ and 100.",
    ),
    el(
      "div",
      { class: "loss-bars" },
      GROUPS.map((group) => lossBar(group, lost[group])),
    ),
    kindTable(lost),
  );
}

// Parts of a bar: what each kind costs.
function lossParts(lost, filter, name) {
  return DATA.kinds.map((kind) => ({
    value: lost[kind.name],
    color: rgb(kind.color),
    filter: { ...filter, kind: kind.name, sort: "lost" },
    label: `${name}, ${kindName(kind.name)}: ${fixed(lost[kind.name], 2)}`,
  }));
}

function lossBar(group, lost) {
  const { pq } = resultsNow()[group];
  if (pq == null || !lost) return null;
  const kept = { value: pq, color: "var(--good)", label: `${group}, PQ: ${fixed(pq, 2)}` };
  return el(
    "div",
    { class: "loss-bar" },
    el("span", { class: "label" }, group),
    stackedBar([kept, ...lossParts(lost, GROUP_FILTERS[group], group)], 100),
    link(fixed(pq), { ...GROUP_FILTERS[group], sort: "pq" }, exact(pq)),
  );
}

function kindTable(lost) {
  const { fixes } = resultsNow();
  const rows = DATA.kinds.map(({ name, color }) => {
    const shares = GROUPS.map((group) => {
      const value = (lost[group] || {})[name];
      return value == null
        ? "–"
        : link(
            fixed(value, 2),
            { ...GROUP_FILTERS[group], kind: name, sort: "lost" },
            exact(value),
          );
    });
    const gain = fixes && fixes[name] && fixes[name].all ? fixes[name].all.gain : null;
    return [
      [
        swatch(color),
        el("b", {}, kindName(name)),
        " ",
        el("span", { class: "soft" }, KIND_TEXTS[name]),
      ],
      link(whole(lost.segments.all[name]), { kind: name }),
      ...shares,
      gain == null ? "–" : link(signed(gain, 2), { kind: name, sort: "lost" }, exact(gain)),
    ];
  });
  const columns = [
    "kind of error",
    "segments",
    "lost PQ",
    "of things",
    "of stuff",
    "gain if mended",
  ];
  return table(columns, rows, "PQ lost by kind of error");
}
