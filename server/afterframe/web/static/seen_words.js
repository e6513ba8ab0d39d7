// @ts-check
/** What was seen in a photo, in words, and where it lies in the picture that is shown. */
import { percent } from "./clip_facts.js";
import { t } from "./i18n.js";

/** @typedef {NonNullable<import("./api.js").Schemas["MaybeSeen"]>} Seen */
/** @typedef {{x: number, y: number, width: number, height: number}} Box in shares of a picture */
/** @typedef {{kind: string, label: string, box: Box}} Mark */

const OWN = {
  face: "face",
  head: "head, turned away",
  subject: "Subject",
  horizon: "Horizon",
  indoors: "a room",
  people: "people",
};

/** The name of what was seen, in the reader's language. @param {string} label */
export function nameOf(label) {
  return t(OWN[/** @type {keyof typeof OWN} */ (label)] ?? label);
}

/**
 * What was seen, as rows of a name and where it lies.
 * @param {Seen} seen
 * @returns {import("./clip_facts.js").Row[]}
 */
export function seenRows(seen) {
  const rows = [...seen.faces, ...seen.things].map((one) =>
    row(nameOf(one.label), placeOf(one), sizeOf(one), t("{n} sure", { n: percent(one.confidence) })),
  );
  if (seen.subject) rows.push(row(nameOf("subject"), placeOf(seen.subject), sizeOf(seen.subject)));
  if (seen.horizon != null) rows.push(row(nameOf("horizon"), t("{n} below the top", { n: percent(seen.horizon) })));
  if (seen.sure_of.length) rows.push(row(t("Surely in it"), seen.sure_of.map(nameOf).join(", ")));
  if (!rows.length) rows.push(row("", t("Nothing that could be named.")));
  return [
    ...rows,
    row(t("Seen by"), seen.by_nets ? t("the two detectors") : t("OpenCV's cascades, which see faces only")),
  ];
}

/** The same in one line: how many of what. @param {Seen} seen */
export function seenLine(seen) {
  /** @type {Map<string, number>} */
  const counts = new Map();
  for (const { label } of [...seen.faces, ...seen.things]) counts.set(label, (counts.get(label) ?? 0) + 1);
  const said = [...counts].map(([label, count]) => `${count} × ${nameOf(label)}`);
  if (seen.horizon != null) said.push(nameOf("horizon"));
  return said.join(", ") || t("Nothing that could be named.");
}

/**
 * The marks to draw over a picture.
 * @param {Seen} seen
 * @param {Box} [part] the part of the photo that the picture shows; by default all of it
 * @returns {Mark[]}
 */
export function marksOf(seen, part = { x: 0, y: 0, width: 1, height: 1 }) {
  /** @type {Mark[]} */
  const marks = seen.things.map((one) => ({
    kind: one.label === "head" ? "head" : "thing",
    label: titled(one),
    box: one,
  }));
  marks.push(...seen.faces.map((one) => ({ kind: "face", label: titled(one), box: one })));
  if (seen.subject) marks.push({ kind: "subject", label: nameOf("subject"), box: seen.subject });
  if (seen.horizon != null) {
    marks.push({ kind: "horizon", label: nameOf("horizon"), box: { x: 0, y: seen.horizon, width: 1, height: 0 } });
  }
  return marks.flatMap((mark) => {
    const box = within(mark.box, part);
    return box ? [{ ...mark, box }] : [];
  });
}

/**
 * A box of the photo in shares of a part of it, as far as it lies inside.
 * @param {Box} box
 * @param {Box} part
 * @returns {Box | null}
 */
function within(box, part) {
  const [left, right] = span(box.x, box.width, part.x, part.width);
  const [top, bottom] = span(box.y, box.height, part.y, part.height);
  const outside =
    right < left || bottom < top || (box.width > 0 && right === left) || (box.height > 0 && bottom === top);
  return outside ? null : { x: left, y: top, width: right - left, height: bottom - top };
}

/** Start and end of a span in shares of another, cut at its ends. @returns {[number, number]} */
function span(
  /** @type {number} */ start,
  /** @type {number} */ length,
  /** @type {number} */ from,
  /** @type {number} */ of,
) {
  return [Math.max(0, (start - from) / of), Math.min(1, (start + length - from) / of)];
}

/** @param {Box & {label: string, confidence: number}} one */
function titled(one) {
  return `${nameOf(one.label)} ${percent(one.confidence)}`;
}

/** Where in the picture the middle of a box lies, in words. @param {Box} box */
function placeOf(box) {
  const column = third(box.x + box.width / 2);
  const row = third(box.y + box.height / 2);
  return [
    [t("upper left"), t("at the top"), t("upper right")],
    [t("left"), t("in the middle"), t("right")],
    [t("lower left"), t("at the bottom"), t("lower right")],
  ][row][column];
}

/** Which third of the picture: 0, 1 or 2. @param {number} share */
function third(share) {
  return Math.max(0, Math.min(2, Math.floor(share * 3)));
}

/** @param {Box} box */
function sizeOf(box) {
  const share = box.width * box.height;
  return t("{n} of the picture", { n: share < 0.01 ? `<${percent(0.01)}` : percent(share) });
}

/** @param {string} name @param {...string} parts */
function row(name, ...parts) {
  return { name, value: parts.join(" · "), reasons: [] };
}
