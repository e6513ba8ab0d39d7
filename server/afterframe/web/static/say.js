// @ts-check
/** A line at the foot of the page that says what happened, with one thing that can be done about it. */
import { byId, make } from "./words.js";

let timer = 0;

/**
 * @param {string} words
 * @param {{label: string, act: () => void}} [more]
 */
export function say(words, more) {
  const line = byId("says");
  const open = document.querySelector("dialog[open]");
  (open ?? document.body).append(line); // a modal dialog hides what lies outside it
  line.replaceChildren(make("span", { dir: "auto" }, words));
  if (more)
    line.append(
      make(
        "button",
        {
          type: "button",
          onclick: () => {
            more.act();
            line.replaceChildren();
          },
        },
        more.label,
      ),
    );
  clearTimeout(timer);
  timer = window.setTimeout(() => line.replaceChildren(), 8000);
}
