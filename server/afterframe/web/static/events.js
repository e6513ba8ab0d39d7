// @ts-check
/** What happens, as it happens. All tabs of a browser share one stream; where they cannot, each asks now and then. */
import { byId, data, t } from "./words.js";

const ASK_MS = 3000;
/** @type {Set<(event: any) => void>} */
const hearers = new Set();
let cursor = data.cursor;

/** Be told of every event from when the page was made. @param {(event: any) => void} hearer */
export function hear(hearer) {
  hearers.add(hearer);
}

function tell(/** @type {any} */ event) {
  if (event.cursor <= cursor && event.kind !== "reset") return; // another tab's past
  cursor = event.cursor;
  for (const hearer of hearers) hearer(event);
}

function live(/** @type {boolean} */ is) {
  const mark = byId("live");
  if (!mark) return;
  const was = mark.dataset.is;
  mark.dataset.is = is ? "yes" : "no";
  mark.textContent = is ? t("live") : t("not live");
  if (is && was === "lost") for (const hearer of hearers) hearer({ kind: "back" });
  if (!is && was === "yes") mark.dataset.is = "lost";
  if (!is && was === "lost") mark.dataset.is = "lost";
}

function share() {
  const worker = new SharedWorker("/static/events-worker.js", "afterframe");
  worker.onerror = poll;
  worker.port.onmessage = ({ data: message }) => {
    if (message.kind === "alive") live(message.is);
    else tell(message.event);
  };
  worker.port.postMessage({ kind: "hello", cursor });
  addEventListener("pagehide", () => worker.port.postMessage({ kind: "bye" }));
  addEventListener("pageshow", (event) => event.persisted && worker.port.postMessage({ kind: "hello", cursor }));
}

async function poll() {
  if (!document.hidden) {
    try {
      const answer = await (await fetch(`/api/events?since=${cursor}`)).json();
      live(true);
      if (answer.reset) tell({ kind: "reset", cursor: answer.cursor });
      answer.events.forEach(tell);
    } catch {
      live(false);
    }
  }
  setTimeout(poll, ASK_MS);
}

if (byId("live")) "SharedWorker" in window ? share() : poll();
