// COCO's compressed run lengths: the runs of 0 and 1 go down the columns, and each is stored as the
// difference to the run before the last one, in characters of 5 bits.

/** Encodes the pixels of segment `id`; {size, counts} as in the JSON of POST /segment. */
export function encode(map, height, width, id) {
  const runs = [];
  let value = false, run = 0;
  for (let column = 0; column < width; column++) {
    for (let row = 0; row < height; row++) {
      if ((map[row * width + column] === id) === value) run++;
      else { runs.push(run); run = 1; value = !value; }
    }
  }
  runs.push(run);
  return { size: [height, width], counts: runs.map((n, i) => word(i > 2 ? n - runs[i - 2] : n)).join("") };
}

/** Writes `id` into the map at the pixels of a mask. */
export function decode({ size: [height, width], counts }, map, id) {
  const runs = [];
  for (let at = 0; at < counts.length;) {
    let value = 0, shift = 0, code = 32;
    for (; code & 32; shift += 5) {
      code = counts.charCodeAt(at++) - 48;
      value |= (code & 31) << shift;
    }
    if (code & 16) value |= -1 << shift;
    runs.push(runs.length > 2 ? value + runs[runs.length - 2] : value);
  }
  let place = 0;
  runs.forEach((run, i) => {
    for (const end = place + run; place < end; place++) {
      if (i % 2) map[(place % height) * width + Math.floor(place / height)] = id;
    }
  });
}

function word(value) {
  let text = "", more = true;
  while (more) {
    let code = value & 31;
    value >>= 5;
    more = code & 16 ? value !== -1 : value !== 0;
    if (more) code |= 32;
    text += String.fromCharCode(code + 48);
  }
  return text;
}
