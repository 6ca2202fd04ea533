/** Show what an EventSource says about its connection. */

const STATES = ["CONNECTING", "OPEN", "CLOSED"];
const source = new EventSource("/events");

function say(what) {
  const line = document.createElement("li");
  line.textContent = `${what}: ${STATES[source.readyState]}`;
  document.getElementById("seen").append(line);
}

source.addEventListener("open", () => say("open"));
source.addEventListener("error", () => say("error"));
