// Draw each diagram in the colours of the page, and again when the reader changes them.
const sources = [...document.querySelectorAll(".diagram")].map((box) => [box, box.textContent]);

const READABLE = 0.7; // of its natural size: letters of 11 pixels

async function draw() {
  const dark = document.body.dataset.mdColorScheme === "slate";
  mermaid.initialize({ startOnLoad: false, theme: dark ? "dark" : "default" });
  for (const [number, [box, text]] of sources.entries()) {
    box.innerHTML = (await mermaid.render(`diagram${number}`, text)).svg;
    // A wide diagram scrolls sideways: shrunk to the page, its words would be too small to read.
    const picture = box.querySelector("svg");
    picture.style.minWidth = `${Math.round(picture.viewBox.baseVal.width * READABLE)}px`;
    box.dataset.drawn = dark ? "dark" : "light";
  }
}

if (sources.length) {
  draw();
  new MutationObserver(draw).observe(document.body, { attributeFilter: ["data-md-color-scheme"] });
}

// The theme's search is a dialog without a name.
document.querySelector(".md-search")?.setAttribute("aria-label", "Search");

// Code and tables scroll sideways: the keyboard must reach them.
for (const wide of document.querySelectorAll(".highlight pre, .md-typeset__scrollwrap, .diagram")) {
  wide.tabIndex = 0;
}

// A printed page shows the folded answers.
addEventListener("beforeprint", () => {
  for (const answer of document.querySelectorAll("details")) answer.open = true;
});
