// @ts-check
/** What lets our own page in: the session's second secret, and the key of what the browser fetches by itself. */
import { data } from "./i18n.js";

export const STORED = "afterframe-secret";
export const SECRET_HEADER = "Afterframe-Secret";
const KEY = "key";
const RENEW_MS = 10 * 60_000;
const LASTING_MS = 40 * 60_000;

let { key } = data;
let given = Date.now();
/** @type {Promise<void> | null} */
let asking = null;
/** @type {Set<() => void>} */
const listeners = new Set();

/** The header by which the daemon knows our page. @returns {Record<string, string>} */
export function secretHeader() {
  const secret = globalThis.localStorage?.getItem(STORED);
  return secret ? { [SECRET_HEADER]: secret } : {};
}

/** An address of a picture, a clip or the events, with the key that opens it. @param {string} address */
export function keyed(address) {
  if (!key) return address;
  const [path, query = ""] = address.split("?");
  const values = new URLSearchParams(query);
  values.set(KEY, key);
  return `${path}?${values}`;
}

/** Be told of every new key. @param {() => void} listener */
export function onKey(listener) {
  listeners.add(listener);
}

/** An address without its key: what it names. @param {string} address */
export function unkeyed(address) {
  const [path, query = ""] = address.split("?");
  const values = new URLSearchParams(query);
  values.delete(KEY);
  const rest = String(values); // URLSearchParams.size is younger than some iPads
  return rest ? `${path}?${rest}` : path;
}

/** Ask for a new key. Whoever asks meanwhile waits for the same one. */
function renew() {
  asking ??= ask().finally(() => {
    asking = null;
  });
  return asking;
}

async function ask() {
  const headers = { "Content-Type": "application/json", ...secretHeader() };
  try {
    const answer = await fetch("/api/keys", { method: "POST", headers, body: "{}" });
    if (!answer.ok) return;
    ({ key } = await answer.json());
    given = Date.now();
    for (const link of document.querySelectorAll("a[href*='key=']")) {
      link.setAttribute("href", keyed(link.getAttribute("href") ?? ""));
    }
    for (const listener of listeners) listener();
  } catch {
    /* The daemon is away: the next turn asks again. */
  }
}

/** A picture whose key had ended, as after a night's sleep, is asked for with a new one. @param {Event} event */
async function retry({ target: part }) {
  if (!(part instanceof HTMLImageElement || part instanceof HTMLVideoElement)) return;
  const address = part.getAttribute("src") ?? "";
  const old = new URLSearchParams(address.split("?")[1]).get(KEY);
  if (old === key && Date.now() - given > LASTING_MS) await renew();
  if (old && old !== key && part.getAttribute("src") === address) part.src = keyed(address);
}

if (key) {
  // The page's own key has done its work: what is copied from the address line names the page alone.
  const here = unkeyed(location.pathname + location.search);
  history.replaceState(history.state, "", here + location.hash);
  setInterval(renew, RENEW_MS);
  document.addEventListener("error", retry, { capture: true });
  // Another tab has logged in: the session that this key belongs to has ended.
  globalThis.addEventListener("storage", (event) => {
    if (event.key === STORED) void renew();
  });
}
