/** What a search has found. */

/**
 * Show the passages that were found, in place of those of the search before.
 *
 * @param list the element for the passages
 * @param template the template of one
 * @param hits `[{filename, page, text, score}, …]`, best first
 */
export function showHits(list, template, hits) {
  // BEGIN SOLUTION 7.4
  // ? j) Replace what is in the list by a copy of the template's content for each hit: `.hit-name` is the
  // ? document, `.hit-page` is `page 12`, `.hit-text` is the passage.
  // ? k) Set `textContent`, never markup: names and passages are text from strangers.
  const items = hits.map((hit) => {
    const item = template.content.firstElementChild.cloneNode(true);
    item.querySelector(".hit-name").textContent = hit.filename;
    item.querySelector(".hit-page").textContent = `page ${hit.page}`;
    item.querySelector(".hit-text").textContent = hit.text;
    return item;
  });
  list.replaceChildren(...items);
  // END SOLUTION
}

/** Say how many passages were found. */
export function summary(hits) {
  if (!hits.length) return "Nothing was found.";
  return hits.length === 1 ? "1 passage" : `${hits.length} passages, the nearest first`;
}
