// @ts-check
/** One tile of the grid: a clip, or a render that is no clip yet. */
import { stateName } from "./unfinished.js";
import { fileName, make, shown, t } from "./words.js";

/** @typedef {import("./list.js").Item} Item */

export function newTile() {
  const tile = make(
    "div",
    { class: "tile", role: "option" },
    make(
      "div",
      { class: "mat" },
      make("img", { alt: "", decoding: "async", draggable: "false" }),
      make("span", { class: "why", dir: "auto", hidden: true }),
      make("progress", { max: 1, "aria-hidden": "true", hidden: true }),
      make("span", { class: "flag", hidden: true }),
      make("span", { class: "tick-box" }),
    ),
    make("div", { class: "about" }, make("bdi"), make("span", { class: "marks-of" })),
  );
  const image = /** @type {HTMLImageElement} */ (tile.querySelector("img"));
  image.addEventListener("error", () => {
    image.hidden = true;
  });
  image.addEventListener("load", () => {
    image.hidden = false;
  });
  return tile;
}

/** @param {HTMLElement} tile */
export function empty(tile) {
  tile.dataset.item = "";
  tile.dataset.state = "";
  tile.querySelector("img")?.removeAttribute("src");
}

/** Show an item in a tile. @param {HTMLElement} tile @param {Item | undefined} item @param {Map<string, Item>} selected */
export function fill(tile, item, selected) {
  tile.classList.toggle("blank", !item);
  tile.setAttribute("aria-selected", String(!!item && selected.has(item.id)));
  if (!item) return;
  const words = "file" in item ? ofClip(item) : ofRender(item);
  if (tile.dataset.item === item.id && tile.dataset.state === words.state) return;
  const image = /** @type {HTMLImageElement} */ (tile.querySelector("img"));
  if (tile.dataset.item !== item.id) image.src = words.picture;
  tile.dataset.item = item.id;
  tile.dataset.state = words.state;
  tile.dataset.verdict = words.verdict;
  const [title, marks] = /** @type {NodeListOf<HTMLElement>} */ (tile.querySelectorAll(".about > *"));
  title.textContent = words.name;
  title.title = shown(item.photo);
  marks.textContent = words.marks;
  put(tile, ".flag", words.flag);
  put(tile, ".why", words.why);
  const bar = /** @type {HTMLProgressElement} */ (tile.querySelector("progress"));
  bar.hidden = words.progress === null;
  bar.value = words.progress ?? 0;
  tile.setAttribute("aria-label", words.said.filter(Boolean).join(", "));
}

/** @param {HTMLElement} tile @param {string} part @param {string} text */
function put(tile, part, text) {
  const place = /** @type {HTMLElement} */ (tile.querySelector(part));
  place.hidden = !text;
  place.textContent = text;
}

/** What a clip's tile says. @param {import("./verdicts.js").Clip} clip */
function ofClip(clip) {
  const name = fileName(clip.photo) + (clip.variant > 1 ? ` · ${clip.variant}` : "");
  const flag = { approved: t("picked"), rejected: t("rejected"), none: "" }[clip.verdict] ?? "";
  return {
    name,
    flag,
    why: "",
    progress: null,
    verdict: clip.verdict,
    state: `${clip.verdict} ${clip.rating}`,
    picture: `${clip.poster}?size=small`,
    marks: "★".repeat(clip.rating),
    said: [name, flag, clip.rating ? t("{n} of 5 stars", { n: clip.rating }) : ""],
  };
}

/** What a render's tile says. @param {import("./unfinished.js").Render} render */
function ofRender(render) {
  const name = fileName(render.photo);
  const going = render.state === "running" || render.state === "publishing";
  const flag = stateName(render);
  const why = shown(render.error?.message ?? "");
  return {
    name,
    flag,
    why,
    verdict: "",
    marks: "",
    progress: going ? render.progress : null,
    state: `${render.state} ${going ? `${render.progress} ${flag}` : why}`,
    picture: `/api/renders/${render.id}/preview`,
    said: [name, flag, why],
  };
}
