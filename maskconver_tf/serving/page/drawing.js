// Colors, masks and names over a picture.
const SHADES = [0, 0.28, -0.22, 0.45, -0.36];

/** A color for each segment: that of its class, in another shade for each thing of a class. */
export function segmentColors(segments, categories) {
  const seen = new Map();
  return segments.map(({ classId }) => {
    const nth = seen.get(classId) ?? 0;
    seen.set(classId, nth + 1);
    const shade = SHADES[nth % SHADES.length], end = shade > 0 ? 255 : 0;
    return categories[classId].color.map((x) => Math.round(x + (end - x) * Math.abs(shade)));
  });
}

/** Paints masks into an image of any size; the map has its own. */
export function paintMasks(image, found, colors, { opacity, outlines, hidden, active }) {
  const { map, width, height } = found, { data } = image;
  const ids = new Int32Array(image.width * image.height);
  for (let y = 0, i = 0; y < image.height; y++) {
    const row = Math.floor(((y + 0.5) * height) / image.height) * width;
    for (let x = 0; x < image.width; x++, i++) ids[i] = map[row + Math.floor(((x + 0.5) * width) / image.width)];
  }
  const strong = Math.round(255 * Math.min(1, opacity + 0.25)), weak = Math.round(255 * opacity);
  const isHidden = found.segments.map(({ classId }) => hidden.has(classId));
  const reach = Math.max(1, Math.round(image.width / 450));
  for (let y = 0, i = 0; y < image.height; y++) {
    for (let x = 0; x < image.width; x++, i++) {
      const id = ids[i];
      if (!id || isHidden[id - 1]) continue;
      const isActive = id === active;
      const isEdge = (outlines || isActive) && onEdge(ids, image, x, y, isActive ? 2 * reach : reach);
      const color = isEdge && isActive ? [255, 255, 255] : colors[id - 1];
      [data[4 * i], data[4 * i + 1], data[4 * i + 2]] = color;
      data[4 * i + 3] = isEdge ? 255 : active ? (isActive ? strong : weak >> 1) : weak;
    }
  }
}

function onEdge(ids, { width, height }, x, y, reach) {
  const id = ids[y * width + x];
  for (let step = 1; step <= reach; step++) {
    if ((x >= step && ids[y * width + x - step] !== id) || (x + step < width && ids[y * width + x + step] !== id)
      || (y >= step && ids[(y - step) * width + x] !== id)
      || (y + step < height && ids[(y + step) * width + x] !== id)) return true;
  }
  return false;
}

/** Writes each name inside its segment, `size` pixels high, if it fits there. */
export function writeNames(context, found, categories, hidden, size) {
  const { width: wide, height: high } = context.canvas, { map, width, height, segments } = found;
  context.font = `600 ${size}px system-ui, sans-serif`;
  context.textBaseline = "middle";
  context.textAlign = "center";
  longestRuns(map, width, height, segments).forEach(({ x, y, length }, index) => {
    const { classId } = segments[index];
    const name = categories[classId].name, room = (length * wide) / width;
    const needed = context.measureText(name).width + size;
    if (hidden.has(classId) || needed > room) return;
    const left = ((x + length / 2) * wide) / width, top = ((y + 0.5) * high) / height;
    context.fillStyle = "rgba(0, 0, 0, 0.62)";
    context.fillRect(left - needed / 2, top - size * 0.75, needed, size * 1.5);
    context.fillStyle = "#fff";
    context.fillText(name, left, top);
  });
}

/** For each segment a long row of its pixels, rather in the middle than at its end. */
function longestRuns(map, width, height, segments) {
  const best = segments.map(() => ({ x: 0, y: 0, length: 0, weight: 0 }));
  const step = Math.max(1, Math.floor(height / 300));
  for (let y = step >> 1; y < height; y += step) {
    for (let x = 0, start = 0; x < width; x++) {
      const id = map[y * width + x];
      if (x + 1 < width && map[y * width + x + 1] === id) continue;
      const length = x + 1 - start, { y0, y1 } = segments[id - 1] ?? { y0: 0, y1: 1 };
      const weight = length * (1.05 - Math.abs((2 * (y + 0.5 - y0)) / (y1 - y0) - 1));
      if (id && weight > best[id - 1].weight) best[id - 1] = { x: start, y, length, weight };
      start = x + 1;
    }
  }
  return best;
}
