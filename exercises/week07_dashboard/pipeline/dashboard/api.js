/**
 * Talks to the API. Every problem becomes a `Problem` whose message a person can read.
 * Given to students complete.
 */

const SECONDS = 10;
const SILENT = "The server does not answer.";

/** Something that went wrong, in words for people. `status` is 0 if no answer came. */
export class Problem extends Error {
  constructor(message, status = 0, body = null) {
    super(message);
    this.status = status;
    this.body = body;
  }
}

/** What is wrong with an answer that is not a success. */
export function problemOf(status, body) {
  const said = typeof body?.detail === "string" ? body.detail : "";
  return new Problem(said || `The server answered with ${status}.`, status, body);
}

/**
 * Send a request and return the JSON of the answer.
 * Throws a `Problem` if no answer comes in time, or if it is not a success.
 */
export async function request(method, path) {
  let answer;
  let body = null;
  try {
    answer = await fetch(path, {
      method,
      headers: { Accept: "application/json" },
      cache: "no-store",
      signal: AbortSignal.timeout(SECONDS * 1000),
    });
    body = await answer.json();
  } catch {
    if (!answer || answer.ok) throw new Problem(SILENT);
  }
  if (answer.status === 401) location.reload(); // week 8: the key is not valid, so `/` leads to the login
  if (!answer.ok) throw problemOf(answer.status, body);
  return body;
}

/** An owner's newest jobs: `{"jobs": […]}`. */
export const listJobs = () => request("GET", "/jobs?limit=50");

/**
 * Send a file. `onProgress` gets a number from 0 to 1. Resolves with the answer of `POST /documents`.
 * `fetch` cannot tell how far an upload is, so this is the older `XMLHttpRequest`.
 */
export function sendFile(file, onProgress) {
  const form = new FormData();
  form.append("file", file);
  return new Promise((resolve, reject) => {
    const sending = new XMLHttpRequest();
    sending.open("POST", "/documents");
    sending.setRequestHeader("Idempotency-Key", newKey());
    sending.responseType = "json";
    sending.upload.addEventListener("progress", (event) => {
      if (event.lengthComputable) onProgress(event.loaded / event.total);
    });
    sending.addEventListener("load", () => {
      if (sending.status === 202) resolve(sending.response);
      else reject(problemOf(sending.status, sending.response));
    });
    for (const end of ["error", "abort", "timeout"]) {
      sending.addEventListener(end, () => reject(new Problem(SILENT)));
    }
    sending.send(form);
  });
}

/** Anything unique. `crypto.randomUUID` is missing on pages without HTTPS, except on this machine. */
function newKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
