import assert from "node:assert/strict";
import { test } from "node:test";

import {
  choiceOf,
  dependsOnVerdicts,
  furtherFields,
  isUnfinished,
  searchOf,
  sortOfUnfinished,
} from "../../server/afterframe/web/static/choice.js";

const query = (text) => new URLSearchParams(text);

test("empty fields are no choice, and spaces around words do not count", () => {
  const fields = [
    ["text", "  two boats "],
    ["camera", ""],
    ["lens", "  "],
    ["rating", "3"],
  ];
  assert.equal(String(choiceOf(fields)), "text=two+boats&rating=3");
});

test("only a state leads to renders that are no clip yet", () => {
  assert.ok(isUnfinished(query("state=failed")));
  assert.ok(!isUnfinished(query("verdict=none")));
});

test("a list depends on verdicts when it is chosen or sorted by them", () => {
  for (const text of ["verdict=none", "rating=3", "sort=rating"]) assert.ok(dependsOnVerdicts(query(text)), text);
  for (const text of ["", "sort=taken", "text=rating"]) assert.ok(!dependsOnVerdicts(query(text)), text);
});

test("the address leaves the usual order out, and says nothing of no choice", () => {
  assert.equal(searchOf(query("sort=made")), "");
  assert.equal(searchOf(query("sort=name&text=花")), "?sort=name&text=%E8%8A%B1");
});

test("fields under “More” are counted", () => {
  assert.equal(furtherFields(query("camera=X&since=2026-03-14&text=boat")), 2);
});

test("renders without a rating are not sorted by it", () => {
  assert.equal(sortOfUnfinished("rating"), "made");
  assert.equal(sortOfUnfinished("taken"), "taken");
});
