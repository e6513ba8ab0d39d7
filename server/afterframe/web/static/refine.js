// @ts-check
/** Another clip of the same photo: sliders, a draft of what they do, and the order for the real one. */
import { post } from "./api.js";
import { say } from "./say.js";
import { byId, t } from "./words.js";

/** @typedef {import("./verdicts.js").Clip} Clip */

const DRAFT_AFTER_MS = 250;
const form = /** @type {HTMLFormElement} */ (byId("refine"));
const UNITS = {
  motion_intensity: percent,
  style_consistency: percent,
  duration_s: (/** @type {number} */ value) => `${value} s`,
};
/** @type {Clip | null} */
let clip = null;
let timer = 0;
/** @type {AbortController | null} */
let asked = null;
/** @type {(file: string | null, words: string) => void} */
let showDraft = () => {};

function percent(/** @type {number} */ share) {
  return `${Math.round(share * 100)} %`;
}

const field = (/** @type {string} */ name) => /** @type {any} */ (form.elements.namedItem(name));

/** Show a clip's own values. @param {Clip} shownClip */
export function fillRefine(shownClip) {
  clip = shownClip;
  clearTimeout(timer);
  asked?.abort();
  const { recipe } = clip;
  for (const name of ["prompt", "motion_intensity", "duration_s", "style_consistency", "camera_movement", "direction"])
    field(name).value = recipe[name];
  field("loop").checked = recipe.loop;
  field("newseed").checked = false;
  const maker = field("generator");
  maker.value = clip.generator;
  if (!maker.value) maker.selectedIndex = 0;
  byId("draft-says").textContent = "";
  tellValues();
}

function tellValues() {
  for (const [name, unit] of Object.entries(UNITS)) {
    const output = form.querySelector(`[data-for="${name}"]`);
    if (output) output.textContent = unit(Number(field(name).value));
  }
}

/** What the form says that the clip does not. @returns {Record<string, unknown>} */
function changes() {
  if (!clip) return {};
  /** @type {Record<string, unknown>} */
  const found = {};
  const { recipe } = clip;
  const close = (/** @type {string} */ name) =>
    Math.abs(Number(field(name).value) - recipe[name]) < Number(field(name).step) / 2 + 1e-9;
  for (const name of ["motion_intensity", "duration_s", "style_consistency"])
    if (!close(name)) found[name] = Number(field(name).value);
  for (const name of ["camera_movement", "direction"])
    if (field(name).value !== recipe[name]) found[name] = field(name).value;
  if (field("prompt").value.trim() !== recipe.prompt.trim()) found.prompt = field("prompt").value.trim();
  if (field("loop").checked !== recipe.loop) found.loop = field("loop").checked;
  if (field("newseed").checked) found.seed = newSeed(recipe.seed);
  return found;
}

/** Another seed, the same one for draft and clip. @param {number} seed */
function newSeed(seed) {
  field("newseed").dataset.seed ||= String((seed + 1 + Math.floor(Math.random() * 2 ** 30)) % 2 ** 31);
  return Number(field("newseed").dataset.seed);
}

async function draft() {
  if (!clip) return;
  const wanted = changes();
  delete wanted.prompt; // a draft cannot show words
  asked?.abort();
  if (!Object.keys(wanted).length) return showDraft(null, "");
  asked = new AbortController();
  const { signal } = asked;
  byId("draft-says").textContent = t("Making a draft …");
  try {
    const { file } = await post(`/api/clips/${clip.id}/draft`, { changes: wanted }, signal);
    showDraft(file, t("Draft"));
    byId("draft-says").textContent = t(
      "The draft shows camera, length and amount of motion, small and without a model's own movement.",
    );
  } catch (error) {
    if (!signal.aborted) byId("draft-says").textContent = /** @type {Error} */ (error).message;
  }
}

/** @param {(file: string | null, words: string) => void} shows shows a draft's file in place of the clip, or the clip again */
export function onDraft(shows) {
  showDraft = shows;
}

form.addEventListener("input", () => {
  tellValues();
  clearTimeout(timer);
  timer = window.setTimeout(draft, DRAFT_AFTER_MS);
});
form.addEventListener("reset", (event) => {
  event.preventDefault();
  if (clip) fillRefine(clip);
  showDraft(null, "");
});
form.addEventListener("submit", async (event) => {
  event.preventDefault();
  if (!clip) return;
  const wanted = changes();
  const generator = field("generator").value;
  if (!Object.keys(wanted).length && generator === clip.generator) wanted.seed = newSeed(clip.recipe.seed);
  if (!Object.keys(wanted).length) wanted.seed = clip.recipe.seed;
  field("newseed").dataset.seed = "";
  await another(clip, wanted, generator);
});

/** Order another clip. @param {Clip} parent @param {Record<string, unknown>} wanted @param {string} [generator] */
export async function another(parent, wanted, generator) {
  try {
    await post(`/api/clips/${parent.id}/refine`, { changes: wanted, ...(generator ? { generator } : {}) });
    say(t("Another clip is being made. It appears among the variants."));
  } catch (error) {
    say(/** @type {Error} */ (error).message);
  }
}

/** A whole number that a clip has not been made with. @param {Clip} parent */
export const anotherSeed = (parent) => ({ seed: (parent.seed + 1 + Math.floor(Math.random() * 2 ** 30)) % 2 ** 31 });
