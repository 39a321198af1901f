// Where pictures come from: dropped, pasted, picked, or taken with the camera.

/** Calls `use(file)` for each picture that the user gives; `tell(text)` for anything else. */
export function watchPictures(use, tell) {
  const pick = document.getElementById("file");
  const take = (files) => {
    const file = [...files].find(({ type }) => type.startsWith("image/"));
    if (file) use(file);
    else if (files.length) tell("This is not a picture. Give a JPEG, PNG, WebP, GIF or BMP file.");
  };
  for (const input of [pick, document.getElementById("capture")]) {
    input.addEventListener("change", () => {
      take(input.files);
      input.value = ""; // so that the same file can be picked again
    });
  }
  for (const button of document.querySelectorAll(".pick")) button.addEventListener("click", () => pick.click());
  for (const button of document.querySelectorAll(".camera")) button.addEventListener("click", () => openCamera(use, tell));
  document.addEventListener("paste", (event) => take(event.clipboardData.files));
  document.addEventListener("dragover", (event) => {
    event.preventDefault();
    document.body.classList.add("dragging");
  });
  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) document.body.classList.remove("dragging");
  });
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    document.body.classList.remove("dragging");
    take(event.dataTransfer.files);
  });
}

/** Decodes a file, upright; makes it smaller only if the server would refuse it. */
export async function readPicture(file, model) {
  const bitmap = await createImageBitmap(file, { imageOrientation: "from-image" }).catch(() => null);
  if (!bitmap) return { file, bitmap }; // The server says why.
  const pixels = bitmap.width * bitmap.height;
  if (pixels <= model.max_pixels && file.size <= model.max_body_bytes) return { file, bitmap };
  const scale = Math.min(1, Math.sqrt((0.99 * model.max_pixels) / pixels));
  const canvas = new OffscreenCanvas(Math.floor(bitmap.width * scale), Math.floor(bitmap.height * scale));
  canvas.getContext("2d").drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  const smaller = await canvas.convertToBlob({ type: "image/jpeg", quality: 0.92 });
  return { file: smaller, bitmap: await createImageBitmap(smaller), isSmaller: true };
}

/** Shows the camera; without one, or without https, the phone's own camera app opens instead. */
async function openCamera(use, tell) {
  if (!navigator.mediaDevices?.getUserMedia) return document.getElementById("capture").click();
  const dialog = document.getElementById("camera"), video = dialog.querySelector("video");
  try {
    video.srcObject = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment", width: { ideal: 1920 } } });
  } catch ({ name }) {
    return tell(name === "NotAllowedError" ? "The browser may not use the camera. Allow it in the address bar."
      : "No camera was found. Choose a picture instead.");
  }
  dialog.returnValue = "";
  dialog.showModal();
  dialog.addEventListener("close", async () => {
    if (dialog.returnValue === "take" && video.videoWidth) {
      const canvas = new OffscreenCanvas(video.videoWidth, video.videoHeight);
      canvas.getContext("2d").drawImage(video, 0, 0);
      const photo = await canvas.convertToBlob({ type: "image/jpeg", quality: 0.95 });
      use(new File([photo], "photo.jpg", { type: "image/jpeg" }));
    }
    video.srcObject.getTracks().forEach((track) => track.stop());
    video.srcObject = null;
  }, { once: true });
}
