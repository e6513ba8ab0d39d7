// @ts-check
/** The audit page: a folder's photos, marked some at a time, best first. */
import { get, post } from "./api.js";
import "./page.js";
import { say } from "./say.js";
import { byId, fileName, make, shown, t } from "./words.js";

/** @typedef {{path: string, score: number, readiness: Record<string, {score: number, reason: string}>, clips: number, error: {message: string, hint: string} | null}} Marked */

const AT_ONCE = 8;
const SHOWN = 300;
/** @type {Marked[]} */
let found = [];
let stopped = true;

byId("audit-form")?.addEventListener("submit", async (/** @type {Event} */ event) => {
  event.preventDefault();
  const folder = /** @type {HTMLFormElement} */ (event.target).path.value;
  found = [];
  stopped = false;
  show();
  byId("audit-stop").hidden = byId("audit-progress").hidden = byId("audit-tools").hidden = false;
  try {
    const { photos, more } = await get(`/api/folders/photos?path=${encodeURIComponent(folder)}`);
    byId("audit-progress").value = 0;
    for (let from = 0; from < photos.length && !stopped; from += AT_ONCE) {
      found.push(...(await post("/api/audit", { photos: photos.slice(from, from + AT_ONCE) })).photos);
      byId("audit-progress").value = found.length / photos.length;
      byId("audit-says").textContent =
        t("{n} of {all} photos", { n: found.length, all: photos.length }) + (more ? ` (+${more})` : "");
      show();
    }
    if (!photos.length) byId("audit-says").textContent = t("There are no photos in it.");
  } catch (error) {
    say(/** @type {Error} */ (error).message);
  }
  byId("audit-stop").hidden = byId("audit-progress").hidden = true;
});
byId("audit-stop")?.addEventListener("click", () => {
  stopped = true;
});
byId("audit-done")
  ?.querySelector("button")
  .addEventListener("click", () => {
    byId("audit-new").checked = false;
    show();
  });
for (const id of ["audit-new", "audit-least"]) byId(id)?.addEventListener("input", () => show());

function wanted() {
  const least = Number(byId("audit-least").value);
  return found
    .filter((one) => (!byId("audit-new").checked || !one.clips) && one.score >= least && !(one.error && least > 0))
    .sort((a, b) => Number(!!a.error) - Number(!!b.error) || b.score - a.score);
}

/** @type {Map<string, HTMLElement>} */
const cards = new Map();

function show() {
  const list = wanted();
  byId("audit-least-shown").textContent = Number(byId("audit-least").value).toFixed(2);
  const chosen = list.filter((one) => !one.error).length;
  byId("audit-animate").disabled = !chosen;
  byId("audit-animate").textContent = t("Animate these {n}", { n: chosen });
  tellDone();
  byId("marks").replaceChildren(...list.slice(0, SHOWN).map((one) => card(one)));
}

/** A list that the tick makes shorter says so: else it looks as if the folder were empty. */
function tellDone() {
  const n = found.filter((one) => one.clips).length;
  const done = byId("audit-done");
  done.hidden = !n || !byId("audit-new").checked;
  const some = n === 1 ? t("One photo has a clip already.") : t("{n} photos have clips already.", { n });
  done.querySelector("span").textContent =
    n > 1 && n === found.length ? t("All {n} photos have clips already.", { n }) : some;
}

/** @param {Marked} one */
function card(one) {
  const known = cards.get(one.path);
  if (known) return known;
  const marks = Object.entries(one.readiness).map(([name, { score, reason }]) =>
    make(
      "div",
      {},
      make("dt", {}, make("meter", { value: score, "aria-label": t(name.replaceAll("_", " ")) })),
      make("dd", { dir: "auto" }, `${t(name.replaceAll("_", " "))}: ${shown(reason)}`),
    ),
  );
  const made = make(
    "li",
    {},
    make("img", { src: `/api/photos/picture?path=${encodeURIComponent(one.path)}`, alt: "", loading: "lazy" }),
    make(
      "div",
      { class: "text" },
      make(
        "div",
        { class: "row" },
        make("h2", {}, make("bdi", { title: shown(one.path) }, fileName(one.path))),
        make("span", { class: "score" }, one.error ? "–" : one.score.toFixed(2)),
      ),
      one.error
        ? make("p", { class: "bad", dir: "auto" }, `${shown(one.error.message)} ${shown(one.error.hint)}`)
        : make("dl", {}, ...marks),
      one.error
        ? ""
        : make(
            "button",
            {
              type: "button",
              onclick: (event) => animate([one.path], /** @type {HTMLButtonElement} */ (event.currentTarget)),
            },
            one.clips ? t("Animate again") : t("Animate"),
          ),
    ),
  );
  cards.set(one.path, made);
  return made;
}

/** @param {string[]} photos @param {HTMLButtonElement} button */
async function animate(photos, button) {
  button.disabled = true;
  try {
    let count = 0;
    for (let from = 0; from < photos.length; from += 50) {
      const { renders, refused } = await post("/api/animate", { photos: photos.slice(from, from + 50) });
      count += renders.length;
      if (refused.length) say(`${fileName(refused[0].path)}: ${refused[0].reason.message}`);
    }
    say(count === 1 ? t("One clip is being made.") : t("{n} clips are being made.", { n: count }));
  } catch (error) {
    say(/** @type {Error} */ (error).message);
    button.disabled = false;
  }
}

byId("audit-animate")?.addEventListener("click", () =>
  animate(
    wanted()
      .filter((one) => !one.error)
      .map((one) => one.path),
    byId("audit-animate"),
  ),
);
if (new URLSearchParams(location.search).has("folder")) byId("audit-form")?.requestSubmit();
