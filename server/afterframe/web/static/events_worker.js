// @ts-check
/** One event stream for every tab of this browser; each tab is a port. */
"use strict";

/** @type {Set<MessagePort>} */
const ports = new Set();
let cursor = 0;
let address = "";
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
  const values = new URLSearchParams(address.split("?")[1]);
  values.set("since", String(cursor));
  const source = new EventSource(`/api/events?${values}`);
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
    ({ address } = data);
    if (data.kind === "key") return;
    if (!stream) {
      cursor = data.cursor;
      listen();
    }
    port.postMessage({ kind: "alive", is: alive });
  };
  port.start();
});
