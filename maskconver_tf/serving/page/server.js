// Talks to the server that sent this page, and to no other.
const PROPOSALS = "application/vnd.maskconver.proposals+json";
let token = "";

/** Why the server refuses, in its own words. */
export const refused = (status, message) => Object.assign(new Error(message), { status });

export const setToken = (text) => { token = text.trim(); };

/** Classes, colors, thresholds and limits of a version; without a number of the newest. */
export async function describeModel(version) {
  return (await call(`model${version ? `?version=${version}` : ""}`)).json();
}

/** Sends a picture; returns the proposals, or finished segments of a model that has none. */
export async function segment(file, model, signal) {
  const response = await call(`segment?version=${model.version}`, {
    method: "POST", body: file, signal,
    headers: { Accept: model.has_proposals ? PROPOSALS : "application/json",
      "Content-Type": "application/octet-stream" },
  });
  return response.arrayBuffer();
}

async function call(path, options = {}) {
  const headers = { ...options.headers };
  if (token) headers.Authorization = `Bearer ${token}`;
  const response = await fetch(new URL(path, document.baseURI), { ...options, headers }).catch((error) => {
    throw error.name === "AbortError" ? error : refused(0, "The server does not answer. Is it still running?");
  });
  if (response.ok) return response;
  const answer = await response.json().catch(() => ({}));
  throw refused(response.status, answer.error ?? `The server answered with status ${response.status}`);
}
