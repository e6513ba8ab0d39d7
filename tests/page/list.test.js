import assert from "node:assert/strict";
import { test } from "node:test";

import { CHUNK, List } from "../../server/afterframe/web/static/list.js";

/** A list of so many clips, whose answers come when the test says so. */
class FakeSource {
  constructor(total) {
    this.total = total;
    this.asked = [];
    this.held = null;
  }

  outline = async () => ({ total: this.total, groups: [{ count: this.total }] });

  page = async (choice, skip, limit, signal) => {
    this.asked.push(skip);
    await this.held;
    signal.throwIfAborted();
    const count = Math.max(0, Math.min(limit, this.total - skip));
    return Array.from({ length: count }, (_, n) => ({ id: `${choice.get("text") ?? ""}${skip + n}`, file: "f" }));
  };
}

function listOf(source, places = () => []) {
  const failures = [];
  const list = new List(
    () => {},
    (error) => failures.push(error),
    places,
    () => source,
  );
  return { list, failures };
}

/** Let every answer that is due arrive. */
const settled = () => new Promise((done) => setImmediate(done));

test("a choice asks for its outline and its first items at once", async () => {
  const source = new FakeSource(1000);
  const { list } = listOf(source);
  await list.choose(new URLSearchParams());
  assert.equal(list.total, 1000);
  assert.equal(list.at(0).id, "0");
  assert.equal(list.at(CHUNK), undefined);
});

test("what is in sight is asked for from its middle outwards, a few at a time", async () => {
  const source = new FakeSource(100 * CHUNK);
  const { list } = listOf(source);
  await list.choose(new URLSearchParams());
  source.asked = [];
  source.held = new Promise(() => {});
  list.want(10 * CHUNK, 15 * CHUNK);
  assert.deepEqual(
    source.asked,
    [12, 11, 13].map((number) => number * CHUNK),
  );
});

test("what has left the sight is no longer asked for", async () => {
  const source = new FakeSource(100 * CHUNK);
  const { list, failures } = listOf(source);
  await list.choose(new URLSearchParams());
  let go;
  source.held = new Promise((done) => (go = done));
  list.want(10 * CHUNK, 11 * CHUNK);
  list.want(50 * CHUNK, 51 * CHUNK);
  go();
  await settled();
  assert.equal(list.at(10 * CHUNK), undefined);
  assert.equal(list.at(50 * CHUNK).id, String(50 * CHUNK));
  assert.deepEqual(failures, []);
});

test("an answer to an earlier choice changes nothing", async () => {
  const source = new FakeSource(10);
  const { list } = listOf(source);
  const early = list.choose(new URLSearchParams({ text: "old" }));
  await list.choose(new URLSearchParams({ text: "new" }));
  await early;
  assert.equal(list.at(0).id, "new0");
});

test("a refresh keeps what is shown until the answer is there", async () => {
  const source = new FakeSource(10);
  const { list } = listOf(source);
  await list.choose(new URLSearchParams());
  const again = list.refresh();
  assert.equal(list.at(3).id, "3");
  await again;
  assert.equal(list.at(3).id, "3");
});

test("after a refresh nothing of the list as it was is left, and where somebody is is known", async () => {
  const source = new FakeSource(10 * CHUNK);
  const { list } = listOf(source, () => [7 * CHUNK, 7 * CHUNK + 1]);
  await list.choose(new URLSearchParams());
  await list.find(3 * CHUNK);
  list.want(5 * CHUNK, 5 * CHUNK + 10);
  await settled();
  source.asked = [];
  await list.refresh();
  assert.deepEqual([...source.asked].sort(), [5 * CHUNK, 7 * CHUNK]);
  assert.equal(list.at(3 * CHUNK), undefined);
  assert.equal(list.at(7 * CHUNK).id, String(7 * CHUNK));
});

test("a refresh that another one overtakes changes nothing", async () => {
  const source = new FakeSource(10);
  const { list, failures } = listOf(source);
  await list.choose(new URLSearchParams());
  const first = list.refresh();
  source.total = 20;
  await Promise.all([first, list.refresh()]);
  assert.equal(list.total, 20);
  assert.deepEqual(failures, []);
});

test("only the items that were looked at lately are kept", async () => {
  const source = new FakeSource(200 * CHUNK);
  const { list } = listOf(source);
  await list.choose(new URLSearchParams());
  list.want(99 * CHUNK, 100 * CHUNK);
  for (let number = 0; number < 100; number += 1) await list.find(number * CHUNK);
  assert.equal(list.chunks.size, 60);
  assert.equal(list.at(0), undefined);
  assert.equal(list.indexOf(String(99 * CHUNK + 5)), 99 * CHUNK + 5);
  assert.equal(list.indexOf("0"), -1);
});

test("an item that changed takes the place of what was known of it", async () => {
  const { list } = listOf(new FakeSource(10));
  await list.choose(new URLSearchParams());
  list.replace([{ id: "4", file: "f", rating: 5 }]);
  assert.equal(list.at(4).rating, 5);
});

test("what follows an item is known by its ids, wherever it stands by now", async () => {
  const { list } = listOf(new FakeSource(10));
  await list.choose(new URLSearchParams());
  assert.deepEqual(list.idsFrom(7), ["7", "8", "9"]);
  assert.equal(list.firstOf(["gone", "8", "9"]), 8);
  assert.equal(list.firstOf(["gone"]), -1);
});
