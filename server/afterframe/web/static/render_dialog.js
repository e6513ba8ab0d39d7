// @ts-check
/** A render that is no clip yet: how far it is, why it failed, what can be done; and the same for many at once. */
import { get, post } from "./api.js";
import { byId, el } from "./dom.js";
import { fileName, shown, timeLeft } from "./i18n.js";
import { keyed } from "./keys.js";
import { isRetryable, isRunning, isStoppable, stateName } from "./render_state.js";

/** @typedef {import("./api.js").Render} Render */

const AT_ONCE = 500;
const dialog = byId("render", HTMLDialogElement);
/** @type {Render | null} */
let open = null;
let shownAt = 0;

/** Open a render. @param {Render} render */
export function showRender(render) {
  fill(render);
  if (!dialog.open) dialog.showModal();
}

/** Something happened to a render. @param {import("./events.js").RenderEvent} event */
export function follow(event) {
  if (!dialog.open || open?.id !== event.id) return;
  if (open.state === event.state) fill({ ...open, progress: event.progress, eta_s: event.eta_s });
  else get("/api/renders/{render_id}", { path: { render_id: event.id } }).then(fill, () => {}); // the next event brings it
}

/** @param {Render} render */
function fill(render) {
  const running = isRunning(render);
  const fresh = open?.id !== render.id || open.state !== render.state || (running && Date.now() - shownAt > 1000);
  open = render;
  byId("render-name").replaceChildren(el("bdi", { title: shown(render.photo) }, fileName(render.photo)));
  if (fresh) {
    shownAt = Date.now();
    const preview = `/api/renders/${encodeURIComponent(render.id)}/preview?at=${shownAt}`;
    byId("render-picture", HTMLImageElement).src = keyed(preview);
  }
  byId("render-state").textContent = [stateName(render), running && timeLeft(render.eta_s)].filter(Boolean).join(" · ");
  byId("render-progress").hidden = !running;
  byId("render-progress", HTMLProgressElement).value = render.progress;
  byId("render-why").hidden = !render.error && !render.note;
  byId("render-why").replaceChildren(
    shown(render.error?.message ?? render.note),
    " ",
    el("em", {}, shown(render.error?.hint ?? "")),
  );
  fillActions(render);
}

/** @param {Render} render */
function fillActions(render) {
  const retry = byId("render-retry", HTMLButtonElement);
  const cancel = byId("render-cancel", HTMLButtonElement);
  const reseed = byId("render-reseed", HTMLButtonElement);
  const clip = byId("render-clip", HTMLAnchorElement);
  retry.hidden = !isRetryable(render.state);
  retry.dataset.retry = render.id;
  cancel.hidden = !isStoppable(render.state);
  cancel.disabled = render.cancelling;
  cancel.dataset.cancel = render.id;
  reseed.hidden = render.state !== "running";
  reseed.disabled = render.cancelling;
  reseed.dataset.reseed = render.id;
  clip.hidden = !render.clip;
  clip.href = `/#${render.clip}`;
}

/** Queue those again that have ended. @param {Render[]} renders */
export async function retryMany(renders) {
  for (const ids of portions(renders.filter(({ state }) => isRetryable(state)))) {
    await post("/api/renders/retry", { body: { renders: ids } });
  }
}

/** Stop those that wait or run. @param {Render[]} renders */
export async function cancelMany(renders) {
  for (const ids of portions(renders.filter(({ state }) => isStoppable(state)))) {
    await post("/api/renders/cancel", { body: { renders: ids } });
  }
}

/** As many ids as one request takes. @param {Render[]} renders */
function* portions(renders) {
  const ids = renders.map(({ id }) => id);
  for (let from = 0; from < ids.length; from += AT_ONCE) yield ids.slice(from, from + AT_ONCE);
}
