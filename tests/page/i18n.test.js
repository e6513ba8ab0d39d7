import assert from "node:assert/strict";
import { afterEach, test } from "node:test";

import {
  bytes,
  data,
  dayName,
  fileName,
  folderName,
  lastPart,
  shown,
  t,
  timeLeft,
} from "../../server/afterframe/web/static/i18n.js";

afterEach(() => Object.assign(data, { words: {}, language: "en", videos: "" }));

test("a sentence is said in the reader's language with its values", () => {
  data.words = { "{n} of {all}": "{n} von {all}" };
  assert.equal(t("{n} of {all}", { n: 3, all: 10 }), "3 von 10");
  assert.equal(t("{n} selected", { n: 0 }), "0 selected");
  assert.equal(t("a {name} that nobody gave"), "a {name} that nobody gave");
});

test("invisible characters of a name are shown", () => {
  assert.equal(shown("a\nb\u0000c\u007fd\u2028e\ud800"), "a␊b␀c\ufffdd\ufffde\ufffd");
  assert.equal(shown("naïve 朝 🌅"), "naïve 朝 🌅");
});

test("the last part of a path is that of any operating system", () => {
  assert.equal(lastPart("/photos/a.jpg"), "a.jpg");
  assert.equal(lastPart("C:\\Photos\\b.jpg"), "b.jpg");
  assert.equal(fileName("/photos/a\nb.jpg"), "a␊b.jpg");
});

test("the folder of the Videos protocol has a name of its own", () => {
  data.videos = "/home/uploads";
  assert.equal(folderName("/home/uploads"), "Made through the Videos protocol");
  assert.equal(folderName("/photos/Paris"), "Paris");
});

test("time left is told roughly, as the server tells it", () => {
  assert.equal(timeLeft(null), "");
  assert.equal(timeLeft(3), "a few seconds left");
  assert.equal(timeLeft(44), "about 40 s left");
  assert.equal(timeLeft(150), "about 3 min left");
  assert.equal(timeLeft(7200), "about 2.0 h left");
});

test("bytes have their unit", () => {
  assert.equal(bytes(0), "0 B");
  assert.equal(bytes(999), "999 B");
  assert.equal(bytes(1500), "2 kB");
  assert.equal(bytes(2_345_678), "2.3 MB");
  assert.equal(bytes(3e15), "3,000 TB");
});

test("a day is the same day in every time zone", () => {
  assert.match(dayName("2026-03-14"), /14/);
  assert.match(dayName("2026-03-14"), /2026/);
});
