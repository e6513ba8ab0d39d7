// @ts-check
/** One event stream for every tab of this browser; each tab is a port. */
"use strict";

/** @type {Set<MessagePort>} */
const ports = new Set();
let cursor = 0;
let alive = false;
/** @type {EventSource | null} */
let stream = null;

/** @param {object} message */
function tell(message) {
  for (const port of ports) port.postMessage(message);
}

/** @param {boolean} is */
function setAlive(is) {
  alive = is;
  tell({ kind: "alive", is });
}

function listen() {
  const source = new EventSource(`/api/events?since=${cursor}`);
  source.onopen = () => setAlive(true);
  source.onmessage = (message) => {
    const event = JSON.parse(message.data);
    cursor = Math.max(cursor, event.cursor);
    tell({ kind: "event", event });
  };
  source.onerror = () => {
    setAlive(false);
    if (source.readyState === EventSource.CLOSED) setTimeout(listen, 3000);
  };
  stream = source;
}

self.addEventListener("connect", (connection) => {
  if (!(connection instanceof MessageEvent)) return;
  const [port] = connection.ports;
  ports.add(port);
  port.onmessage = ({ data }) => {
    if (data.kind === "bye") return void ports.delete(port);
    if (!stream) {
      cursor = data.cursor;
      listen();
    }
    port.postMessage({ kind: "alive", is: alive });
  };
  port.start();
});
