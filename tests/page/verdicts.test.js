import assert from "node:assert/strict";
import { test } from "node:test";

import { isRetryable, isRunning, isStoppable, stateName } from "../../server/afterframe/web/static/render_state.js";
import { changeOf } from "../../server/afterframe/web/static/verdicts.js";

const key = (name, more = {}) => ({ key: name, ctrlKey: false, metaKey: false, altKey: false, ...more });

test("keys pick, reject, undecide and rate", () => {
  assert.deepEqual(changeOf(key("p")), { verdict: "approved" });
  assert.deepEqual(changeOf(key("X")), { verdict: "rejected" });
  assert.deepEqual(changeOf(key("u")), { verdict: "none" });
  assert.deepEqual(changeOf(key("0")), { rating: 0 });
  assert.deepEqual(changeOf(key("5")), { rating: 5 });
});

test("other keys and commands judge nothing", () => {
  for (const event of [key("6"), key("Enter"), key("p", { ctrlKey: true }), key("1", { altKey: true })]) {
    assert.equal(changeOf(event), null);
  }
});

test("a render that is asked to stop says so, whatever its state", () => {
  assert.equal(stateName({ state: "running", cancelling: true }), "stopping");
  assert.equal(stateName({ state: "publishing", cancelling: false }), "being put in place");
});

test("what can be done follows from the state", () => {
  const states = ["queued", "running", "publishing", "done", "failed", "cancelled"];
  assert.deepEqual(states.filter(isRetryable), ["failed", "cancelled"]);
  assert.deepEqual(states.filter(isStoppable), ["queued", "running"]);
  assert.deepEqual(
    states.filter((state) => isRunning({ state })),
    ["running", "publishing"],
  );
});
