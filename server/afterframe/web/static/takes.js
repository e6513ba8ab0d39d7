// @ts-check
/** The takes that a clip was chosen from: why each lost, to be played and to be finished after all. */
import { get } from "./api.js";
import { el } from "./dom.js";
import { shown, t } from "./i18n.js";
import { another } from "./refine.js";

/** @typedef {import("./api.js").Clip} Clip */

/**
 * Those of a clip that lost and are still kept, as parts of its strip.
 * @param {Clip} clip
 * @param {(file: string, name: string) => void} play
 * @returns {Promise<HTMLElement[]>}
 */
export async function lostTakes(clip, play) {
  if ((clip.recipe.takes ?? 1) < 2) return [];
  const { takes } = await get("/api/clips/{clip_id}/takes", { path: { clip_id: clip.id } });
  return takes
    .filter(({ taken }) => !taken)
    .map(({ number, seed, reason, file }) => {
      const name = t("take {n}", { n: number });
      return el(
        "div",
        { class: "take", role: "group", "aria-label": name },
        el(
          "button",
          { type: "button", onclick: () => play(file, name) },
          el("span", {}, name),
          el("small", { dir: "auto" }, shown(reason)),
        ),
        el(
          "button",
          {
            type: "button",
            "aria-label": t("Finish take {n}", { n: number }),
            onclick: () => another(clip, { seed, takes: 1 }),
          },
          t("Finish"),
        ),
      );
    });
}
