/** What a user can do: upload, cancel, replay, search. */

import { request, sendFile } from "./api.js";

/**
 * Upload files, one after the other.
 *
 * @param files the chosen ones
 * @param list the list of uploads on the page
 * @param onAccepted called after each document that the API has accepted; nobody waits for what it does
 */
export async function upload(files, list, onAccepted) {
  for (const file of files) {
    const row = newRow(list, file.name);
    // BEGIN SOLUTION 7.4
    // ? e) Send the file (`sendFile`), and show how far it is as the value of `row.bar` (0 to 1). Wait for
    // ? the answer before the next file is sent.
    // ? f) When it is accepted, remove `row.item` and call `onAccepted`. Do not wait for what it does.
    // ? g) When it is refused, remove `row.bar`, because the page shows `row.note` and *Dismiss* only without
    // ? it. Show the error's message in `row.note`, and go on with the next file.
    try {
      await sendFile(file, (part) => (row.bar.value = part));
      row.item.remove();
      onAccepted();
    } catch (problem) {
      row.bar.remove();
      row.note.textContent = problem.message;
    }
    // END SOLUTION
  }
}

/** A row for a file that is on its way. It can be put away with a button once it is refused. */
function newRow(list, name) {
  const item = document.createElement("li");
  const label = document.createElement("span");
  const bar = document.createElement("progress");
  const note = document.createElement("span");
  const dismiss = document.createElement("button");
  item.className = "upload-row";
  label.className = "upload-name";
  label.textContent = name;
  bar.max = 1;
  bar.value = 0;
  bar.setAttribute("aria-label", `Upload of ${name}`);
  note.className = "error";
  note.setAttribute("role", "alert");
  dismiss.type = "button";
  dismiss.className = "button plain";
  dismiss.textContent = "Dismiss";
  dismiss.setAttribute("aria-label", `Dismiss ${name}`);
  dismiss.addEventListener("click", () => {
    item.remove();
    document.getElementById("file").focus();
  });
  item.append(label, bar, note, dismiss);
  list.append(item);
  return { item, bar, note };
}

/**
 * Cancel or replay a job, and return the answer of the API. Throws a `Problem` if it is too late.
 *
 * @param action `cancel` or `replay`
 */
export async function perform(action, job) {
  // BEGIN SOLUTION 7.4
  // ? h) `cancel` is `POST /jobs/{id}/cancel`, `replay` is `POST /dead-letters/{id}/replay`. The id is
  // ? `job.job_id`.
  // ? i) Let a `Problem` through: the page shows its message.
  const id = encodeURIComponent(job.job_id);
  const path = action === "cancel" ? `/jobs/${id}/cancel` : `/dead-letters/${id}/replay`;
  return await request("POST", path);
  // END SOLUTION
}

/** The passages nearest to a question, best first. Throws a `Problem`. */
export async function search(question) {
  const answer = await request("GET", `/search?limit=5&q=${encodeURIComponent(question)}`);
  return answer.results;
}
