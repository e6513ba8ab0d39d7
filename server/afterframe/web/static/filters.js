// @ts-check
/** Which clips, or renders that are no clip yet, are shown, and in which order: the form above the grid and the page's address say the same. */
import { choiceOf, dependsOnVerdicts, furtherFields, isUnfinished, searchOf, sortOfUnfinished } from "./choice.js";
import { byId, el, inside, targetOf } from "./dom.js";
import { data, folderName, shown, t } from "./i18n.js";
import { sourceOf } from "./list.js";

const TYPING_MS = 200;
const form = byId("filters", HTMLFormElement);
const sort = inside(form, "[name=sort]", HTMLSelectElement);
const more = inside(form, "details", HTMLDetailsElement);

/** What the form says now. */
export function choice() {
  return choiceOf(new FormData(form));
}

/** Whether a verdict can change what is shown, and where. */
export function judged() {
  return dependsOnVerdicts(choice());
}

/** Whether renders are shown that are no clip yet. */
export function unfinished() {
  return isUnfinished(choice());
}

/** What only clips are chosen and ordered by is out of the way while renders are shown. */
function adapt() {
  const away = unfinished();
  for (const part of form.querySelectorAll("[data-of-clips]")) {
    if (part instanceof HTMLFieldSetElement || part instanceof HTMLOptionElement) part.hidden = part.disabled = away;
  }
  if (away) sort.value = sortOfUnfinished(sort.value);
}

/** @param {URLSearchParams} now */
function countMore(now) {
  const count = furtherFields(now);
  byId("more-count").hidden = !count;
  byId("more-count").textContent = String(count);
}

/** @param {() => void} changed */
export function onChoice(changed) {
  let timer = 0;
  const tell = () => {
    adapt();
    const now = choice();
    history.replaceState(history.state, "", searchOf(now) || location.pathname);
    countMore(now);
    changed();
  };
  form.addEventListener("change", (event) => targetOf(event)?.matches("[name]") && tell());
  form.addEventListener("input", (event) => {
    if (event.target !== byId("text")) return;
    clearTimeout(timer);
    timer = window.setTimeout(tell, TYPING_MS);
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    clearTimeout(timer);
    tell();
  });
  form.addEventListener("reset", () => setTimeout(tell));
}

/** What the page's address says, put into the form. */
export async function restore() {
  const wanted = new URLSearchParams(location.search);
  byId("state", HTMLSelectElement).value = wanted.get("state") ?? "";
  adapt();
  if (furtherFields(wanted)) await offer();
  for (const [name, value] of wanted) {
    const field = form.elements.namedItem(name);
    if (field instanceof RadioNodeList) field.value = value;
    else if (field instanceof HTMLInputElement || field instanceof HTMLSelectElement) field.value = value;
  }
  countMore(wanted);
}

/** Fill the lists of cameras, lenses, folders and kinds of photo. */
async function offer() {
  const facets = await sourceOf(choice()).facets();
  for (const [name, values] of Object.entries(facets)) {
    const select = inside(form, `[data-choices=${name}]`, HTMLSelectElement);
    const chosen = select.value;
    const options = values.filter(Boolean).map((value) => el("option", { value }, labelOf(name, value)));
    select.replaceChildren(select.options[0], ...options);
    select.value = chosen;
  }
}

/** @param {string} name @param {string} value */
function labelOf(name, value) {
  if (name === "photo_type") return t(value.replace("_", " "));
  return value === data.videos ? folderName(value) : shown(value);
}

more.addEventListener("toggle", () => {
  if (more.open) offer().catch(() => {}); // the lists stay as they are
});
document.addEventListener("click", (event) => {
  if (!(event.target instanceof Node && more.contains(event.target))) more.open = false;
});
form.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || !more.open) return;
  more.open = false;
  inside(more, "summary").focus();
  event.stopPropagation();
});
