"use strict";

/* The page is rendered by the server. This file keeps it alive: one event stream for all tabs, and the buttons. */

const main = document.querySelector("main");
const says = document.getElementById("says");
let saysTimer = 0;

function say(words) {
  says.textContent = words;
  clearTimeout(saysTimer);
  saysTimer = setTimeout(() => { says.textContent = ""; }, 8000);
}

async function ask(address, body) {
  let answer;
  try {
    answer = await fetch(address, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
  } catch {
    throw new Error("Afterframe does not answer. Is it still running?");
  }
  const data = await answer.json();
  if (!answer.ok) throw new Error([data.error.message, data.error.hint].filter(Boolean).join(" "));
  return data;
}

/* ---- buttons -------------------------------------------------------------------------------- */

function showVerdict(card, verdict, rating) {
  const part = card.querySelector("[data-part=verdict]");
  part.dataset.verdict = verdict;
  part.dataset.rating = String(rating);
  for (const button of part.querySelectorAll("[data-judge]")) {
    button.setAttribute("aria-pressed", String(button.dataset.judge === verdict));
  }
  for (const button of part.querySelectorAll("[data-rate]")) {
    const stars = Number(button.dataset.rate);
    button.classList.toggle("lit", stars <= rating);
    button.setAttribute("aria-pressed", String(stars === rating));
  }
}

async function judge(button) {
  const card = button.closest("[data-clip]");
  const now = button.closest("[data-part=verdict]").dataset;
  const change = button.dataset.judge
    ? { verdict: now.verdict === button.dataset.judge ? "none" : button.dataset.judge }
    : { rating: Number(now.rating) === Number(button.dataset.rate) ? 0 : Number(button.dataset.rate) };
  const clip = await ask(`/api/clips/${encodeURIComponent(card.dataset.clip)}/verdict`, change);
  showVerdict(card, clip.verdict, clip.rating);
}

const actions = [
  ["[data-judge], [data-rate]", judge],
  ["[data-cancel]", (button) => ask(`/api/renders/${encodeURIComponent(button.dataset.cancel)}/cancel`, {})],
  ["[data-retry]", (button) => ask(`/api/renders/${encodeURIComponent(button.dataset.retry)}/retry`, {})],
  ["[data-pause]", (button) => ask("/api/queue", { paused: button.dataset.pause === "true" })],
  ["[data-confirm]", (button) => ask("/api/folders", { path: JSON.parse(button.dataset.confirm), confirm_backlog: true })],
  ["[data-cancel-all]", (button) =>
    window.confirm("Cancel everything that waits or is being made?") ? ask("/api/queue", { cancel_all: true }) : null],
];

document.addEventListener("click", async (event) => {
  const button = event.target.closest("button");
  const found = button && actions.find(([selector]) => button.matches(selector));
  if (!found || button.ariaBusy === "true") return;
  button.ariaBusy = "true";
  try {
    await found[1](button);
    if (!button.matches("[data-judge], [data-rate]")) refreshSoon();
  } catch (error) {
    say(error.message);
  } finally {
    button.ariaBusy = "false";
  }
});

/* ---- what the server says now --------------------------------------------------------------- */

let refreshTimer = 0;
let refreshing = false;

function refreshSoon() {
  if (!refreshTimer) refreshTimer = setTimeout(refresh, 400);
}

async function refresh() {
  refreshTimer = 0;
  if (refreshing) return void refreshSoon();
  refreshing = true;
  try {
    const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
    if (!answer.ok) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    document.title = fresh.title;
    for (const part of document.querySelectorAll("[data-live]")) swap(part, fresh.getElementById(part.id));
    addClips(fresh);
  } catch {
    /* The stream's own retry brings the next refresh. */
  } finally {
    refreshing = false;
  }
}

/** Put a part's new content in place; what is open stays open, what has the focus keeps it. */
function swap(part, fresh) {
  if (!fresh || fresh.innerHTML === part.innerHTML) return;
  const focused = part.contains(document.activeElement) ? nameOf(document.activeElement) : null;
  const open = part.querySelector("details")?.open ?? false;
  part.replaceChildren(...document.importNode(fresh, true).childNodes);
  if (open) part.querySelector("details")?.setAttribute("open", "");
  if (focused) [...part.querySelectorAll("button, summary")].find((item) => nameOf(item) === focused)?.focus();
}

function nameOf(item) {
  return item.getAttribute("aria-label") ?? item.textContent;
}

/** New clips come first; those on the page stay as they are, so that nothing that plays begins anew. */
function addClips(fresh) {
  const list = document.getElementById("clips");
  const newest = [...fresh.querySelectorAll("[data-clip]")];
  const known = new Map([...list.children].map((card) => [card.dataset.clip, card]));
  for (const card of newest) {
    const part = card.querySelector("[data-part=verdict]").dataset;
    const here = known.get(card.dataset.clip);
    if (here) showVerdict(here, part.verdict, Number(part.rating));
  }
  if (main.dataset.first === "yes") {
    const added = newest.filter((card) => !known.has(card.dataset.clip)).map((card) => document.importNode(card, true));
    list.prepend(...added);
    if (added.length) say(added.length === 1 ? "A new clip is there." : `${added.length} new clips are there.`);
  }
  document.getElementById("empty").hidden = list.children.length > 0;
}

/* ---- events --------------------------------------------------------------------------------- */

function left(seconds) {
  if (seconds == null) return "being made";
  if (seconds < 10) return "a few seconds left";
  if (seconds < 90) return `about ${Math.round(seconds / 10) * 10} s left`;
  return seconds < 5400 ? `about ${Math.round(seconds / 60)} min left` : `about ${(seconds / 3600).toFixed(1)} h left`;
}

function take(event) {
  const row = event.kind === "render" && document.querySelector(`[data-render="${CSS.escape(event.id)}"]`);
  const card = ["verdict", "clip_gone"].includes(event.kind) && document.querySelector(`[data-clip="${CSS.escape(event.id)}"]`);
  if (row && row.dataset.state === "running" && event.state === "running") {
    row.querySelector("progress").value = event.progress;
    row.querySelector("[data-eta]").textContent = left(event.eta_s);
  } else if (event.kind === "verdict") {
    if (card) showVerdict(card, event.verdict, event.rating);
  } else if (event.kind === "clip_gone") {
    card?.remove();
  } else {
    refreshSoon();
  }
}

const channel = "BroadcastChannel" in window ? new BroadcastChannel("afterframe-events") : null;
let cursor = Number(main?.dataset.cursor ?? 0);

let isLive = false;

function live(is) {
  isLive = is;
  document.getElementById("live").textContent = is ? "live" : "not live";
}

function hear(event, shared) {
  if (event.kind === "alive") return live(event.is);
  if (event.kind === "hello") return void (isLive && channel?.postMessage({ kind: "alive", is: true }));
  cursor = Math.max(cursor, event.cursor ?? 0);
  live(true);
  take(event);
  if (shared) channel?.postMessage(event);
}

function listen() {
  const stream = new EventSource(`/api/events?since=${cursor}`);
  const alive = (is) => { live(is); channel?.postMessage({ kind: "alive", is }); };
  stream.onopen = () => alive(true);
  stream.onmessage = (message) => hear(JSON.parse(message.data), true);
  stream.onerror = () => {
    alive(false);
    if (stream.readyState === EventSource.CLOSED) setTimeout(listen, 10_000);
  };
}

if (main && document.getElementById("live")) {
  if (channel) {
    channel.onmessage = (message) => hear(message.data, false);
    channel.postMessage({ kind: "hello" });
  }
  /* One tab holds the lock and the stream; when it is closed, the next one takes over. Plain http to
     another machine has no locks: there each tab has a stream of its own. */
  if (channel && navigator.locks) navigator.locks.request("afterframe-events", () => { listen(); return new Promise(() => {}); });
  else listen();
}
