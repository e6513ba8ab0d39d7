// @ts-check
/** One tile of the grid: a clip, or a render that is no clip yet. */
import { el, inside } from "./dom.js";
import { fileName, shown, t } from "./i18n.js";
import { keyed } from "./keys.js";
import { isRunning, stateName } from "./render_state.js";

/** @typedef {import("./list.js").Item} Item */

export function newTile() {
  const image = el("img", { alt: "", decoding: "async", draggable: "false" });
  image.addEventListener("error", () => {
    image.hidden = true;
  });
  image.addEventListener("load", () => {
    image.hidden = false;
  });
  return el(
    "div",
    { class: "tile", role: "option" },
    el(
      "div",
      { class: "mat" },
      image,
      el("span", { class: "why", dir: "auto", hidden: true }),
      el("progress", { max: 1, "aria-hidden": "true", hidden: true }),
      el("span", { class: "flag", hidden: true }),
      el("span", { class: "tick-box" }),
    ),
    el("div", { class: "about" }, el("bdi"), el("span", { class: "marks-of" })),
  );
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
  if (tile.dataset.item !== item.id) inside(tile, "img", HTMLImageElement).src = keyed(words.picture);
  tile.dataset.item = item.id;
  tile.dataset.state = words.state;
  tile.dataset.verdict = words.verdict;
  const title = inside(tile, ".about > bdi");
  title.textContent = words.name;
  title.title = shown(item.photo);
  inside(tile, ".marks-of").textContent = words.marks;
  put(tile, ".flag", words.flag);
  put(tile, ".why", words.why);
  const bar = inside(tile, "progress", HTMLProgressElement);
  bar.hidden = words.progress === null;
  bar.value = words.progress ?? 0;
  tile.setAttribute("aria-label", words.said.filter(Boolean).join(", "));
}

/** @param {HTMLElement} tile @param {string} part @param {string} text */
function put(tile, part, text) {
  const place = inside(tile, part);
  place.hidden = !text;
  place.textContent = text;
}

/** What a clip's tile says. @param {import("./api.js").Clip} clip */
function ofClip(clip) {
  const name = fileName(clip.photo) + (clip.variant > 1 ? ` · ${clip.variant}` : "");
  const flag = { approved: t("picked"), rejected: t("rejected"), none: "" }[clip.verdict];
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

/** What a render's tile says. @param {import("./api.js").Render} render */
function ofRender(render) {
  const name = fileName(render.photo);
  const running = isRunning(render);
  const flag = stateName(render);
  const why = shown(render.error?.message ?? "");
  return {
    name,
    flag,
    why,
    verdict: "",
    marks: "",
    progress: running ? render.progress : null,
    state: `${render.state} ${running ? `${render.progress} ${flag}` : why}`,
    picture: `/api/renders/${render.id}/preview`,
    said: [name, flag, why],
  };
}
