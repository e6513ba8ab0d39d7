// @ts-check
/** What every page does: says, buttons, parts that stay live, photos dropped on it, keys. */
import { ask, post } from "./api.js";
import { hear } from "./events.js";
import "./upload.js";
import { byId, data, left, t } from "./words.js";
import { say } from "./say.js";

/* ---- buttons -------------------------------------------------------------------------------- */

const quoted = encodeURIComponent;
/** @type {Record<string, (button: HTMLElement) => unknown>} */
const actions = {
  cancel: (button) => post(`/api/renders/${quoted(button.dataset.cancel ?? "")}/cancel`),
  retry: (button) => post(`/api/renders/${quoted(button.dataset.retry ?? "")}/retry`),
  pause: (button) => post("/api/queue", { paused: button.dataset.pause === "true" }),
  cancelAll: () => post("/api/queue", { cancel_all: true }),
  confirm: (button) => post("/api/folders", { path: JSON.parse(button.dataset.confirm ?? ""), confirm_backlog: true }),
  move: (button) => move(button),
  retryAll: () => post("/api/renders/retry", { state: "failed" }),
  dropFolder: (button) => ask("DELETE", "/api/folders", { path: folderOf(button) }),
  watch: (box) => post("/api/folders", { path: folderOf(box), watch: /** @type {HTMLInputElement} */ (box).checked }),
  close: (button) => button.closest("dialog")?.close(),
  help: () => byId("help").showModal(),
  add: () => byId("add").showModal(),
};
const STILL = ["close", "help", "add"];

/** Move a waiting render within the queue. */
async function move(/** @type {HTMLElement} */ button) {
  const row = button.closest("[data-render]");
  const list = [...(row?.parentElement?.querySelectorAll('[data-state="queued"]') ?? [])];
  const at = list.indexOf(/** @type {Element} */ (row));
  const to = { first: 0, up: at - 1, down: at + 1 }[button.dataset.move ?? ""] ?? at;
  if (at < 0 || to < 0 || to >= list.length) return;
  list.splice(to, 0, ...list.splice(at, 1));
  await post("/api/queue", { order: list.map((item) => /** @type {HTMLElement} */ (item).dataset.render) });
}

function folderOf(/** @type {Element} */ part) {
  return JSON.parse(/** @type {HTMLElement} */ (part.closest("[data-folder]"))?.dataset.folder ?? "");
}

async function act(/** @type {HTMLElement} */ part) {
  const name = Object.keys(actions).find((action) => action in part.dataset);
  if (!name || part.ariaBusy === "true") return;
  if (part.dataset.sure && !confirm(part.dataset.sure)) return;
  part.ariaBusy = "true";
  try {
    await actions[name](part);
    if (!STILL.includes(name)) refreshSoon();
  } catch (error) {
    say(/** @type {Error} */ (error).message);
  } finally {
    part.ariaBusy = "false";
  }
}

document.addEventListener("click", (event) => {
  const part = /** @type {Element} */ (event.target).closest("button");
  if (part) act(part);
});
document.addEventListener("change", (event) => {
  const part = /** @type {HTMLElement} */ (event.target);
  if (part.matches("[data-watch]")) act(part);
});
document.addEventListener("submit", async (event) => {
  const form = /** @type {HTMLFormElement} */ (event.target);
  if (!form.matches("[data-add-folder]")) return;
  event.preventDefault();
  try {
    const fields = new FormData(form);
    const path = String(fields.get("path")).trim();
    await post("/api/folders", { path, watch: fields.has("watch") });
    form.reset();
    say(t("{folder} is one of the folders now.", { folder: path }));
    location.reload();
  } catch (error) {
    say(/** @type {Error} */ (error).message);
  }
});

/* ---- keys ----------------------------------------------------------------------------------- */

/** Whether a key press is meant for a field. */
export function typing(/** @type {KeyboardEvent} */ event) {
  const target = /** @type {HTMLElement} */ (event.target);
  return (
    target.matches("textarea, select, [contenteditable]") ||
    (target.matches("input") && !target.matches('[type="range"], [type="checkbox"], [type="radio"]'))
  );
}

addEventListener("keydown", (event) => {
  if (event.key === "?" && !typing(event) && !event.ctrlKey && !event.metaKey) {
    event.preventDefault();
    const help = byId("help");
    help.open ? help.close() : help.showModal();
  }
});
for (const sheet of document.querySelectorAll("dialog.sheet")) {
  sheet.addEventListener(
    "click",
    (event) => event.target === sheet && /** @type {HTMLDialogElement} */ (sheet).close(),
  );
}

/* ---- parts that stay live ------------------------------------------------------------------- */

let timer = 0;
let refreshing = false;

/** Show soon what the server says by now. */
export function refreshSoon() {
  if (!timer) timer = window.setTimeout(refresh, 300);
}

async function refresh() {
  timer = 0;
  if (refreshing) return void refreshSoon();
  refreshing = true;
  try {
    const answer = await fetch(location.pathname, { headers: { Accept: "text/html" } });
    if (!answer.ok) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    document.title = fresh.title;
    for (const part of document.querySelectorAll("[data-live]"))
      swap(/** @type {HTMLElement} */ (part), fresh.getElementById(part.id));
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
  const focused = part.contains(document.activeElement)
    ? nameOf(/** @type {Element} */ (document.activeElement))
    : null;
  const open = part.querySelector("details")?.open ?? false;
  part.replaceChildren(...document.importNode(fresh, true).childNodes);
  if (open) part.querySelector("details")?.setAttribute("open", "");
  if (focused)
    /** @type {HTMLElement | undefined} */ (
      [...part.querySelectorAll("button, summary, a, input")].find((item) => nameOf(item) === focused)
    )?.focus();
}

function nameOf(/** @type {Element} */ item) {
  return item.getAttribute("aria-label") ?? item.textContent;
}

/* ---- drafts of what is being made ------------------------------------------------------------ */

/** @type {Map<string, Promise<string>>} a render's draft, asked for once */
const drafts = new Map();

/** Show drafts where the page has room for them; the photo stays where there is none. */
async function showDrafts() {
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  for (const video of document.querySelectorAll("video[data-draft]:not([src])")) {
    const shown = /** @type {HTMLVideoElement} */ (video);
    const id = shown.dataset.draft ?? "";
    if (!drafts.has(id))
      drafts.set(
        id,
        post(`/api/renders/${quoted(id)}/draft`).then(({ file }) => file),
      );
    try {
      shown.src = await /** @type {Promise<string>} */ (drafts.get(id));
      if (!still) await shown.play();
    } catch {
      /* It was replaced meanwhile, or its photo cannot be read: the queue says so. */
    }
  }
}
showDrafts();

/* ---- events --------------------------------------------------------------------------------- */

hear((event) => {
  const row =
    event.kind === "render" &&
    /** @type {HTMLElement | null} */ (document.querySelector(`[data-render="${CSS.escape(event.id)}"]`));
  if (row && row.dataset.state === "running" && event.state === "running") {
    const bar = row.querySelector("progress");
    const eta = row.querySelector("[data-eta]");
    if (bar) bar.value = event.progress;
    if (eta && event.eta_s != null) eta.textContent = left(event.eta_s);
    const preview = /** @type {HTMLImageElement | null} */ (row.querySelector("[data-preview]"));
    const now = Math.floor(Date.now() / 2000);
    if (preview && preview.dataset.at !== String(now)) {
      preview.dataset.at = String(now);
      preview.src = `/api/renders/${quoted(event.id)}/preview?at=${now}`;
    }
  } else if (event.kind !== "verdict") {
    refreshSoon();
  }
});

/* ---- colours -------------------------------------------------------------------------------- */

const theme = localStorage.getItem("afterframe-theme");
if (theme) document.documentElement.dataset.theme = theme;
export { data };
