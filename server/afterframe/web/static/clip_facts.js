// @ts-check
/** A clip's recipe and its photo's facts in words: rows of a name, a value and the reasons for it. */
import { dayName, shown, t } from "./i18n.js";

/** @typedef {{name: string, value: string, reasons: string[]}} Row */
/** @typedef {import("./api.js").Recipe} Recipe */

const LABELS = {
  photo_type: "Kind of photo",
  camera_movement: "Camera movement",
  motion_intensity: "Motion",
  style_consistency: "Faithfulness",
  duration_s: "Length",
  fps: "Frame rate",
  size: "Size",
  loop: "Loop",
  direction: "Direction",
  quality: "Quality",
  takes: "Takes",
  exact_photo: "Photo as a frame",
  negative_prompt: "To be avoided",
  seed: "Seed",
};
const FACTS = {
  camera: "Camera",
  lens: "Lens",
  focal_mm: "Focal length",
  f_number: "Aperture",
  exposure_s: "Exposure",
  iso: "ISO",
  ev100: "Light value",
  flash_fired: "Flash",
  captured_at: "Taken",
  time_of_day: "Time of day",
  light: "Light",
  place: "Place",
  title: "Title",
  caption: "Caption",
  keywords: "Keywords",
  persons: "Persons shown",
  motion_photo: "Motion photo",
  gain_map: "HDR gain map",
  creator: "Photographer",
};

/** The rows of a recipe. @param {Recipe} recipe @returns {Row[]} */
export function recipeRows(recipe) {
  const values = settings(recipe);
  const names = /** @type {(keyof typeof LABELS)[]} */ (Object.keys(LABELS));
  const rows = names
    .filter((name) => values[name] !== "")
    .map((name) => ({ name: t(LABELS[name]), value: values[name], reasons: recipe.because[name] ?? [] }));
  const { prompt } = recipe.because;
  return prompt ? [{ name: t("Words"), value: "", reasons: prompt }, ...rows] : rows;
}

/** @param {Recipe} recipe @returns {Record<keyof typeof LABELS, string>} */
function settings(recipe) {
  return {
    photo_type: t(recipe.photo_type.replace("_", " ")),
    camera_movement: t(recipe.camera_movement.replace("_", " ")),
    motion_intensity: percent(recipe.motion_intensity),
    style_consistency: percent(recipe.style_consistency),
    duration_s: `${Number(recipe.duration_s.toFixed(2))} s`,
    fps: t("{n} frames a second", { n: recipe.fps }),
    size: recipe.size.join(" × "),
    loop: recipe.loop ? t("yes") : t("no"),
    direction: recipe.direction === "after" ? t("the photo comes first") : t("the photo comes last"),
    quality: t(recipe.quality),
    takes: recipe.takes > 1 ? String(recipe.takes) : "",
    exact_photo: recipe.exact_photo ? t("yes") : t("no"),
    negative_prompt: recipe.negative_prompt,
    seed: String(recipe.seed),
  };
}

/**
 * What a clip cost, as a row; null where nothing is known.
 * @param {Record<string, number>} cost seconds, gpu_memory_gb or memory_gb, energy_wh
 * @returns {Row | null}
 */
export function costRow(cost) {
  const parts = [
    cost.seconds === undefined ? "" : t("{n} s", { n: shortNumber(cost.seconds) }),
    cost.gpu_memory_gb === undefined ? "" : t("{n} GB of the GPU's memory", { n: shortNumber(cost.gpu_memory_gb) }),
    cost.memory_gb === undefined ? "" : t("{n} GB of memory", { n: shortNumber(cost.memory_gb) }),
    cost.energy_wh === undefined ? "" : t("{n} Wh", { n: shortNumber(cost.energy_wh) }),
  ].filter(Boolean);
  return parts.length ? { name: t("Cost"), value: parts.join(", "), reasons: [] } : null;
}

/** @param {number} value with three digits at most */
function shortNumber(value) {
  return Number(value.toPrecision(3));
}

/** A share in words. @param {number} share 0-1 */
export function percent(share) {
  return `${Math.round(share * 100)} %`;
}

/**
 * The rows of what a photo's file says.
 * @param {Record<string, unknown>} facts as `afterframe facts --json` gives them
 * @returns {Row[]}
 */
export function factRows(facts) {
  const values = factValues(facts);
  const sources = /** @type {Record<string, unknown>} */ (facts.sources ?? {});
  const names = /** @type {(keyof typeof FACTS)[]} */ (Object.keys(FACTS));
  const rows = names
    .filter((name) => values[name])
    .map((name) => ({ name: t(FACTS[name]), value: values[name], reasons: [text(sources[name])].filter(Boolean) }));
  return rows.length ? rows : [{ name: "", value: t("Nothing is known of it."), reasons: [] }];
}

/** @param {Record<string, unknown>} facts @returns {Record<keyof typeof FACTS, string>} */
function factValues(facts) {
  const { focal_mm: focal, focal_35mm: focal35, f_number: aperture, exposure_s: exposure, ev100, flash_fired } = facts;
  return {
    camera: joined([facts.camera_make, facts.camera_model], " "),
    lens: text(facts.lens_name ?? facts.lens),
    focal_mm: focal ? `${focal} mm${focal35 ? ` (${focal35} mm)` : ""}` : "",
    f_number: aperture ? `f/${aperture}` : "",
    exposure_s: typeof exposure === "number" && exposure ? shutter(exposure) : "",
    iso: text(facts.iso),
    ev100: typeof ev100 === "number" && ev100 ? `EV ${ev100.toFixed(1)}` : "",
    flash_fired: flash_fired == null ? "" : flash_fired ? t("yes") : t("no"),
    captured_at: typeof facts.captured_at === "string" ? moment(facts.captured_at) : "",
    time_of_day: text(facts.time_of_day),
    light: text(facts.light),
    place: joined([facts.sublocation, facts.city, facts.state, facts.country], ", "),
    title: text(facts.title),
    caption: text(facts.caption),
    keywords: Array.isArray(facts.keywords) ? facts.keywords.join(", ") : "",
    persons: Array.isArray(facts.persons) ? facts.persons.join(", ") : "",
    motion_photo: facts.motion_photo == null ? "" : facts.motion_photo ? t("yes") : t("its video was lost"),
    gain_map: facts.gain_map ? t("yes") : "",
    creator: text(facts.creator),
  };
}

/** A shutter time as photographers say it. @param {number} seconds */
function shutter(seconds) {
  return seconds < 0.3 ? `1/${Math.round(1 / seconds)} s` : `${seconds} s`;
}

/** A date and its time, where there is one. @param {string} iso */
function moment(iso) {
  return iso && `${dayName(iso.slice(0, 10))} ${iso.slice(11).replace(/\.\d+/, "")}`.trim();
}

/** @param {unknown} value */
function text(value) {
  return value ? String(value) : "";
}

/** @param {unknown[]} values @param {string} between */
function joined(values, between) {
  return values.filter(Boolean).join(between);
}

/** A prompt as it is shown: its line ends are line ends. @param {string} prompt */
export function promptText(prompt) {
  return shown(prompt).replaceAll("␊", "\n");
}
