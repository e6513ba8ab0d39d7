// @ts-check
/** What happens, as it happens. All tabs of a browser share one stream; where they cannot, each asks now and then. */
import { get } from "./api.js";
import { findById } from "./dom.js";
import { data, t } from "./i18n.js";
import { keyed, onKey } from "./keys.js";

/** @typedef {import("./api.js").Clip} Clip */
/** @typedef {import("./api.js").Render} Render */
/** @typedef {{kind: "render"} & Pick<Render, "id" | "state" | "progress" | "eta_s" | "error">} RenderEvent */
/** @typedef {{kind: "verdict"} & Pick<Clip, "id" | "verdict" | "rating">} VerdictEvent */
/** @typedef {{kind: "clip"} & Pick<Clip, "id" | "photo">} ClipEvent */
/** @typedef {{kind: "reset" | "back" | "clip_gone" | "refused" | "folders" | "queue"}} OtherEvent reset, back: events were missed */
/** @typedef {RenderEvent | VerdictEvent | ClipEvent | OtherEvent} PageEvent */
/** @typedef {PageEvent & {cursor: number}} SentEvent */

const POLL_MS = 3000;
/** @type {Set<(event: PageEvent) => void>} */
const listeners = new Set();
let { cursor } = data;

/** Be told of every event from when the page was made. @param {(event: PageEvent) => void} listener */
export function subscribe(listener) {
  listeners.add(listener);
}

/** @param {PageEvent} event */
function tell(event) {
  for (const listener of listeners) listener(event);
}

/** @param {SentEvent} event */
function receive(event) {
  if (event.cursor <= cursor && event.kind !== "reset") return; // another tab's past
  cursor = event.cursor;
  tell(event);
}

/** @param {boolean} is */
function live(is) {
  const mark = findById("live");
  if (!mark) return;
  const was = mark.dataset.is;
  mark.dataset.is = is ? "yes" : was === "no" ? "no" : "lost";
  mark.textContent = is ? t("live") : t("not live");
  if (is && was === "lost") tell({ kind: "back" });
}

function share() {
  const worker = new SharedWorker("/static/events_worker.js", "afterframe");
  worker.onerror = poll;
  worker.port.onmessage = ({ data: message }) => {
    if (message.kind === "alive") live(message.is);
    else receive(message.event);
  };
  const hello = () => worker.port.postMessage({ kind: "hello", cursor, address: keyed("/api/events") });
  hello();
  onKey(() => worker.port.postMessage({ kind: "key", address: keyed("/api/events") }));
  addEventListener("pagehide", () => worker.port.postMessage({ kind: "bye" }));
  addEventListener("pageshow", (event) => event.persisted && hello());
}

async function poll() {
  if (!document.hidden) {
    try {
      const answer = await get("/api/events", { query: { since: cursor } });
      live(true);
      if (answer.reset) receive({ kind: "reset", cursor: answer.cursor });
      for (const event of answer.events) receive(/** @type {SentEvent} */ (event)); // its kind says what else it has
    } catch {
      live(false);
    }
  }
  setTimeout(poll, POLL_MS);
}

if (findById("live")) {
  if ("SharedWorker" in window) share();
  else poll();
}
