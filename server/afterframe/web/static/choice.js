// @ts-check
/** What is chosen of the list, as the query of the page's address: verdict, rating, state, sort and so on. */

const MORE = ["photo_type", "camera", "lens", "folder", "since", "until"];
const DEFAULT_SORT = "made";

/** A choice of what a form's fields say; empty ones are left out. @param {Iterable<[string, unknown]>} fields */
export function choiceOf(fields) {
  const choice = new URLSearchParams();
  for (const [name, value] of fields) {
    const text = String(value).trim();
    if (text) choice.set(name, text);
  }
  return choice;
}

/** Whether renders are shown that are no clip yet. @param {URLSearchParams} choice */
export function isUnfinished(choice) {
  return choice.has("state");
}

/** Whether a verdict can change what is shown, and where. @param {URLSearchParams} choice */
export function dependsOnVerdicts(choice) {
  return choice.has("verdict") || choice.has("rating") || choice.get("sort") === "rating";
}

/** How many of the further fields, those under “More”, are used. @param {URLSearchParams} choice */
export function furtherFields(choice) {
  return MORE.filter((name) => choice.has(name)).length;
}

/** The address that says the same: "?…", or nothing. @param {URLSearchParams} choice */
export function searchOf(choice) {
  const said = new URLSearchParams(choice);
  if (said.get("sort") === DEFAULT_SORT) said.delete("sort");
  return String(said) ? `?${said}` : "";
}

/** A sort that the choice can have: the default one in place of one that only clips have. @param {string} sort */
export function sortOfUnfinished(sort) {
  return sort === "rating" ? DEFAULT_SORT : sort;
}
