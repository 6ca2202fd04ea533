/** Show the state of one report, and ask again as long as it can change. */

const EVERY_MS = 100;

async function ask() {
  const answer = await fetch("/reports/7");
  if (!answer.ok) throw new Error(`the server answered with ${answer.status}`);
  return await answer.json();
}

function show(text) {
  const line = document.createElement("li");
  line.textContent = text;
  document.getElementById("seen").append(line);
}

async function round(failures) {
  let report = null;
  try {
    report = await ask();
    show(report.status);
    failures = 0;
  } catch (error) {
    failures += 1;
    show(`${error.message}, trying again`);
  }
  const finished = report?.status === "completed";
  if (!finished) setTimeout(() => round(failures), EVERY_MS * 2 ** Math.min(failures, 3));
}

round(0);
