// @ts-check
/** Another clip of the same photo: sliders, a draft of what they do, and the order for the real one. */
import { post } from "./api.js";
import { percent } from "./clip_facts.js";
import { byId, inside } from "./dom.js";
import { t } from "./i18n.js";
import { messageOf, toast, toastError } from "./toast.js";

/** @typedef {import("./api.js").Clip} Clip */
/** @typedef {Record<string, unknown>} Changes settings of the recipe, docs/recipe.md */

const DRAFT_AFTER_MS = 250;
const SEEDS = 2 ** 31;
const form = byId("refine", HTMLFormElement);
const prompt = inside(form, "[name=prompt]", HTMLTextAreaElement);
const sliders = {
  motion_intensity: inside(form, "[name=motion_intensity]", HTMLInputElement),
  duration_s: inside(form, "[name=duration_s]", HTMLInputElement),
  style_consistency: inside(form, "[name=style_consistency]", HTMLInputElement),
};
const selects = {
  camera_movement: inside(form, "[name=camera_movement]", HTMLSelectElement),
  direction: inside(form, "[name=direction]", HTMLSelectElement),
  quality: inside(form, "[name=quality]", HTMLSelectElement),
};
const generator = inside(form, "[name=generator]", HTMLSelectElement);
const loop = inside(form, "[name=loop]", HTMLInputElement);
const takes = inside(form, "[name=takes]", HTMLSelectElement);
const newSeed = inside(form, "[name=newseed]", HTMLInputElement);
const SLIDERS = /** @type {(keyof typeof sliders)[]} */ (Object.keys(sliders));
const SELECTS = /** @type {(keyof typeof selects)[]} */ (Object.keys(selects));

/** @type {Clip | null} */
let clip = null;
let timer = 0;
/** @type {AbortController | null} */
let asked = null;
/** @type {(file: string | null, name: string) => void} */
let showDraft = () => {};

/** Show a clip's own values. @param {Clip} shownClip */
export function fillRefine(shownClip) {
  clip = shownClip;
  clearTimeout(timer);
  asked?.abort();
  const { recipe } = clip;
  prompt.value = recipe.prompt;
  for (const name of SLIDERS) sliders[name].value = String(recipe[name]);
  for (const name of SELECTS) selects[name].value = recipe[name];
  loop.checked = recipe.loop;
  takes.value = String(recipe.takes ?? 1);
  newSeed.checked = false;
  generator.value = clip.generator;
  if (!generator.value) generator.selectedIndex = 0;
  byId("draft-says").textContent = "";
  tellValues();
}

function tellValues() {
  for (const name of SLIDERS) {
    const value = Number(sliders[name].value);
    inside(form, `[data-for="${name}"]`).textContent = name === "duration_s" ? `${value} s` : percent(value);
  }
}

/** What the form says that the clip does not. @returns {Changes} */
function changes() {
  if (!clip) return {};
  /** @type {Changes} */
  const found = {};
  const { recipe } = clip;
  for (const name of SLIDERS) {
    const { value, step } = sliders[name];
    if (Math.abs(Number(value) - recipe[name]) >= Number(step) / 2 + 1e-9) found[name] = Number(value);
  }
  for (const name of SELECTS) if (selects[name].value !== recipe[name]) found[name] = selects[name].value;
  if (prompt.value.trim() !== recipe.prompt.trim()) found.prompt = prompt.value.trim();
  if (loop.checked !== recipe.loop) found.loop = loop.checked;
  if (Number(takes.value) !== (recipe.takes ?? 1)) found.takes = Number(takes.value);
  if (newSeed.checked) found.seed = seedFor(recipe.seed);
  return found;
}

/** Another seed, the same one for draft and clip. @param {number} seed */
function seedFor(seed) {
  newSeed.dataset.seed ||= String(otherSeed(seed));
  return Number(newSeed.dataset.seed);
}

async function draft() {
  if (!clip) return;
  const { prompt: _, quality: __, ...wanted } = changes(); // a draft can show neither
  asked?.abort();
  if (!Object.keys(wanted).length) return showDraft(null, "");
  asked = new AbortController();
  const { signal } = asked;
  byId("draft-says").textContent = t("Making a draft …");
  try {
    const options = { path: { clip_id: clip.id }, body: { changes: wanted }, signal };
    const { file } = await post("/api/clips/{clip_id}/draft", options);
    showDraft(file, t("Draft"));
    byId("draft-says").textContent = t(
      "The draft shows camera, length and amount of motion, small and without a model's own movement.",
    );
  } catch (error) {
    if (!signal.aborted) byId("draft-says").textContent = messageOf(error);
  }
}

/** @param {(file: string | null, name: string) => void} shows shows a draft's file in place of the clip, or the clip again */
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
  const same = !Object.keys(wanted).length;
  if (same && generator.value === clip.generator) wanted.seed = seedFor(clip.recipe.seed);
  else if (same) wanted.seed = clip.recipe.seed;
  newSeed.dataset.seed = "";
  await another(clip, wanted, generator.value);
});

/** Order another clip. @param {Clip} parent @param {Changes} wanted @param {string} [maker] */
export async function another(parent, wanted, maker) {
  try {
    const body = { changes: wanted, ...(maker ? { generator: maker } : {}) };
    const { renders } = await post("/api/clips/{clip_id}/refine", { path: { clip_id: parent.id }, body });
    toast(
      renders.every(({ clip }) => clip)
        ? t("That clip exists already. It stands among the variants.")
        : t("Another clip is being made. It appears among the variants."),
    );
  } catch (error) {
    toastError(error);
  }
}

/** A seed other than a given one. @param {number} seed */
export function otherSeed(seed) {
  return (seed + 1 + Math.floor(Math.random() * 2 ** 30)) % SEEDS;
}
