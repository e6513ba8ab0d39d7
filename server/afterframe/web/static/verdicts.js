// @ts-check
/** Verdicts and ratings of clips, kept by the daemon; the last ones can be taken back. */
import { post } from "./api.js";
import { say } from "./say.js";
import { shown, t } from "./words.js";

/** @typedef {{id: string, photo: string, path: string, sidecar: string, file: string, poster: string, recipe: any, seed: number, generator: string,
 *   generator_version: string, variant: number, parent: string | null, duration_s: number, verdict: string, rating: number}} Clip */
/** @typedef {{verdict?: string, rating?: number}} Change */

const AT_ONCE = 50;
const KEPT = 100;
/** @type {{id: string, verdict: string, rating: number}[][]} */
const past = [];
/** @type {Set<(clips: Clip[]) => void>} */
const hearers = new Set();

/** Be told of clips that were judged here. @param {(clips: Clip[]) => void} hearer */
export function onJudged(hearer) {
  hearers.add(hearer);
}

/** Judge some clips. @param {Clip[]} clips @param {Change} change */
export async function judge(clips, change) {
  if (!clips.length) return;
  past.push(clips.map(({ id, verdict, rating }) => ({ id, verdict, rating })));
  past.splice(0, past.length - KEPT);
  await send(
    clips.map((clip) => clip.id),
    change,
  );
}

/** Take the last verdict back. */
export async function undo() {
  const before = past.pop();
  if (!before) return say(t("There is nothing to undo."));
  /** @type {Map<string, string[]>} */
  const alike = new Map();
  for (const { id, verdict, rating } of before) {
    const key = JSON.stringify({ verdict, rating });
    alike.set(key, [...(alike.get(key) ?? []), id]);
  }
  for (const [change, ids] of alike) await send(ids, JSON.parse(change));
  say(
    before.length === 1
      ? t("Undone: the clip is as it was.")
      : t("Undone: {n} clips are as they were.", { n: before.length }),
  );
}

async function send(/** @type {string[]} */ ids, /** @type {Change} */ change) {
  try {
    for (let from = 0; from < ids.length; from += AT_ONCE) {
      const answer = await post("/api/clips/verdicts", { clips: ids.slice(from, from + AT_ONCE), ...change });
      for (const hearer of hearers) hearer(answer.clips);
      if (answer.refused.length) {
        const { message, hint } = answer.refused[0].reason;
        const more = answer.refused.length > 1 ? ` ${t("and {n} more", { n: answer.refused.length - 1 })}` : "";
        say(`${shown(message)} ${shown(hint)}${more}`);
      }
      if (ids.length > 2 * AT_ONCE)
        say(t("{n} of {all} judged", { n: Math.min(from + AT_ONCE, ids.length), all: ids.length }));
    }
  } catch (error) {
    say(/** @type {Error} */ (error).message);
  }
}

/** What a key does to a clip's verdict; null when it is no such key. @returns {Change | null} */
export function changeOf(/** @type {KeyboardEvent} */ event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return null;
  if (/^[0-5]$/.test(event.key)) return { rating: Number(event.key) };
  const verdict = { p: "approved", x: "rejected", u: "none" }[event.key.toLowerCase()];
  return verdict ? { verdict } : null;
}
