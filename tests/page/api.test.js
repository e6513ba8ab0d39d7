import assert from "node:assert/strict";
import { test } from "node:test";

import { Problem, filled } from "../../server/afterframe/web/static/api.js";

test("values take the places of their names, and cannot leave them", () => {
  assert.equal(filled("/api/clips/{clip_id}/draft", { path: { clip_id: "a/b?c" } }), "/api/clips/a%2Fb%3Fc/draft");
});

test("an address without its value is never asked for", () => {
  assert.throws(() => filled("/api/clips/{clip_id}", {}), /clip_id/);
});

test("a query is an object or a choice", () => {
  assert.equal(filled("/api/events", { query: { since: 5 } }), "/api/events?since=5");
  assert.equal(filled("/api/clips", { query: new URLSearchParams({ text: "a&b" }) }), "/api/clips?text=a%26b");
  assert.equal(filled("/api/clips", { query: new URLSearchParams() }), "/api/clips");
});

test("a problem says what went wrong and what helps", () => {
  const problem = new Problem({ code: "no_photo", message: "There is none.", hint: "Send one." }, 400);
  assert.equal(problem.message, "There is none. Send one.");
  assert.deepEqual([problem.code, problem.status], ["no_photo", 400]);
});
