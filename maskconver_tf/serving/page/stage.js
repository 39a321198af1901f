// One picture with the segments of one version: drawing, pointing, and saving.
import { paintMasks, segmentColors, writeNames } from "./drawing.js";
import { encode } from "./rle.js";

const SIDES = [1000, 1600]; // of the canvas on the screen; saved files have the picture's size

export class Stage {
  /** Adds a copy of the template `stage`; calls `onPoint(stage, id, event)` when a segment is pointed at. */
  constructor(parent, model, onPoint) {
    const node = document.getElementById("stage").content.cloneNode(true);
    this.figure = node.querySelector("figure");
    this.canvas = node.querySelector("canvas");
    this.tip = node.querySelector(".tip");
    this.caption = node.querySelector("figcaption span");
    this.select = node.querySelector("select");
    this.buttons = [...node.querySelectorAll("button[data-save]")];
    parent.append(node);
    Object.assign(this, { model, active: 0 });
    for (const name of ["pointermove", "pointerdown"]) {
      this.canvas.addEventListener(name, (event) => onPoint(this, this.#idAt(event), event));
    }
    this.canvas.addEventListener("pointerleave", () => onPoint(this, 0));
  }

  /** Shows a picture and what was found in it; `found` may be null while the server works. */
  show(bitmap, found, view) {
    Object.assign(this, { bitmap, found, view });
    const width = found?.width ?? bitmap?.width ?? 1, height = found?.height ?? bitmap?.height ?? 1;
    const side = Math.max(width, height), scale = Math.min(Math.max(side, SIDES[0]), SIDES[1]) / side;
    Object.assign(this.canvas, { width: Math.max(1, width * scale), height: Math.max(1, height * scale) });
    this.canvas.style.setProperty("--aspect", width / height);
    if (found) this.colors = segmentColors(found.segments, this.model.categories);
    this.draw();
  }

  draw() {
    if (!this.view) return;
    this.#paint(this.canvas.getContext("2d"), this.active);
    for (const button of this.buttons) {
      button.disabled = !this.found || (button.dataset.save === "cut-out" && !this.active);
    }
  }

  /** Names the segment at a point beside the pointer. */
  point(id, event) {
    const isNew = id !== this.active;
    this.active = id;
    if (isNew) this.draw();
    this.tip.hidden = !id || !event;
    if (this.tip.hidden) return;
    this.tip.textContent = this.describe(id);
    const box = this.canvas.getBoundingClientRect();
    this.tip.style.left = `${Math.min(event.clientX - box.left + 14, box.width - this.tip.offsetWidth - 4)}px`;
    this.tip.style.top = `${Math.max(event.clientY - box.top - 38, 4)}px`;
  }

  describe(id) {
    return `${this.nameOf(this.found.segments[id - 1])} ${percent(this.found.segments[id - 1].score)}`;
  }

  nameOf({ classId }) {
    return this.model.categories[classId].name;
  }

  /** The drawing, the segments as JSON, or the active segment on a transparent ground. */
  async blob(kind) {
    if (kind === "json") return new Blob([JSON.stringify(this.#json(), null, 1)], { type: "application/json" });
    const { width, height } = this.found;
    const canvas = new OffscreenCanvas(width, height), context = canvas.getContext("2d");
    if (kind === "png") this.#paint(context, 0);
    else this.#cutOut(canvas, context);
    return canvas.convertToBlob({ type: "image/png" });
  }

  /** The same fields as POST /segment returns for application/json. */
  #json() {
    const { map, width, height } = this.found;
    const segments = this.found.segments.map(({ id, classId, score, area, x0, y0, x1, y1 }) => {
      const { id: category_id, name, isthing } = this.model.categories[classId];
      return { id, category_id, name, isthing: Boolean(isthing), score: Number(score.toFixed(4)), area,
        bbox: [x0, y0, x1 - x0, y1 - y0], segmentation: encode(map, height, width, id) };
    });
    return { version: this.model.version, height, width, segments };
  }

  #cutOut(canvas, context) {
    const { map, width, height, segments } = this.found, { x0, y0, x1, y1 } = segments[this.active - 1];
    context.drawImage(this.bitmap, 0, 0, width, height);
    const image = context.getImageData(x0, y0, x1 - x0, y1 - y0);
    for (let y = y0, i = 3; y < y1; y++) {
      for (let x = x0; x < x1; x++, i += 4) if (map[y * width + x] !== this.active) image.data[i] = 0;
    }
    Object.assign(canvas, { width: x1 - x0, height: y1 - y0 });
    context.putImageData(image, 0, 0);
  }

  #paint(context, active) {
    const { width, height } = context.canvas, { view } = this;
    context.clearRect(0, 0, width, height);
    if (this.bitmap) context.drawImage(this.bitmap, 0, 0, width, height);
    if (!this.found) return;
    const layer = new OffscreenCanvas(width, height), own = layer.getContext("2d");
    const image = own.createImageData(width, height);
    paintMasks(image, this.found, this.colors, { ...view, active });
    own.putImageData(image, 0, 0);
    context.drawImage(layer, 0, 0);
    const size = context === this.canvas.getContext("2d") && this.canvas.clientWidth
      ? (13 * width) / this.canvas.clientWidth : Math.max(11, Math.min(width, height) / 36);
    if (view.names) writeNames(context, this.found, this.model.categories, view.hidden, Math.round(size));
  }

  #idAt({ clientX, clientY }) {
    if (!this.found) return 0;
    const box = this.canvas.getBoundingClientRect(), { map, width, height, segments } = this.found;
    const x = Math.floor(((clientX - box.left) / box.width) * width);
    const y = Math.floor(((clientY - box.top) / box.height) * height);
    if (x < 0 || y < 0 || x >= width || y >= height) return 0;
    const id = map[y * width + x];
    return id && this.view.hidden.has(segments[id - 1].classId) ? 0 : id;
  }
}

export const percent = (score) => `${Math.round(100 * score)} %`;
