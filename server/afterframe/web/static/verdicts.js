// @ts-check
/** Verdicts and ratings of clips, kept by the daemon; the last ones can be taken back. */
import { post } from "./api.js";
import { shown, t } from "./i18n.js";
import { toast, toastError } from "./toast.js";

/** @typedef {import("./api.js").Clip} Clip */
/** @typedef {Partial<Pick<Clip, "verdict" | "rating">>} Change */

const AT_ONCE = 50;
const MAX_UNDO = 100;
/** @type {Pick<Clip, "id" | "verdict" | "rating">[][]} */
const past = [];
/** @type {Set<(clips: Clip[]) => void>} */
const listeners = new Set();

/** Be told of clips that were judged here. @param {(clips: Clip[]) => void} listener */
export function onJudged(listener) {
  listeners.add(listener);
}

/** Judge some clips. @param {Clip[]} clips @param {Change} change */
export async function judge(clips, change) {
  if (!clips.length) return;
  past.push(clips.map(({ id, verdict, rating }) => ({ id, verdict, rating })));
  past.splice(0, past.length - MAX_UNDO);
  await send(
    clips.map((clip) => clip.id),
    change,
  );
}

/** Take the last verdict back. */
export async function undo() {
  const before = past.pop();
  if (!before) return toast(t("There is nothing to undo."));
  for (const alike of grouped(before)) {
    const [{ verdict, rating }] = alike;
    await send(
      alike.map(({ id }) => id),
      { verdict, rating },
    );
  }
  toast(
    before.length === 1
      ? t("Undone: the clip is as it was.")
      : t("Undone: {n} clips are as they were.", { n: before.length }),
  );
}

/** Those together that had the same verdict and rating. @param {Pick<Clip, "id" | "verdict" | "rating">[]} judged */
function grouped(judged) {
  /** @type {Map<string, typeof judged>} */
  const groups = new Map();
  for (const one of judged) {
    const key = `${one.verdict} ${one.rating}`;
    groups.set(key, [...(groups.get(key) ?? []), one]);
  }
  return groups.values();
}

/** @param {string[]} ids @param {Change} change */
async function send(ids, change) {
  try {
    for (let from = 0; from < ids.length; from += AT_ONCE) {
      const answer = await post("/api/clips/verdicts", { body: { clips: ids.slice(from, from + AT_ONCE), ...change } });
      for (const listener of listeners) listener(answer.clips);
      if (answer.refused.length) {
        const { message, hint } = answer.refused[0].reason;
        const more = answer.refused.length > 1 ? ` ${t("and {n} more", { n: answer.refused.length - 1 })}` : "";
        toast(`${shown(message)} ${shown(hint)}${more}`);
      }
      if (ids.length > 2 * AT_ONCE) {
        toast(t("{n} of {all} judged", { n: Math.min(from + AT_ONCE, ids.length), all: ids.length }));
      }
    }
  } catch (error) {
    toastError(error);
  }
}

/**
 * What a key does to a clip's verdict; null when it is no such key.
 * @param {Pick<KeyboardEvent, "key" | "ctrlKey" | "metaKey" | "altKey">} event
 * @returns {Change | null}
 */
export function changeOf(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return null;
  if (/^[0-5]$/.test(event.key)) return { rating: Number(event.key) };
  switch (event.key.toLowerCase()) {
    case "p":
      return { verdict: "approved" };
    case "x":
      return { verdict: "rejected" };
    case "u":
      return { verdict: "none" };
    default:
      return null;
  }
}
