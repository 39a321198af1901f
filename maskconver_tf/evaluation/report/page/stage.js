// The stage of the viewer: paints both sides, and answers pointer and keys.

// Returns the kind of error of each true or predicted segment of the picture that has one.
function kindsOfSide(column, outcome) {
  const rows = DATA.segments[shown.filter.model];
  const kinds = new Map();
  for (let i = rows.starts[shown.picture]; i < rows.starts[shown.picture + 1]; i += 1) {
    if (rows.outcome[i] === outcome) kinds.set(rows[column][i], rows.kind[i]);
  }
  return kinds;
}

function repaint() {
  const { content } = view;
  if (!content) return;
  const rows = DATA.segments[shown.filter.model];
  const chosen = (column) => (view.chosen == null ? null : rows[column][view.chosen] || -1);
  const sides = [
    ["truth", content.truth, "truth", 1],
    ["prediction", content.models[shown.filter.model], "predicted", 2],
  ];
  for (const [name, side, column, outcome] of sides) {
    const kinds = kindsOfSide(column, outcome);
    if (view.chosen != null) kinds.set(rows[column][view.chosen], rows.kind[view.chosen]);
    const colors = segmentColors(side, kinds, view.look, chosen(column));
    paint(document.querySelector(`#viewer canvas.${name}`), side, content, colors, true);
  }
  document.querySelector("#viewer .stage").dataset.look = view.look;
}

// ---- Pointer and keys ---------------------------------------------------------------------------
function hover(event) {
  if (!view.content) return;
  const box = event.currentTarget.getBoundingClientRect();
  const [x, y] = [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
  if (x < 0 || y < 0 || x >= 1 || y >= 1) return showTip(null, "");
  const isTruth = 100 * x < view.split;
  const side = isTruth ? view.content.truth : view.content.models[shown.filter.model];
  const number =
    side.positions[
      Math.floor(y * view.content.height) * view.content.width + Math.floor(x * view.content.width)
    ];
  showTip(
    event,
    `${isTruth ? "truth" : "prediction"}: ${number ? segmentText(side, number - 1) : "void"}`,
  );
}

function segmentText(side, i) {
  const score = side.scores[i] == null ? "" : `, score ${fixed(side.scores[i], 2)}`;
  const crowd = side.crowds.has(i) ? " (crowd)" : "";
  return `${className(side.classes[i])}${crowd}${score}, segment ${side.ids[i]}`;
}

function drag(event) {
  const stage = event.currentTarget;
  const move = (at) => {
    const box = stage.getBoundingClientRect();
    const share = Math.max(0, Math.min(100, (100 * (at.clientX - box.left)) / box.width));
    slide(share);
  };
  move(event);
  stage.setPointerCapture(event.pointerId);
  stage.addEventListener("pointermove", move);
  stage.addEventListener("pointerup", () => stage.removeEventListener("pointermove", move), {
    once: true,
  });
}

function step(by) {
  const at = list.entries.findIndex((entry) => entry.picture === shown.picture);
  const next = list.entries[at + by];
  if (next) history.replaceState(null, "", address(shown.filter, next.picture));
  if (next) follow();
}

function stepError(by) {
  const items = [...document.querySelectorAll("#viewer .error")];
  const at = items.findIndex((item) => Number(item.dataset.row) === view.chosen);
  const next = items[Math.max(0, Math.min(items.length - 1, at + by))];
  if (!next) return;
  choose(Number(next.dataset.row));
  next.focus();
}

function viewerKeys(event) {
  if (event.altKey || event.ctrlKey || event.metaKey || event.target.matches("select")) return;
  const isInput = event.target.matches("input");
  const actions = {
    ArrowLeft: () => step(-1),
    ArrowRight: () => step(1),
    ArrowUp: () => stepError(-1),
    ArrowDown: () => stepError(1),
    1: () => look(0),
    2: () => look(1),
    3: () => look(2),
    t: () => slide(100),
    p: () => slide(0),
    b: () => slide(50),
  };
  const action = actions[event.key] || actions[event.key.toLowerCase()];
  if (!action || (isInput && event.key.startsWith("Arrow"))) return;
  event.preventDefault();
  action();
}

function look(number) {
  [view.look] = LOOKS[number];
  document.querySelector(`#viewer input[value="${view.look}"]`).checked = true;
  repaint();
}

function slide(value) {
  byId("slider").value = value;
  setSplit(value);
}
