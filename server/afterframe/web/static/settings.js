// @ts-check
/** The settings page: language and colours of this browser, what new clips are like, and the models. */
import { post } from "./api.js";
import { byId } from "./dom.js";
import { t } from "./i18n.js";
import { showModels } from "./models.js";
import "./page.js";
import { showSessions } from "./sessions.js";
import { toast, toastError } from "./toast.js";

const language = byId("language", HTMLSelectElement);
const theme = byId("theme", HTMLSelectElement);
const form = byId("settings", HTMLFormElement);

language.addEventListener("change", () => {
  document.cookie = `afterframe_language=${language.value}; path=/; max-age=31536000; samesite=strict`;
  location.reload();
});
theme.value = localStorage.getItem("afterframe-theme") ?? "";
theme.addEventListener("change", () => {
  localStorage.setItem("afterframe-theme", theme.value);
  if (theme.value) document.documentElement.dataset.theme = theme.value;
  else delete document.documentElement.dataset.theme;
});

/** What a field says; null: nothing. @param {HTMLInputElement | HTMLSelectElement} field */
function valueOf(field) {
  const { value } = field;
  if (value === "") return null;
  if (field instanceof HTMLInputElement) return Number(value);
  return value === "true" || (value === "false" ? false : value);
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  /** @type {Record<string, string | number | boolean | null>} */
  const values = {};
  for (const field of form.elements) {
    if (field instanceof HTMLInputElement || field instanceof HTMLSelectElement) values[field.name] = valueOf(field);
  }
  try {
    await post("/api/settings", { body: { values } });
    toast(t("Kept. It holds from the next start of Afterframe."));
  } catch (error) {
    toastError(error);
  }
});
await Promise.all([showSessions(), showModels()]);
