// @ts-check
/** A render that is no clip yet: how far it is, why it failed, what can be done; and the same for many at once. */
import { get, post } from "./api.js";
import { byId, fileName, left, make, shown, t } from "./words.js";

/** @typedef {{id: string, photo: string, state: string, progress: number, eta_s: number | null, cancelling: boolean, clip: string | null, note: string,
 *   error: {message: string, hint: string} | null}} Render */

const AT_ONCE = 500;
const AGAIN = ["failed", "cancelled"];
const STOPPABLE = ["queued", "running"];
const dialog = /** @type {HTMLDialogElement} */ (byId("render"));
/** @type {Render | null} */
let open = null;

/** How far a render is, in words. @param {Render} render */
export function stateName(render) {
  if (render.cancelling) return t("stopping");
  const names = {
    queued: t("waiting"),
    running: t("being made"),
    publishing: t("being put in place"),
    done: t("done"),
    failed: t("failed"),
    cancelled: t("cancelled"),
  };
  return names[/** @type {keyof typeof names} */ (render.state)] ?? render.state;
}

/** Open a render. @param {Render} render */
export function showRender(render) {
  fill(render);
  if (!dialog.open) dialog.showModal();
}

/** Something happened to a render. @param {Render} event */
export function follow(event) {
  if (!dialog.open || open?.id !== event.id) return;
  if (open.state === event.state) fill({ ...open, progress: event.progress, eta_s: event.eta_s });
  else get(`/api/renders/${encodeURIComponent(event.id)}`).then(fill, () => {}); // the next event brings it
}

/** @param {Render} render */
function fill(render) {
  const fresh = open?.id !== render.id || open.state !== render.state;
  open = render;
  const going = render.state === "running" || render.state === "publishing";
  byId("render-name").replaceChildren(make("bdi", { title: shown(render.photo) }, fileName(render.photo)));
  if (fresh) byId("render-picture").src = `/api/renders/${encodeURIComponent(render.id)}/preview`;
  byId("render-state").textContent = [stateName(render), going && left(render.eta_s)].filter(Boolean).join(" · ");
  byId("render-progress").hidden = !going;
  byId("render-progress").value = render.progress;
  byId("render-why").hidden = !render.error && !render.note;
  byId("render-why").replaceChildren(
    shown(render.error?.message ?? render.note),
    " ",
    make("em", {}, shown(render.error?.hint ?? "")),
  );
  const { retry, cancel, clip } = {
    retry: byId("render-retry"),
    cancel: byId("render-cancel"),
    clip: byId("render-clip"),
  };
  retry.hidden = !AGAIN.includes(render.state);
  retry.dataset.retry = render.id;
  cancel.hidden = !STOPPABLE.includes(render.state);
  cancel.disabled = render.cancelling;
  cancel.dataset.cancel = render.id;
  clip.hidden = !render.clip;
  clip.href = `/#${render.clip}`;
}

/** Queue those again that have ended. @param {Render[]} renders */
export function retryMany(renders) {
  return postMany("/api/renders/retry", renders, AGAIN);
}

/** Stop those that wait or run. @param {Render[]} renders */
export function cancelMany(renders) {
  return postMany("/api/renders/cancel", renders, STOPPABLE);
}

/** @param {string} address @param {Render[]} renders @param {string[]} states which of them are meant */
async function postMany(address, renders, states) {
  const ids = renders.filter(({ state }) => states.includes(state)).map(({ id }) => id);
  for (let from = 0; from < ids.length; from += AT_ONCE) {
    await post(address, { renders: ids.slice(from, from + AT_ONCE) });
  }
}
