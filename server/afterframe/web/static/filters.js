// @ts-check
/** Which clips, or renders that are no clip yet, are shown, and in which order: the form above the grid and the page's address say the same. */
import { get } from "./api.js";
import { whereOf } from "./list.js";
import { byId, data, folderName, make, shown, t } from "./words.js";

const MORE = ["photo_type", "camera", "lens", "folder", "since", "until"];
const TYPING_MS = 200;
const form = /** @type {HTMLFormElement} */ (byId("filters"));

/** What the form says now. */
export function choice() {
  const fields = new FormData(form);
  const found = new URLSearchParams();
  for (const [name, value] of fields) if (value) found.set(name, String(value).trim());
  return found;
}

/** Whether a verdict can change what is shown, and where. */
export function judged() {
  const now = choice();
  return now.has("verdict") || now.has("rating") || now.get("sort") === "rating";
}

/** Whether renders are shown that are no clip yet. */
export function unfinished() {
  return choice().has("state");
}

/** What only clips are chosen and ordered by is out of the way while renders are shown. */
function suit() {
  const away = unfinished();
  for (const part of /** @type {NodeListOf<HTMLFieldSetElement | HTMLOptionElement>} */ (
    form.querySelectorAll("[data-of-clips]")
  ))
    part.hidden = part.disabled = away;
  const sort = form.elements.namedItem("sort");
  if (sort instanceof HTMLSelectElement && sort.selectedOptions[0]?.disabled) sort.value = "made";
}

/** @param {() => void} changed */
export function onChoice(changed) {
  let timer = 0;
  const tell = () => {
    suit();
    const now = choice();
    if (now.get("sort") === "made") now.delete("sort");
    history.replaceState(history.state, "", String(now) ? `?${now}` : location.pathname);
    const more = MORE.filter((name) => now.has(name)).length;
    byId("more-count").hidden = !more;
    byId("more-count").textContent = String(more);
    changed();
  };
  form.addEventListener("change", (event) => /** @type {HTMLElement} */ (event.target).matches("[name]") && tell());
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
  byId("state").value = wanted.get("state") ?? "";
  suit();
  if (MORE.some((name) => wanted.has(name))) await offer();
  for (const [name, value] of wanted) {
    const field = form.elements.namedItem(name);
    if (field instanceof RadioNodeList) field.value = value;
    else if (field instanceof HTMLInputElement || field instanceof HTMLSelectElement) field.value = value;
  }
  const more = MORE.filter((name) => wanted.has(name)).length;
  byId("more-count").hidden = !more;
  byId("more-count").textContent = String(more);
}

/** Fill the lists of cameras, lenses, folders and kinds of photo. */
async function offer() {
  const choices = await get(`${whereOf(choice())}/choices`);
  for (const select of /** @type {NodeListOf<HTMLSelectElement>} */ (form.querySelectorAll("[data-choices]"))) {
    const name = select.dataset.choices ?? "";
    const chosen = select.value;
    const options = choices[name]
      .filter(Boolean)
      .map((/** @type {string} */ value) =>
        make(
          "option",
          { value },
          name === "photo_type" ? t(value.replace("_", " ")) : value === data.videos ? folderName(value) : shown(value),
        ),
      );
    select.replaceChildren(select.options[0], ...options);
    select.value = chosen;
  }
}

form.querySelector("details")?.addEventListener("toggle", (event) => {
  if (/** @type {HTMLDetailsElement} */ (event.target).open) offer().catch(() => {}); // the lists stay as they are
});
document.addEventListener("click", (event) => {
  const more = form.querySelector("details[open]");
  if (more && !more.contains(/** @type {Node} */ (event.target))) more.removeAttribute("open");
});
form.addEventListener("keydown", (event) => {
  const more = /** @type {HTMLDetailsElement | null} */ (form.querySelector("details[open]"));
  if (event.key === "Escape" && more) {
    more.open = false;
    more.querySelector("summary")?.focus();
    event.stopPropagation();
  }
});
