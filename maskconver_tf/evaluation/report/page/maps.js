// Reads and paints the maps of segments of a picture.

const pictureFiles = new Map();

// The file of a picture calls this function.
window.REPORT_PICTURE = (number, content) => pictureFiles.get(number).arrived(content);

// Loads the file of a picture; resolves to its truth and predictions with decoded maps.
function loadPicture(number) {
  const known = pictureFiles.get(number);
  if (known) return known.promise;
  const entry = {};
  pictureFiles.set(number, entry);
  entry.promise = new Promise((resolve, reject) => {
    entry.arrived = (content) => resolve(decodePicture(content));
    const source = `pictures/${fileOf(number)}.js`;
    const script = el("script", {
      src: source,
      onload: () => script.remove(),
      onerror: () => {
        script.remove();
        reject(new Error(`${source} is missing. Keep the files of the report together.`));
      },
    });
    document.head.append(script);
  });
  if (pictureFiles.size > 40) pictureFiles.delete(pictureFiles.keys().next().value);
  entry.promise.catch(() => pictureFiles.delete(number));
  return entry.promise;
}

async function decodePicture({ truth, models }) {
  const sides = await Promise.all(
    [truth, ...models].map(async (side) => ({
      ...side,
      crowds: new Set(side.crowds),
      positions: await decodeMap(side.map),
    })),
  );
  return {
    truth: sides[0],
    models: sides.slice(1),
    width: truth.map.width,
    height: truth.map.height,
  };
}

// Returns the number of each pixel's segment, from 1; 0 is void.
async function decodeMap({ width, height, planes, data }) {
  const packed = Uint8Array.from(atob(data), (c) => c.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
  const bytes = new Uint8Array(await new Response(stream).arrayBuffer());
  for (let i = width; i < bytes.length; i += 1) bytes[i] += bytes[i - width];
  if (planes === 1) return bytes;
  const size = width * height;
  return Uint16Array.from({ length: size }, (_, i) => bytes[i] + 256 * bytes[size + i]);
}

// Things of one class get lighter and darker shades.
function classColor(id, number) {
  const { color, isthing } = DATA.classes[id];
  if (!isthing) return color;
  const share = [0, 0.28, -0.22, 0.45, -0.38][number % 5];
  return color.map((v) => Math.round(share > 0 ? v + (255 - v) * share : v * (1 + share)));
}

// Returns red, green, blue and opacity of each segment; number 0 is void.
function segmentColors(side, kinds, look, chosen) {
  const colors = new Uint8ClampedArray(4 * (side.classes.length + 1));
  side.classes.forEach((id, i) => {
    const number = i + 1;
    const kind = kinds.get(number);
    let color = classColor(id, i);
    let opacity = 150;
    if (look === "errors") {
      color = kind == null ? [255, 255, 255] : DATA.kinds[kind].color;
      opacity = kind == null ? 0 : 175;
    } else if (look === "photo") opacity = 0;
    if (chosen) opacity = number === chosen ? 215 : Math.min(opacity, 25);
    if (chosen === number && look !== "errors" && kind != null) color = DATA.kinds[kind].color;
    colors.set([...color, opacity], 4 * number);
  });
  return colors;
}

// Paints a side: each segment in its color, and lines between segments.
function paint(canvas, side, size, colors, hasLines) {
  const { width, height } = size;
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext("2d");
  const image = context.createImageData(width, height);
  const out = image.data;
  const { positions } = side;
  for (let i = 0; i < positions.length; i += 1) {
    const own = positions[i];
    const isEdge =
      hasLines &&
      ((i % width < width - 1 && positions[i + 1] !== own) ||
        (i + width < positions.length && positions[i + width] !== own));
    if (isEdge) out.set([255, 255, 255, 210], 4 * i);
    else for (let k = 0; k < 4; k += 1) out[4 * i + k] = colors[4 * own + k];
  }
  context.putImageData(image, 0, 0);
}
