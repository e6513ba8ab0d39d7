// @ts-check
/** The settings page: language and colours of this browser, what new clips are like, and the models. */
import { post } from "./api.js";
import { showModels } from "./models.js";
import "./page.js";
import { say } from "./say.js";
import { byId, t } from "./words.js";

byId("language").addEventListener("change", () => {
  document.cookie = `afterframe_language=${byId("language").value}; path=/; max-age=31536000; samesite=strict`;
  location.reload();
});
byId("theme").value = localStorage.getItem("afterframe-theme") ?? "";
byId("theme").addEventListener("change", () => {
  const { value } = byId("theme");
  localStorage.setItem("afterframe-theme", value);
  if (value) document.documentElement.dataset.theme = value;
  else delete document.documentElement.dataset.theme;
});
byId("settings").addEventListener("submit", async (/** @type {Event} */ event) => {
  event.preventDefault();
  /** @type {Record<string, unknown>} */
  const values = {};
  for (const field of /** @type {HTMLFormElement} */ (event.target).elements) {
    if (!(field instanceof HTMLInputElement || field instanceof HTMLSelectElement)) continue;
    const number = field instanceof HTMLInputElement;
    const { value } = field;
    values[field.name] =
      value === "" ? null : number ? Number(value) : value === "true" ? true : value === "false" ? false : value;
  }
  try {
    await post("/api/settings", { values });
    say(t("Kept. It holds from the next start of Afterframe."));
  } catch (error) {
    say(/** @type {Error} */ (error).message);
  }
});
await showModels();
