// Proposals to a panoptic map: the same steps, in the same float32 arithmetic, as
// maskconver_tf/postprocess/panoptic_fusion.py. It runs in a worker at every move of a slider.
const f = Math.fround;
const sigmoid = (logit) => f(1 / (1 + Math.exp(-logit)));
const NOBODY = -1, LEAST_PRODUCT = 1e-30; // smaller bounds decide nothing

/** Makes the answer of POST /segment (proposals) ready for `fuse`. */
export function prepare(answer, isThing) {
  const [count, rows, columns] = answer.logits.shape;
  const logits = floats(answer.logits.data);
  const sigmoids = logits.map(sigmoid);
  const largest = logits.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
  return {
    count, rows, columns, logits, sigmoids, isThing,
    height: answer.height, width: answer.width, own: answer.fusion,
    scores: Float32Array.from(answer.scores), classIds: answer.class_ids, curves: answer.score_curves,
    y: axis(rows, answer.height), x: axis(columns, answer.width),
    slack: 4e-6 * largest + 1e-5, // bounds of rounding, as in logit_patches.py
    maskAreas: new Int32Array(count).fill(-1),
  };
}

/** Fuses with some thresholds in place of the model's own; returns {map, segments}. */
export function fuse(ready, thresholds = {}) {
  const limits = limitsOf(ready.own, thresholds);
  const [chosen, scores] = candidates(ready, limits);
  const owners = winners(ready, chosen, scores);
  const areas = new Int32Array(chosen.length);
  for (let i = 0; i < owners.length; i++) if (owners[i] !== NOBODY) areas[owners[i]]++;
  const least = Math.max(limits.min_area, 1);
  const alive = chosen.map((k, j) => {
    if (areas[j] < least) return false;
    const mask = maskArea(ready, k);
    const share = ofGroup(limits, "overlap_threshold", ready.isThing[ready.classIds[k]]);
    return mask > 0 && f(areas[j]) >= f(f(mask) * f(share));
  });
  const numbers = number(ready, chosen, alive);
  if (limits.runner_up) {
    const [kept, keptScores, ids] = [chosen, scores, numbers].map((list) => list.filter((_, j) => alive[j]));
    return describe(ready, winners(ready, kept, keptScores), kept, keptScores, ids);
  }
  return describe(ready, owners, chosen, scores, numbers);
}

/** The model's own thresholds, but new ones hold for all classes, as in requests to the server. */
function limitsOf(own, given) {
  const isNew = (name) => name in given && given[name] !== own[name];
  const scores = isNew("score_threshold") && { stuff_score_threshold: null, class_score_thresholds: null };
  return { ...own, ...given, ...scores, ...(isNew("overlap_threshold") && { stuff_overlap_threshold: null }) };
}

/** Which proposals take part, the highest score first, and their scores. */
function candidates(ready, limits) {
  const { scores, classIds, isThing } = ready;
  const own = limits.class_score_thresholds;
  const least = classIds.map((id) => f(own?.[id] ?? ofGroup(limits, "score_threshold", isThing[id])));
  let chosen = [...scores.keys()].filter((k) => scores[k] >= least[k]);
  if (!limits.mask_quality) return [chosen, chosen.map((k) => scores[k])];
  const product = new Map(chosen.map((k) => [k, f(scores[k] * quality(ready, k))]));
  chosen = chosen.filter((k) => product.get(k) >= least[k]);
  chosen.sort((a, b) => product.get(b) - product.get(a) || a - b);
  return [chosen, chosen.map((k) => product.get(k))];
}

/** A threshold of things or of stuff; without its own, stuff has that of things. */
const ofGroup = (limits, name, thing) => thing ? limits[name] : limits[`stuff_${name}`] ?? limits[name];

/** Mean sigmoid of the cells above one half. */
function quality({ sigmoids, rows, columns }, k) {
  const inside = sigmoids.subarray(k * rows * columns, (k + 1) * rows * columns).filter((x) => x > 0.5);
  return inside.length ? f(inside.reduce((sum, x) => sum + x, 0) / inside.length) : 0;
}

/** The winner of each pixel, a position in `chosen`. Looks at pixels only where several compete. */
function winners(ready, chosen, scores) {
  const { y, x, rows, columns, width, sigmoids } = ready;
  const owners = new Int16Array(ready.height * width).fill(NOBODY);
  const low = new Float64Array(chosen.length), high = new Float64Array(chosen.length);
  for (let r = 0; r <= rows; r++) {
    if (y.starts[r] === y.starts[r + 1]) continue;
    for (let c = 0; c <= columns; c++) {
      if (x.starts[c] === x.starts[c + 1]) continue;
      const [p, q, s, t] = patch(ready, r, c);
      let best = 0;
      for (let j = 0; j < chosen.length; j++) {
        const at = chosen[j] * rows * columns, score = scores[j];
        const a = sigmoids[at + p], b = sigmoids[at + q], d = sigmoids[at + s], e = sigmoids[at + t];
        low[j] = score * Math.min(a, b, d, e);
        high[j] = score * Math.max(a, b, d, e);
        if (low[j] > best) best = low[j];
      }
      const bound = best * Math.exp(-ready.slack), reach = bound > LEAST_PRODUCT ? bound : 0, rivals = [];
      for (let j = 0; j < chosen.length; j++) if (high[j] >= reach) rivals.push(j);
      if (rivals.length !== 1 || !reach) contest(ready, owners, r, c, rivals, chosen, scores);
      else for (let row = y.starts[r]; row < y.starts[r + 1]; row++) {
        owners.fill(rivals[0], row * width + x.starts[c], row * width + x.starts[c + 1]);
      }
    }
  }
  return owners;
}

function contest(ready, owners, r, c, rivals, chosen, scores) {
  const bests = new Float32Array(pixelsIn(ready, r, c));
  for (const j of rivals) {
    let place = 0;
    eachPixel(ready, chosen[j], r, c, (pixel, logit) => {
      const product = f(scores[j] * sigmoid(logit));
      if (product > bests[place]) { bests[place] = product; owners[pixel] = j; }
      place++;
    });
  }
}

/** Pixels of a mask above one half; computed once, because it depends on no threshold. */
function maskArea(ready, k) {
  if (ready.maskAreas[k] >= 0) return ready.maskAreas[k];
  const { rows, columns, logits } = ready, from = k * rows * columns;
  let area = 0;
  for (let r = 0; r <= rows; r++) {
    for (let c = 0; c <= columns; c++) {
      const values = patch(ready, r, c).map((i) => logits[from + i]);
      if (values.every((value) => value > ready.slack)) area += pixelsIn(ready, r, c);
      else if (values.some((value) => value > 0)) eachPixel(ready, k, r, c, (_, logit) => { if (logit > 0) area++; });
    }
  }
  return (ready.maskAreas[k] = area);
}

/** Ids 1, 2, ... in order; all stuff of one class shares an id; 0 for a dropped proposal. */
function number({ classIds, isThing }, chosen, alive) {
  const ids = new Map();
  return chosen.map((k, j) => {
    const key = isThing[classIds[k]] ? `thing ${k}` : classIds[k];
    if (alive[j] && !ids.has(key)) ids.set(key, ids.size + 1);
    return alive[j] ? ids.get(key) : 0;
  });
}

function describe(ready, owners, chosen, scores, numbers) {
  const segments = [];
  numbers.forEach((id, j) => {
    if (id > segments.length) {
      const classId = ready.classIds[chosen[j]];
      segments.push({ id, classId, score: shownScore(ready.curves, classId, scores[j]), area: 0,
        x0: ready.width, y0: ready.height, x1: 0, y1: 0 });
    }
  });
  const map = new Int32Array(owners.length);
  for (let row = 0; row < ready.height; row++) {
    for (let x0 = 0, x1 = 0; x0 < ready.width; x0 = x1) { // runs of one owner
      const from = row * ready.width, owner = owners[from + x0];
      while (x1 < ready.width && owners[from + x1] === owner) x1++;
      const id = owner === NOBODY ? 0 : numbers[owner], segment = segments[id - 1];
      if (!id) continue;
      map.fill(id, from + x0, from + x1);
      segment.area += x1 - x0;
      Object.assign(segment, { x0: Math.min(segment.x0, x0), x1: Math.max(segment.x1, x1),
        y0: Math.min(segment.y0, row), y1: row + 1 });
    }
  }
  return { map, segments };
}

/** The recalibrated score; the fusion itself uses that of the network. */
function shownScore(curves, classId, score) {
  if (!curves) return score;
  const [scores, shares] = curves[classId];
  const above = scores.findIndex((x) => x > score);
  if (above <= 0) return shares.at(above ? -1 : 0);
  const [low, high] = scores.slice(above - 1, above + 1), part = (score - low) / (high - low);
  return shares[above - 1] + part * (shares[above] - shares[above - 1]);
}

/** Where `pixels` pixels lie over `cells` cells: the first pixel of each gap, and weights. */
function axis(cells, pixels) {
  const scale = f(cells / pixels);
  const starts = new Int32Array(cells + 2).fill(pixels), weights = new Float32Array(pixels);
  for (let i = pixels - 1; i >= 0; i--) {
    const position = f(f(f(i + 0.5) * scale) - 0.5);
    weights[i] = f(position - Math.floor(position));
    starts[Math.min(Math.max(Math.floor(position) + 1, 0), cells)] = i;
  }
  for (let gap = cells; gap >= 0; gap--) starts[gap] = Math.min(starts[gap], starts[gap + 1]);
  return { starts, weights };
}

/** The four cells around the space between them; the border continues outside. */
function patch({ rows, columns }, r, c) {
  const top = Math.max(r - 1, 0) * columns, bottom = Math.min(r, rows - 1) * columns;
  const left = Math.max(c - 1, 0), right = Math.min(c, columns - 1);
  return [top + left, top + right, bottom + left, bottom + right];
}

const pixelsIn = ({ y, x }, r, c) => (y.starts[r + 1] - y.starts[r]) * (x.starts[c + 1] - x.starts[c]);

/** Calls `use(pixel, logit)` for each pixel of a patch, with the interpolated logit. */
function eachPixel(ready, k, r, c, use) {
  const { y, x, width, logits } = ready, from = k * ready.rows * ready.columns;
  const [a, b, d, e] = patch(ready, r, c).map((i) => logits[from + i]);
  const top = f(b - a), bottom = f(e - d);
  for (let row = y.starts[r]; row < y.starts[r + 1]; row++) {
    for (let column = x.starts[c]; column < x.starts[c + 1]; column++) {
      const upper = f(a + f(top * x.weights[column])), lower = f(d + f(bottom * x.weights[column]));
      use(row * width + column, f(upper + f(f(lower - upper) * y.weights[row])));
    }
  }
}

function floats(base64) { // a loop, since `Uint8Array.from` takes 20 times as long
  const text = atob(base64), bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return new Float32Array(bytes.buffer);
}
