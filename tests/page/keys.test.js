import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { data } from "../../server/afterframe/web/static/i18n.js";

data.key = "a.b-c_d";
// What the module does once the page is there: it tidies the address line and listens for pictures that fail
// and for other tabs that log in.
globalThis.location = { pathname: "/queue", search: "?state=failed&key=old", hash: "#x" };
const tidied = [];
globalThis.history = { state: null, replaceState: (...given) => tidied.push(given[2]) };
globalThis.document = { addEventListener: () => {} };
globalThis.addEventListener = () => {};
const interval = globalThis.setInterval;
globalThis.setInterval = () => 0;
const { keyed, secretHeader, unkeyed } = await import("../../server/afterframe/web/static/keys.js");
globalThis.setInterval = interval;

afterEach(() => {
  delete globalThis.localStorage;
});

test("an address gets the key, whatever else it asks for", () => {
  assert.equal(keyed("/api/clips/x/file"), "/api/clips/x/file?key=a.b-c_d");
  assert.equal(keyed("/api/clips/x/poster?size=small"), "/api/clips/x/poster?size=small&key=a.b-c_d");
});

test("a key takes the place of an older one", () => {
  assert.equal(keyed("/api/drafts/x?key=old"), "/api/drafts/x?key=a.b-c_d");
});

test("a path in an address stays what it is", () => {
  const address = `/api/photos/picture?path=${encodeURIComponent("/Fotos & mehr/100%? 花.jpg")}`;
  const values = new URLSearchParams(keyed(address).split("?")[1]);
  assert.equal(values.get("path"), "/Fotos & mehr/100%? 花.jpg");
  assert.equal(unkeyed(keyed(address)).split("?")[0], "/api/photos/picture");
});

test("without its key an address names what it did before", () => {
  assert.equal(unkeyed("/?verdict=none&key=old"), "/?verdict=none");
  assert.equal(unkeyed("/queue?key=old"), "/queue");
  assert.equal(unkeyed("/queue"), "/queue");
});

test("the address line shows no key", () => {
  assert.deepEqual(tidied, ["/queue?state=failed#x"]);
});

test("the secret comes from this origin's storage alone", () => {
  assert.deepEqual(secretHeader(), {});
  globalThis.localStorage = { getItem: (name) => (name === "afterframe-secret" ? "s3cret" : null) };
  assert.deepEqual(secretHeader(), { "Afterframe-Secret": "s3cret" });
});
