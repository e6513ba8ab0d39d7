// @ts-check
/** A line at the foot of the page that says what happened, with one thing that can be done about it. */
import { byId, el } from "./dom.js";

const SHOWN_MS = 8000;
let timer = 0;

/**
 * @param {string} words
 * @param {{label: string, act: () => void}} [offer] what can be done about it
 */
export function toast(words, offer) {
  const line = byId("says");
  const open = document.querySelector("dialog[open]");
  (open ?? document.body).append(line); // a modal dialog hides what lies outside it
  line.replaceChildren(el("span", { dir: "auto" }, words));
  if (offer) {
    const act = () => {
      offer.act();
      line.replaceChildren();
    };
    line.append(el("button", { type: "button", onclick: act }, offer.label));
  }
  clearTimeout(timer);
  timer = window.setTimeout(() => line.replaceChildren(), SHOWN_MS);
}

/** Say why something did not work. @param {unknown} error */
export function toastError(error) {
  toast(messageOf(error));
}

/** An error in words. @param {unknown} error */
export function messageOf(error) {
  return error instanceof Error ? error.message : String(error);
}
