// @ts-check
/** What a render's state means: in words, and what can be done about it. */
import { t } from "./i18n.js";

/** @typedef {import("./api.js").Render} Render */

const RETRYABLE = ["failed", "cancelled"];
const STOPPABLE = ["queued", "running"];

/** How far a render is, in words. @param {Pick<Render, "state" | "cancelling">} render */
export function stateName({ state, cancelling }) {
  if (cancelling) return t("stopping");
  const names = {
    queued: t("waiting"),
    running: t("being made"),
    publishing: t("being put in place"),
    done: t("done"),
    failed: t("failed"),
    cancelled: t("cancelled"),
  };
  return names[state];
}

/** Whether a clip is being made right now. @param {Pick<Render, "state">} render */
export function isRunning({ state }) {
  return state === "running" || state === "publishing";
}

/** Whether it can be queued again. @param {string} state */
export function isRetryable(state) {
  return RETRYABLE.includes(state);
}

/** Whether it can be stopped. @param {string} state */
export function isStoppable(state) {
  return STOPPABLE.includes(state);
}
