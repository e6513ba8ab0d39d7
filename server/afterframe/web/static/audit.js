// @ts-check
/** The audit page: a folder's photos, marked some at a time, best first. */
import { get, post } from "./api.js";
import { byId, el, findById, inside } from "./dom.js";
import { fileName, shown, t } from "./i18n.js";
import { keyed } from "./keys.js";
import "./page.js";
import { toast, toastError } from "./toast.js";

/** @typedef {import("./api.js").Answer<"/api/audit", "post">["photos"][number]} Marked */

const AT_ONCE = 8;
const ANIMATED_AT_ONCE = 50;
const SHOWN = 300;
const onlyNew = byId("audit-new", HTMLInputElement);
const least = byId("audit-least", HTMLInputElement);
const animateAll = byId("audit-animate", HTMLButtonElement);
const form = findById("audit-form", HTMLFormElement); // missing while there are no folders
/** @type {Marked[]} */
let found = [];
let stopped = true;

form?.addEventListener("submit", async (event) => {
  event.preventDefault();
  found = [];
  stopped = false;
  show();
  byId("audit-stop").hidden = byId("audit-progress").hidden = byId("audit-tools").hidden = false;
  try {
    await audit(inside(form, "[name=path]", HTMLSelectElement).value);
  } catch (error) {
    toastError(error);
  }
  byId("audit-stop").hidden = byId("audit-progress").hidden = true;
});
findById("audit-stop")?.addEventListener("click", () => {
  stopped = true;
});
inside(byId("audit-done"), "button").addEventListener("click", () => {
  onlyNew.checked = false;
  show();
});
for (const field of [onlyNew, least]) field.addEventListener("input", () => show());

/** Mark the photos of a folder, some at a time. @param {string} path */
async function audit(path) {
  const progress = byId("audit-progress", HTMLProgressElement);
  const { photos, more } = await get("/api/folders/photos", { query: { path } });
  progress.value = 0;
  for (let from = 0; from < photos.length && !stopped; from += AT_ONCE) {
    found.push(...(await post("/api/audit", { body: { photos: photos.slice(from, from + AT_ONCE) } })).photos);
    progress.value = found.length / photos.length;
    const count = t("{n} of {all} photos", { n: found.length, all: photos.length });
    byId("audit-says").textContent = more ? `${count} (+${more})` : count;
    show();
  }
  if (!photos.length) byId("audit-says").textContent = t("There are no photos in it.");
}

/** The photos to be shown, best first, those that cannot be read last. */
function wanted() {
  const score = Number(least.value);
  return found
    .filter((one) => (!onlyNew.checked || !one.clips) && one.score >= score && !(one.error && score > 0))
    .sort((a, b) => Number(!!a.error) - Number(!!b.error) || b.score - a.score);
}

/** @type {Map<string, HTMLElement>} */
const cards = new Map();

function show() {
  const list = wanted();
  byId("audit-least-shown").textContent = Number(least.value).toFixed(2);
  const chosen = list.filter((one) => !one.error).length;
  animateAll.disabled = !chosen;
  animateAll.textContent = t("Animate these {n}", { n: chosen });
  tellDone();
  byId("marks").replaceChildren(...list.slice(0, SHOWN).map((one) => card(one)));
}

/** A list that the tick makes shorter says so: else it looks as if the folder were empty. */
function tellDone() {
  const n = found.filter((one) => one.clips).length;
  const done = byId("audit-done");
  done.hidden = !n || !onlyNew.checked;
  const some = n === 1 ? t("One photo has a clip already.") : t("{n} photos have clips already.", { n });
  const all = n > 1 && n === found.length;
  inside(done, "span").textContent = all ? t("All {n} photos have clips already.", { n }) : some;
}

/** @param {Marked} one */
function card(one) {
  const known = cards.get(one.path);
  if (known) return known;
  const picture = keyed(`/api/photos/picture?path=${encodeURIComponent(one.path)}`);
  const title = el("h2", {}, el("bdi", { title: shown(one.path) }, fileName(one.path)));
  const score = el("span", { class: "score" }, one.error ? "–" : one.score.toFixed(2));
  const made = el(
    "li",
    {},
    el("img", { src: picture, alt: "", loading: "lazy" }),
    el("div", { class: "text" }, el("div", { class: "row" }, title, score), ...body(one)),
  );
  cards.set(one.path, made);
  return made;
}

/** @param {Marked} one */
function body(one) {
  const { error } = one;
  if (error) return [el("p", { class: "bad", dir: "auto" }, `${shown(error.message)} ${shown(error.hint)}`)];
  const marks = Object.entries(one.readiness).map(([name, { score, reason }]) => {
    const label = t(name.replaceAll("_", " "));
    const meter = el("meter", { value: score, "aria-label": label });
    return el("div", {}, el("dt", {}, meter), el("dd", { dir: "auto" }, `${label}: ${shown(reason)}`));
  });
  const button = el("button", { type: "button" }, one.clips ? t("Animate again") : t("Animate"));
  button.addEventListener("click", () => animate([one.path], button));
  return [el("dl", {}, ...marks), button];
}

/** @param {string[]} photos @param {HTMLButtonElement} button */
async function animate(photos, button) {
  button.disabled = true;
  try {
    let count = 0;
    for (let from = 0; from < photos.length; from += ANIMATED_AT_ONCE) {
      const some = photos.slice(from, from + ANIMATED_AT_ONCE);
      const { renders, refused } = await post("/api/animate", { body: { photos: some } });
      count += renders.length;
      if (refused.length) toast(`${fileName(refused[0].path)}: ${refused[0].reason.message}`);
    }
    toast(count === 1 ? t("One clip is being made.") : t("{n} clips are being made.", { n: count }));
  } catch (error) {
    toastError(error);
    button.disabled = false;
  }
}

animateAll.addEventListener("click", () => {
  const photos = wanted().filter((one) => !one.error);
  animate(
    photos.map((one) => one.path),
    animateAll,
  );
});
if (new URLSearchParams(location.search).has("folder")) form?.requestSubmit();
