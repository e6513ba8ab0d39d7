import assert from "node:assert/strict";
import { test } from "node:test";

import { marksOf, seenLine, seenRows } from "../../server/afterframe/web/static/seen_words.js";

const FACE = { label: "face", x: 0.7, y: 0.1, width: 0.1, height: 0.2, confidence: 0.93 };
const CAT = { label: "cat", x: 0.0, y: 0.6, width: 0.3, height: 0.4, confidence: 0.81 };
const HEAD = { label: "head", x: 0.45, y: 0.45, width: 0.05, height: 0.1, confidence: 0.5 };
const SEEN = {
  words: "One person and a cat.",
  faces: [FACE],
  things: [CAT, HEAD],
  subject: { x: 0.6, y: 0, width: 0.3, height: 1 },
  horizon: 0.4,
  sure_of: ["sky", "indoors"],
  by_nets: true,
  frame: { x: 0.5, y: 0, width: 0.5, height: 1 },
};
const NOTHING = { ...SEEN, faces: [], things: [], subject: null, horizon: null, sure_of: [], by_nets: false };

test("what was seen is told with its place, its size and how sure it is", () => {
  assert.deepEqual(
    seenRows(SEEN).map(({ name, value }) => `${name}: ${value}`),
    [
      "face: upper right · 2 % of the picture · 93 % sure",
      "cat: lower left · 12 % of the picture · 81 % sure",
      "head, turned away: in the middle · <1 % of the picture · 50 % sure",
      "Subject: right · 30 % of the picture",
      "Horizon: 40 % below the top",
      "Surely in it: sky, a room",
      "Seen by: the two detectors",
    ],
  );
  assert.equal(seenLine({ ...SEEN, things: [CAT, CAT] }), "1 × face, 2 × cat, Horizon");
});

test("a photo in which nothing was seen says so", () => {
  assert.equal(seenRows(NOTHING)[0].value, "Nothing that could be named.");
  assert.equal(seenLine(NOTHING), "Nothing that could be named.");
  assert.deepEqual(marksOf(NOTHING), []);
});

test("over the whole photo each mark lies where it was seen", () => {
  const marks = marksOf(SEEN);
  assert.deepEqual(
    marks.map(({ kind, label }) => [kind, label]),
    [
      ["thing", "cat 81 %"],
      ["head", "head, turned away 50 %"],
      ["face", "face 93 %"],
      ["subject", "Subject"],
      ["horizon", "Horizon"],
    ],
  );
  assert.deepEqual(marks.at(-1).box, { x: 0, y: 0.4, width: 1, height: 0 });
  close(marks[2].box, [0.7, 0.1, 0.1, 0.2]);
});

test("over a photo that is cropped as the clip is, marks move with it, are cut at its edges or left out", () => {
  const marks = marksOf(SEEN, SEEN.frame);
  assert.deepEqual(
    marks.map(({ kind }) => kind),
    ["face", "subject", "horizon"],
  );
  close(marks[0].box, [0.4, 0.1, 0.2, 0.2]);
  close(marks[1].box, [0.2, 0, 0.6, 1]);
  close(marksOf(SEEN, { x: 0.75, y: 0, width: 0.25, height: 0.5 })[0].box, [0, 0.2, 0.2, 0.4]);
  assert.deepEqual(
    marksOf(SEEN, { x: 0, y: 0.5, width: 1, height: 0.5 }).map(({ kind }) => kind),
    ["thing", "head", "subject"],
  );
});

function close(box, wanted) {
  const found = [box.x, box.y, box.width, box.height];
  for (const [index, value] of found.entries()) assert.ok(Math.abs(value - wanted[index]) < 1e-9, `${found}`);
}
