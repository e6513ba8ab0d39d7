// One event stream for every tab of this browser; each tab is a port.
"use strict";

const ports = new Set();
let cursor = 0;
let alive = false;
let stream = null;

function tell(message) {
  for (const port of ports) port.postMessage(message);
}

function setAlive(is) {
  alive = is;
  tell({ kind: "alive", is });
}

function listen() {
  stream = new EventSource(`/api/events?since=${cursor}`);
  stream.onopen = () => setAlive(true);
  stream.onmessage = (message) => {
    const event = JSON.parse(message.data);
    cursor = Math.max(cursor, event.cursor);
    tell({ kind: "event", event });
  };
  stream.onerror = () => {
    setAlive(false);
    if (stream.readyState === EventSource.CLOSED) setTimeout(listen, 3000);
  };
}

self.onconnect = (connection) => {
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
};
