// @ts-check
/** The review page: filters, grid, detail, keys, actions on many. */
import { hear } from "./events.js";
import { Detail } from "./detail.js";
import { choice, judged, onChoice, restore, unfinished } from "./filters.js";
import { Grid } from "./grid.js";
import { List } from "./list.js";
import { typing } from "./page.js";
import { another, anotherSeed } from "./refine.js";
import { say } from "./say.js";
import { cancelMany, follow, retryMany, showRender } from "./unfinished.js";
import { changeOf, judge, onJudged, undo } from "./verdicts.js";
import { byId, t } from "./words.js";

const REFRESH_MS = 400;
const list = new List(() => known(), trouble);
const grid = new Grid(list, { open, chosen: showBulk });
const detail = new Detail(list, (index) => grid.go(index, !detail.open));

let laidOut = "";

/** @param {number} index */
function open(index) {
  const item = list.at(index);
  if (item && !("file" in item)) showRender(item);
  else detail.show(index);
}

function trouble(/** @type {unknown} */ error) {
  if (/** @type {Error} */ (error).name !== "AbortError") say(/** @type {Error} */ (error).message);
}

function known() {
  const outline = JSON.stringify(list.groups);
  if (outline !== laidOut) {
    laidOut = outline;
    grid.layOut();
  }
  grid.update();
  byId("total").textContent = t("Clips: {n}", { n: list.total.toLocaleString(document.documentElement.lang) });
  byId("empty").textContent = byId("grid").dataset.empty ?? "";
  if (list.total) {
    byId("first").hidden = true;
    byId("filters").hidden = false;
  }
  byId("empty").hidden = list.total > 0 || !byId("first").hidden;
}

let timer = 0;
function refreshSoon() {
  timer ||= window.setTimeout(() => {
    timer = 0;
    list.refresh().catch(trouble);
  }, REFRESH_MS);
}

/* ---- verdicts ------------------------------------------------------------------------------- */

onJudged((clips) => {
  list.replace(clips);
  for (const clip of clips) if (grid.selected.has(clip.id)) grid.selected.set(clip.id, clip);
  detail.judged(clips);
  grid.update();
  if (judged())
    list
      .refresh()
      .then(() => detail.open || keepFocus())
      .catch(trouble);
});

/** The next clip is in the place of the one that left the list. */
function keepFocus() {
  if (document.activeElement === document.body) grid.go(grid.active);
}

hear((event) => {
  if (event.kind === "verdict") {
    const index = list.indexOf(event.id);
    const clip = index >= 0 ? list.at(index) : undefined;
    if (clip && (clip.verdict !== event.verdict || clip.rating !== event.rating)) {
      const fresh = { ...clip, verdict: event.verdict, rating: event.rating };
      list.replace([fresh]);
      detail.judged([fresh]);
      grid.update();
      if (judged()) refreshSoon();
    }
  } else if (event.kind === "render") {
    byId("filters").hidden = false;
    if (unfinished()) followRender(event);
  } else if (["clip", "clip_gone", "reset", "back"].includes(event.kind)) {
    refreshSoon();
    if (event.kind === "clip") detail.came(event);
  }
});

/** @param {any} event */
function followRender(event) {
  const { state, progress, eta_s, error } = event;
  const render = list.at(list.indexOf(event.id));
  if (render) list.replace([{ ...render, state, progress, eta_s, error }]);
  grid.update();
  follow(event);
  const moved = render && "state" in render ? render.state !== state : state !== "running" || !progress;
  if (moved) refreshSoon();
}

/* ---- many ----------------------------------------------------------------------------------- */

function showBulk() {
  byId("bulk").hidden = !grid.selected.size;
  const state = choice().get("state") ?? "";
  byId("bulk-of-clips").hidden = state !== "";
  byId("bulk-retry").hidden = !["failed", "cancelled"].includes(state);
  byId("bulk-cancel").hidden = !["queued", "running"].includes(state);
  byId("bulk-count").textContent = t("{n} selected", { n: grid.selected.size });
}

/** @type {Record<string, () => unknown>} */
const bulk = {
  approved: () => judge(grid.meant(), { verdict: "approved" }),
  rejected: () => judge(grid.meant(), { verdict: "rejected" }),
  none: () => judge(grid.meant(), { verdict: "none" }),
  clear: () => grid.selectNothing(),
  another: async () => {
    const clips = grid.meant();
    for (const clip of clips) await another(clip, anotherSeed(clip));
    say(
      clips.length === 1 ? t("One more clip is being made.") : t("{n} more clips are being made.", { n: clips.length }),
    );
  },
  download: () => download(grid.meant()),
  retry: () => retryMany(grid.meant()).then(() => grid.selectNothing()),
  cancel: () => cancelMany(grid.meant()).then(() => grid.selectNothing()),
};

/** @param {import("./verdicts.js").Clip[]} clips */
async function download(clips) {
  for (const clip of clips) {
    const link = Object.assign(document.createElement("a"), {
      href: clip.file,
      download: clip.path.replaceAll("\\", "/").split("/").pop(),
    });
    link.click();
    await new Promise((done) => setTimeout(done, 300)); // browsers drop downloads that begin at once
  }
}

byId("bulk").addEventListener("click", async (/** @type {Event} */ event) => {
  const button = /** @type {HTMLElement | null} */ (/** @type {Element} */ (event.target).closest("[data-bulk]"));
  if (!button) return;
  try {
    await bulk[button.dataset.bulk ?? ""]();
  } catch (error) {
    return trouble(error);
  }
  if (["approved", "rejected", "none"].includes(button.dataset.bulk ?? "")) offerUndo(grid.selected.size);
});
byId("bulk-rating").addEventListener("change", async (/** @type {Event} */ event) => {
  const select = /** @type {HTMLSelectElement} */ (event.target);
  if (select.value) await judge(grid.meant(), { rating: Number(select.value) });
  select.value = "";
  offerUndo(grid.selected.size);
});

/** @param {number} n */
function offerUndo(n) {
  say(n === 1 ? t("One clip judged.") : t("{n} clips judged.", { n }), { label: t("Undo"), act: undo });
}

/* ---- keys ----------------------------------------------------------------------------------- */

addEventListener("keydown", (event) => {
  if (detail.open || document.querySelector("dialog[open]")) return;
  if (event.key === "/" && !typing(event)) {
    event.preventDefault();
    return byId("text").select();
  }
  if (event.key === "Escape" && document.activeElement === byId("text")) return grid.go(grid.active);
  const target = /** @type {Element} */ (event.target);
  if (typing(event)) return;
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "z") {
    event.preventDefault();
    return void undo();
  }
  if (event.key === "Escape") return grid.selectNothing();
  const inGrid = target === document.body || target.matches(".tile, main");
  if (!inGrid) return;
  const change = unfinished() ? null : changeOf(event);
  if (change) {
    event.preventDefault();
    const many = grid.selected.size;
    judge(grid.meant(), change).then(() => {
      if (many > 1) offerUndo(many);
      else if (event.shiftKey && !judged()) grid.go(grid.active + 1);
    });
  } else if (!unfinished() && ["c", "v", "e"].includes(event.key) && !event.ctrlKey && !event.metaKey) {
    event.preventDefault();
    detail.show(grid.active).then(() => detail.acts[{ c: "compare", v: "variants", e: "edit" }[event.key] ?? ""]());
  } else if (target === document.body && ["PageDown", "PageUp", "Home", "End", " "].includes(event.key)) {
    return; // the page scrolls
  } else if (grid.key(event)) {
    event.preventDefault();
  }
});

/* ---- begin ---------------------------------------------------------------------------------- */

const size = byId("tile-size");
size.value = String(grid.size);
size.addEventListener("input", () => {
  grid.size = Number(size.value);
  localStorage.setItem("afterframe-tile", size.value);
  grid.layOut();
});
onChoice(() => {
  grid.selectNothing();
  scrollTo({ top: 0, behavior: "instant" });
  grid.active = 0;
  list.choose(choice()).catch(trouble);
});

await restore();
await list.choose(choice()).catch(trouble);
/** A clip that the address names, at the start or later. */
function openNamed() {
  if (location.hash.length > 1) detail.showById(decodeURIComponent(location.hash.slice(1))).catch(trouble);
}
addEventListener("hashchange", openNamed);
openNamed();
