// @ts-check
/** The review page: filters, grid, detail, keys, actions on many. */
import { Detail } from "./detail.js";
import { byId, targetOf } from "./dom.js";
import { subscribe } from "./events.js";
import { choice, judged, onChoice, restore, unfinished } from "./filters.js";
import { Grid } from "./grid.js";
import { lastPart, t } from "./i18n.js";
import { keyed } from "./keys.js";
import { List } from "./list.js";
import { typing } from "./page.js";
import { another, otherSeed } from "./refine.js";
import { cancelMany, follow, retryMany, showRender } from "./render_dialog.js";
import { isRetryable, isStoppable } from "./render_state.js";
import { toast, toastError } from "./toast.js";
import { changeOf, judge, onJudged, undo } from "./verdicts.js";

const REFRESH_MS = 400;
const DOWNLOAD_MS = 300;
const search = byId("text", HTMLInputElement);
/** Where somebody is in the list. @returns {number[]} */
const places = () => [grid.active, grid.active + 1, detail.index, detail.index + 1];
/** @type {List} */
const list = new List(() => known(), trouble, places);
/** @type {Grid} */
const grid = new Grid(list, { open, chosen: showBulk });
/** @type {Detail} */
const detail = new Detail(list, (index) => grid.go(index, !detail.open));

let laidOut = "";

/** @param {number} index */
function open(index) {
  const item = list.at(index);
  if (item && "state" in item) showRender(item);
  else detail.show(index);
}

/** @param {unknown} error */
function trouble(error) {
  if (!(error instanceof Error && error.name === "AbortError")) toastError(error);
}

function known() {
  const outline = JSON.stringify(list.groups);
  if (outline !== laidOut) {
    laidOut = outline;
    grid.layOut();
  }
  grid.update();
  grid.follow();
  detail.follow();
  byId("total").textContent = t("Clips: {n}", { n: list.total.toLocaleString(document.documentElement.lang) });
  byId("empty").textContent = byId("grid").dataset.empty ?? "";
  if (list.total) {
    byId("first").hidden = true;
    byId("filters").hidden = false;
  }
  byId("empty").hidden = list.total > 0 || !byId("first").hidden;
}

/* ---- arrivals ------------------------------------------------------------------------------- */

/** @type {Set<string>} clips that came while somebody was at work here */
const arrived = new Set();
const fresh = byId("fresh");

/** Whether somebody judges, scrolls or selects: the grid then stays as it is. */
function atWork() {
  const target = document.activeElement;
  return detail.open || grid.selected.size > 0 || scrollY > 40 || !!target?.closest("#tiles");
}

/** @param {import("./events.js").ClipEvent} event */
function arrive({ id }) {
  if (!atWork()) return refreshSoon();
  if (list.indexOf(id) < 0) arrived.add(id);
  showArrived();
}

function showArrived() {
  fresh.hidden = !arrived.size;
  fresh.textContent = arrived.size === 1 ? t("One new clip") : t("{n} new clips", { n: arrived.size });
}

fresh.addEventListener("click", () => {
  refreshSoon();
  scrollTo({ top: 0, behavior: "instant" });
});

let timer = 0;
function refreshSoon() {
  timer ||= window.setTimeout(() => {
    timer = 0;
    list
      .refresh()
      .then(() => {
        arrived.clear();
        showArrived();
      })
      .catch(trouble);
  }, REFRESH_MS);
}

/* ---- verdicts ------------------------------------------------------------------------------- */

onJudged((clips) => {
  list.replace(clips);
  for (const clip of clips) if (grid.selected.has(clip.id)) grid.selected.set(clip.id, clip);
  detail.judged(clips);
  grid.update();
  if (!judged()) return;
  list
    .refresh()
    .then(() => detail.open || keepFocus())
    .catch(trouble);
});

/** Somebody judged with the keyboard: the focus stays in the grid. */
function keepFocus() {
  if (document.activeElement === document.body) grid.go(grid.active);
}

subscribe((event) => {
  if (event.kind === "verdict") {
    followVerdict(event);
  } else if (event.kind === "render") {
    byId("filters").hidden = false;
    if (unfinished()) followRender(event);
  } else if (event.kind === "clip") {
    arrive(event);
    detail.came(event);
  } else if (["clip_gone", "reset", "back"].includes(event.kind)) {
    refreshSoon();
  }
});

/** A verdict that was given elsewhere. @param {import("./events.js").VerdictEvent} event */
function followVerdict({ id, verdict, rating }) {
  const item = list.at(list.indexOf(id));
  if (!item || !("file" in item) || (item.verdict === verdict && item.rating === rating)) return;
  const fresh = { ...item, verdict, rating };
  list.replace([fresh]);
  detail.judged([fresh]);
  grid.update();
  if (judged()) refreshSoon();
}

/** @param {import("./events.js").RenderEvent} event */
function followRender(event) {
  const { id, state, progress, eta_s, error } = event;
  const item = list.at(list.indexOf(id));
  const render = item && "state" in item ? item : undefined;
  if (render) list.replace([{ ...render, state, progress, eta_s, error }]);
  grid.update();
  follow(event);
  if (render ? render.state !== state : state !== "running" || !progress) refreshSoon();
}

/* ---- many ----------------------------------------------------------------------------------- */

function showBulk() {
  byId("bulk").hidden = !grid.selected.size;
  const state = choice().get("state") ?? "";
  byId("bulk-of-clips").hidden = state !== "";
  byId("bulk-retry").hidden = !isRetryable(state);
  byId("bulk-cancel").hidden = !isStoppable(state);
  byId("bulk-count").textContent = t("{n} selected", { n: grid.selected.size });
}

/** @param {import("./verdicts.js").Change} change */
async function judgeMany(change) {
  await judge(grid.meantClips(), change);
  offerUndo(grid.selected.size);
}

/** @type {Record<string, () => unknown>} */
const bulk = {
  approved: () => judgeMany({ verdict: "approved" }),
  rejected: () => judgeMany({ verdict: "rejected" }),
  none: () => judgeMany({ verdict: "none" }),
  clear: () => grid.selectNothing(),
  another: () => anotherOfEach(grid.meantClips()),
  download: () => download(grid.meantClips()),
  retry: () => retryMany(grid.meantRenders()).then(() => grid.selectNothing()),
  cancel: () => cancelMany(grid.meantRenders()).then(() => grid.selectNothing()),
};

/** @param {import("./api.js").Clip[]} clips */
async function anotherOfEach(clips) {
  for (const clip of clips) await another(clip, { seed: otherSeed(clip.seed) });
  toast(
    clips.length === 1 ? t("One more clip is being made.") : t("{n} more clips are being made.", { n: clips.length }),
  );
}

/** @param {import("./api.js").Clip[]} clips */
async function download(clips) {
  for (const clip of clips) {
    const link = Object.assign(document.createElement("a"), { href: keyed(clip.file), download: lastPart(clip.path) });
    link.click();
    await new Promise((done) => setTimeout(done, DOWNLOAD_MS)); // browsers drop downloads that begin at once
  }
}

byId("bulk").addEventListener("click", async (event) => {
  const button = targetOf(event, "[data-bulk]");
  if (!button) return;
  try {
    await bulk[button.dataset.bulk ?? ""]();
  } catch (error) {
    trouble(error);
  }
});
const rating = byId("bulk-rating", HTMLSelectElement);
rating.addEventListener("change", async () => {
  const { value } = rating;
  rating.value = "";
  if (value) await judgeMany({ rating: Number(value) });
});

/** @param {number} n */
function offerUndo(n) {
  toast(n === 1 ? t("One clip judged.") : t("{n} clips judged.", { n }), { label: t("Undo"), act: undo });
}

/* ---- keys ----------------------------------------------------------------------------------- */

addEventListener("keydown", (event) => {
  if (detail.open || document.querySelector("dialog[open]")) return;
  if (event.key === "/" && !typing(event)) {
    event.preventDefault();
    return search.select();
  }
  if (event.key === "Escape" && document.activeElement === search) return grid.go(grid.active);
  if (typing(event)) return;
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "z") {
    event.preventDefault();
    return void undo();
  }
  if (event.key === "Escape") return grid.selectNothing();
  const target = targetOf(event);
  if (target !== document.body && !target?.matches(".tile, main")) return;
  // On the page itself these scroll.
  const scrolls = target === document.body && ["PageDown", "PageUp", "Home", "End", " "].includes(event.key);
  if ((!unfinished() && clipKey(event)) || (!scrolls && grid.key(event))) event.preventDefault();
});

/** The keys for clips: verdicts, and what the detail does. @param {KeyboardEvent} event @returns {boolean} whether it was one */
function clipKey(event) {
  const change = changeOf(event);
  if (change) {
    const many = grid.selected.size;
    judge(grid.meantClips(), change).then(() => {
      if (many > 1) offerUndo(many);
      else if (event.shiftKey && !judged()) grid.go(grid.active + 1);
    });
    return true;
  }
  const act = event.ctrlKey || event.metaKey ? undefined : { c: "compare", v: "variants", e: "edit" }[event.key];
  if (act) detail.show(grid.active).then(() => detail.acts[act]());
  return act !== undefined;
}

/* ---- begin ---------------------------------------------------------------------------------- */

const size = byId("tile-size", HTMLInputElement);
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
  grid.here = [];
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
