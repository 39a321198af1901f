// Fuses in a thread of its own, so that the page never waits.
import { fuse, prepare } from "./fusion.js";
import { decode } from "./rle.js";

const slots = new Map();

self.onmessage = ({ data }) => {
  try {
    if (data.answer) slots.set(data.slot, load(data));
    const found = result(slots.get(data.slot), data.thresholds);
    self.postMessage({ ticket: data.ticket, ...found }, [found.map.buffer]);
  } catch (error) {
    self.postMessage({ ticket: data.ticket, error: String(error) });
  }
};

/** Proposals, or the finished segments of a model that has none. */
function load({ answer, categories }) {
  const content = JSON.parse(new TextDecoder().decode(answer));
  const isThing = categories.map((category) => Boolean(category.isthing));
  if (content.logits) return { ...prepare(content, isThing), warning: content.warning };
  return { ...content, classOf: new Map(categories.map(({ id }, index) => [id, index])) };
}

function result(ready, thresholds) {
  const { height, width, warning } = ready;
  if (ready.logits) return { ...fuse(ready, thresholds), height, width, warning };
  const map = new Int32Array(height * width);
  const segments = ready.segments.map(({ id, category_id, score, area, bbox, segmentation }) => {
    decode(segmentation, map, id);
    const [x0, y0, w, h] = bbox;
    return { id, classId: ready.classOf.get(category_id), score, area, x0, y0, x1: x0 + w, y1: y0 + h };
  });
  return { map, segments, height, width, warning };
}
