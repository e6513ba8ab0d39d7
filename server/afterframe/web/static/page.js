// @ts-check
/** What every page does: buttons, parts that stay live, photos dropped on it, keys. */
import { post, remove } from "./api.js";
import { allInside, byId, inside, targetOf } from "./dom.js";
import { subscribe } from "./events.js";
import { t, timeLeft } from "./i18n.js";
import { keyed, secretHeader } from "./keys.js";
import { toast, toastError } from "./toast.js";
import "./upload.js";

/* ---- buttons -------------------------------------------------------------------------------- */

/** @type {Record<string, (part: HTMLElement) => unknown>} */
const actions = {
  cancel: ({ dataset }) => post("/api/renders/{render_id}/cancel", { path: { render_id: dataset.cancel ?? "" } }),
  retry: ({ dataset }) => post("/api/renders/{render_id}/retry", { path: { render_id: dataset.retry ?? "" } }),
  reseed: ({ dataset }) => post("/api/renders/{render_id}/reseed", { path: { render_id: dataset.reseed ?? "" } }),
  pause: ({ dataset }) => post("/api/queue", { body: { paused: dataset.pause === "true" } }),
  cancelAll: () => post("/api/queue", { body: { cancel_all: true } }),
  confirm: ({ dataset }) =>
    post("/api/folders", { body: { path: JSON.parse(dataset.confirm ?? ""), confirm_backlog: true } }),
  move: (button) => move(button),
  retryAll: () => post("/api/renders/retry", { body: { state: "failed" } }),
  dropFolder: (button) => remove("/api/folders", { body: { path: folderOf(button) } }),
  watch: (box) =>
    post("/api/folders", { body: { path: folderOf(box), watch: box instanceof HTMLInputElement && box.checked } }),
  close: (button) => button.closest("dialog")?.close(),
  help: () => byId("help", HTMLDialogElement).showModal(),
  add: () => byId("add", HTMLDialogElement).showModal(),
};
const STILL = ["close", "help", "add"];

/** Move a waiting render within the queue. @param {HTMLElement} button */
async function move(button) {
  const row = button.closest("[data-render]");
  const list = row?.parentElement ? allInside(row.parentElement, '[data-state="queued"]') : [];
  const at = list.findIndex((item) => item === row);
  const to = { first: 0, up: at - 1, down: at + 1 }[button.dataset.move ?? ""] ?? at;
  if (at < 0 || to < 0 || to >= list.length) return;
  list.splice(to, 0, ...list.splice(at, 1));
  await post("/api/queue", { body: { order: list.map((item) => item.dataset.render ?? "") } });
}

/** @param {HTMLElement} part @returns {string} */
function folderOf(part) {
  const row = part.closest("[data-folder]");
  return JSON.parse((row instanceof HTMLElement && row.dataset.folder) || '""');
}

/** @param {HTMLElement} part */
async function act(part) {
  const name = Object.keys(actions).find((action) => action in part.dataset);
  if (!name || part.ariaBusy === "true") return;
  if (part.dataset.sure && !confirm(part.dataset.sure)) return;
  part.ariaBusy = "true";
  try {
    await actions[name](part);
    if (!STILL.includes(name)) refreshSoon();
  } catch (error) {
    toastError(error);
  } finally {
    part.ariaBusy = "false";
  }
}

document.addEventListener("click", (event) => {
  const button = targetOf(event, "button");
  if (button) act(button);
});
document.addEventListener("change", (event) => {
  const part = targetOf(event);
  if (part?.matches("[data-watch]")) act(part);
});
document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (!(form instanceof HTMLFormElement) || !form.matches("[data-add-folder]")) return;
  event.preventDefault();
  try {
    const fields = new FormData(form);
    const path = String(fields.get("path")).trim();
    await post("/api/folders", { body: { path, watch: fields.has("watch") } });
    form.reset();
    toast(t("{folder} is one of the folders now.", { folder: path }));
    location.reload();
  } catch (error) {
    toastError(error);
  }
});

/* ---- keys ----------------------------------------------------------------------------------- */

/** Whether a key press is meant for a field. */
export function typing(/** @type {KeyboardEvent} */ event) {
  const target = targetOf(event);
  if (!target) return false;
  const plain = '[type="range"], [type="checkbox"], [type="radio"]';
  return target.matches("textarea, select, [contenteditable]") || (target.matches("input") && !target.matches(plain));
}

addEventListener("keydown", (event) => {
  if (event.key !== "?" || typing(event) || event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  const help = byId("help", HTMLDialogElement);
  if (help.open) help.close();
  else help.showModal();
});
for (const sheet of allInside(document, "dialog.sheet")) {
  sheet.addEventListener("click", (event) => {
    if (event.target === sheet && sheet instanceof HTMLDialogElement) sheet.close();
  });
}

/* ---- parts that stay live ------------------------------------------------------------------- */

let timer = 0;
let refreshing = false;

/** Show soon what the server says by now. */
function refreshSoon() {
  if (!timer) timer = window.setTimeout(refresh, 300);
}

async function refresh() {
  timer = 0;
  if (refreshing) return void refreshSoon();
  refreshing = true;
  try {
    const answer = await fetch(location.pathname, { headers: { Accept: "text/html", ...secretHeader() } });
    if (!answer.ok) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    document.title = fresh.title;
    for (const part of allInside(document, "[data-live]")) swap(part, fresh.getElementById(part.id));
    showDrafts();
  } catch {
    /* The stream's own retry brings the next refresh. */
  } finally {
    refreshing = false;
  }
}

/** Put a part's new content in place; what is open stays open, what has the focus keeps it. */
function swap(/** @type {HTMLElement} */ part, /** @type {HTMLElement | null} */ fresh) {
  if (!fresh) return;
  part.hidden = fresh.hidden;
  if (fresh.innerHTML === part.dataset.was) return;
  part.dataset.was = fresh.innerHTML;
  const { activeElement } = document;
  const focused = activeElement && part.contains(activeElement) ? nameOf(activeElement) : null;
  const open = part.querySelector("details")?.open ?? false;
  part.replaceChildren(...document.importNode(fresh, true).childNodes);
  if (open) part.querySelector("details")?.setAttribute("open", "");
  const again = allInside(part, "button, summary, a, input").find((item) => nameOf(item) === focused);
  if (focused) again?.focus();
}

function nameOf(/** @type {Element} */ item) {
  return item.getAttribute("aria-label") ?? item.textContent;
}

/* ---- drafts of what is being made ------------------------------------------------------------ */

/** @type {Map<string, Promise<string>>} a render's draft, asked for once */
const drafts = new Map();

/** A render's draft: where it can be fetched. @param {string} id */
function draftOf(id) {
  const known = drafts.get(id);
  if (known) return known;
  const asked = post("/api/renders/{render_id}/draft", { path: { render_id: id } }).then(({ file }) => file);
  drafts.set(id, asked);
  return asked;
}

/** Show drafts where the page has room for them; the photo stays where there is none. */
async function showDrafts() {
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  for (const video of allInside(document, "video[data-draft]:not([src])")) {
    if (!(video instanceof HTMLVideoElement)) continue;
    try {
      video.src = keyed(await draftOf(video.dataset.draft ?? ""));
      if (!still) await video.play();
    } catch {
      /* It was replaced meanwhile, or its photo cannot be read: the queue says so. */
    }
  }
}
showDrafts();

/* ---- events --------------------------------------------------------------------------------- */

subscribe((event) => {
  if (event.kind === "verdict") return;
  const row = event.kind === "render" ? document.querySelector(`[data-render="${CSS.escape(event.id)}"]`) : null;
  const running = row instanceof HTMLElement && row.dataset.state === "running";
  if (event.kind === "render" && event.state === "running" && running) showProgress(row, event);
  else refreshSoon();
});

/** @param {HTMLElement} row @param {import("./events.js").RenderEvent} event */
function showProgress(row, event) {
  inside(row, "progress", HTMLProgressElement).value = event.progress;
  if (event.eta_s != null) inside(row, "[data-eta]").textContent = timeLeft(event.eta_s);
  const preview = row.querySelector("[data-preview]");
  const now = String(Math.floor(Date.now() / 1000));
  if (preview instanceof HTMLImageElement && preview.dataset.at !== now) {
    preview.dataset.at = now;
    preview.src = keyed(`/api/renders/${encodeURIComponent(event.id)}/preview?at=${now}`);
  }
}

/* ---- colours -------------------------------------------------------------------------------- */

const theme = localStorage.getItem("afterframe-theme");
if (theme) document.documentElement.dataset.theme = theme;
