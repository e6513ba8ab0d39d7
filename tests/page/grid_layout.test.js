import assert from "node:assert/strict";
import { test } from "node:test";

import { GAP, GridLayout } from "../../server/afterframe/web/static/grid_layout.js";

const day = (count) => ({ count, made_day: "2026-03-14" });

test("tiles fill the width, at least as wide as is wanted", () => {
  for (const width of [320, 700, 1280, 3840]) {
    const layout = new GridLayout([{ count: 5 }], width, 260);
    assert.ok(Math.abs(layout.columns * (layout.width + GAP) - GAP - width) < 1e-9);
    assert.ok(layout.width >= Math.min(260, (width - GAP) / 2));
  }
});

test("a phone has two columns at least", () => {
  assert.equal(new GridLayout([{ count: 5 }], 320, 520).columns, 2);
});

test("one group without a label has no heading", () => {
  assert.equal(new GridLayout([{ count: 5 }], 1280, 260).head, 0);
  assert.ok(new GridLayout([day(5)], 1280, 260).head > 0);
});

test("only what lies between two heights is there, also deep in a long list", () => {
  const layout = new GridLayout(
    Array.from({ length: 1000 }, () => day(100)),
    1280,
    260,
  );
  const { blocks, spots } = layout.between(layout.bottom / 2, layout.bottom / 2 + 800);
  assert.ok(blocks.length <= 2);
  assert.ok(spots.length > 0 && spots.length <= 8 * layout.columns);
  for (const { y } of spots) {
    assert.ok(y + layout.height > layout.bottom / 2 - layout.row && y < layout.bottom / 2 + 800 + layout.row);
  }
});

test("every place of a list is found exactly once", () => {
  const layout = new GridLayout([day(3), day(7), day(1)], 700, 200);
  const { spots } = layout.between(0, layout.bottom);
  assert.deepEqual(
    spots.map(({ index }) => index),
    [...Array(11).keys()],
  );
  assert.equal(new Set(spots.map(({ x, y }) => `${x} ${y}`)).size, 11);
});

test("arrow keys keep their column, also across headings", () => {
  const layout = new GridLayout([day(6), day(5)], 4 * 200 + 3 * GAP, 200);
  assert.equal(layout.columns, 4);
  assert.equal(layout.nextRow(1, 1), 5);
  assert.equal(layout.nextRow(3, 1), 5); // a shorter row ends before
  assert.equal(layout.nextRow(5, 1), 7);
  assert.equal(layout.nextRow(7, -1), 5);
  assert.equal(layout.nextRow(9, -1), 5);
  assert.equal(layout.nextRow(0, -1), 0);
  assert.equal(layout.nextRow(10, 1), 10);
});

test("a block's first row is seen with its heading", () => {
  const layout = new GridLayout([day(8), day(8)], 4 * 200 + 3 * GAP, 200);
  assert.equal(layout.span(8).top, layout.blocks[1].top);
  assert.ok(layout.span(12).top > layout.blocks[1].top + layout.head);
});

test("an empty list has nothing in sight", () => {
  const layout = new GridLayout([], 1280, 260);
  assert.deepEqual(layout.between(-1000, 1000), { blocks: [], spots: [] });
  assert.equal(layout.span(0), null);
  assert.equal(layout.nextRow(0, 1), 0);
});
