// @ts-check
/** Words and numbers in the reader's language; and what else the server wrote into the page. */

/** @typedef {{path: string, watch: boolean}} Folder */
/** @typedef {{words: Record<string, string>, language: string, key: string, cursor: number, folders: Folder[], videos: string}} PageData */

/** @type {PageData} */
const NONE = { words: {}, language: "en", key: "", cursor: 0, folders: [], videos: "" };

/** Words in the reader's language, the folders, the cursor of events. @type {PageData} */
export const data = { ...NONE, ...JSON.parse(globalThis.document?.getElementById("page-data")?.textContent ?? "{}") };

/**
 * A sentence in the reader's language.
 * @param {string} text the English sentence, {names} standing for values
 * @param {Record<string, string | number>} [values]
 */
export function t(text, values = {}) {
  return (data.words[text] ?? text).replace(/\{(\w+)\}/g, (whole, name) => String(values[name] ?? whole));
}

/** A name with its invisible characters made visible, so that it neither breaks nor reorders the page. */
export function shown(/** @type {unknown} */ name) {
  return String(name)
    .replace(/[\u0000-\u001f]/g, (letter) => String.fromCharCode(0x2400 + letter.charCodeAt(0)))
    .replace(/[\u007f-\u009f\u2028\u2029\ud800-\udfff]/gu, "\ufffd");
}

/** The last part of a path, of any operating system. */
export function lastPart(/** @type {string} */ path) {
  return path.replaceAll("\\", "/").split("/").pop() ?? "";
}

/** The last part of a path, as it is shown. */
export function fileName(/** @type {string} */ path) {
  return shown(lastPart(path));
}

/** What a heading calls a folder. */
export function folderName(/** @type {string} */ path) {
  return path && path === data.videos ? t("Made through the Videos protocol") : fileName(path);
}

/** Time left, roughly: nobody trusts an ETA that jumps. */
export function timeLeft(/** @type {number | null} */ seconds) {
  if (seconds == null) return "";
  if (seconds < 10) return t("a few seconds left");
  if (seconds < 90) return t("about {n} s left", { n: Math.round(seconds / 10) * 10 });
  return seconds < 5400
    ? t("about {n} min left", { n: Math.round(seconds / 60) })
    : t("about {n} h left", { n: (seconds / 3600).toFixed(1) });
}

/** @param {string} day ISO date @param {Intl.DateTimeFormatOptions} [form] */
export function dayName(day, form = { weekday: "short", year: "numeric", month: "long", day: "numeric" }) {
  return new Intl.DateTimeFormat(data.language, { ...form, timeZone: "UTC" }).format(new Date(`${day}T00:00:00Z`));
}

/** A moment, in the reader's own time. */
export function moment(/** @type {number} */ unix_s) {
  const form = /** @type {const} */ ({ dateStyle: "medium", timeStyle: "short" });
  return new Intl.DateTimeFormat(data.language, form).format(new Date(unix_s * 1000));
}

/** A number of bytes, in words. */
export function bytes(/** @type {number} */ count) {
  const steps = ["B", "kB", "MB", "GB", "TB"];
  const step = count < 1000 ? 0 : Math.min(steps.length - 1, Math.floor(Math.log10(count) / 3));
  return `${new Intl.NumberFormat(data.language, { maximumFractionDigits: step > 1 ? 1 : 0 }).format(count / 1000 ** step)} ${steps[step]}`;
}
