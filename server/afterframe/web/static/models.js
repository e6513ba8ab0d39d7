// @ts-check
/** The models: which there are, which are here, what this machine's GPU can take, and how one is brought here. */
import { get } from "./api.js";
import { byId, el } from "./dom.js";
import { bytes, shown, t } from "./i18n.js";
import { messageOf } from "./toast.js";

/** @typedef {import("./api.js").Answer<"/api/models", "get">} Models */
/** @typedef {Models["models"][number]} Model */

/** Ask for the models and show them; where that does not work, why. */
export async function showModels() {
  try {
    const { gpu, packages_missing: missing, install, cache, models } = await get("/api/models");
    const lines = [ofGpu(gpu)];
    if (missing.length) {
      lines.push(`${t("To use a model, {names} must be installed.", { names: missing.join(", ") })} ${install}`);
    }
    byId("models-gpu").replaceChildren(...lines.map((line) => el("span", {}, line)));
    byId("models").replaceChildren(...models.map(entry));
    byId("models-place").hidden = false;
    byId("models-place").textContent = t("Models are kept in {folder}, which other programs share.", {
      folder: shown(cache),
    });
  } catch (error) {
    byId("models-gpu").textContent = messageOf(error);
  }
}

/** @param {Models["gpu"]} gpu */
function ofGpu(gpu) {
  if (!gpu) return t("This machine has no GPU that a model could use. The built-in generator needs none.");
  return gpu.memory_gb
    ? t("This machine's GPU: {name}, {n} GB.", { name: gpu.name, n: gpu.memory_gb })
    : t("This machine has a GPU; how much memory it has is not known.");
}

/** @param {Model} model */
function entry(model) {
  const used = model.auto ? el("span", { class: "count" }, t("used by auto"), why(model)) : "";
  const folder = model.folder ? el("small", { class: "hint" }, " ", el("bdi", {}, shown(model.folder))) : "";
  return el(
    "li",
    {},
    el("p", {}, el("strong", {}, shown(model.title)), el("code", {}, model.name), " ", used),
    el("p", {}, whereOf(model), folder),
    el("p", { class: "hint" }, skillsOf(model).join(" · ")),
    el("p", { class: "hint" }, t("Licence:"), " ", licence(model), " ", shown(model.licence.note)),
    model.folder ? "" : el("p", { class: "hint" }, t("In a terminal:"), " ", el("code", {}, model.pull)),
  );
}

/** @param {Model} model */
function whereOf(model) {
  return model.folder
    ? t("on this machine, {size}", { size: bytes(model.disk_bytes) })
    : t("not on this machine; a download of {n} GB", { n: model.download_gb });
}

/** @param {Model} model */
function skillsOf({ vram_gb: [least, most], fits, can_loop: loops, can_end: ends, audio }) {
  const said = {
    whole: t("fits this GPU"),
    slower: t("fits this GPU, more slowly"),
    no: t("too large for this GPU"),
  };
  return [
    t("needs {n} GB of GPU memory", { n: least === most ? least : `${least}–${most}` }),
    fits ? said[fits] : "",
    loops ? t("loops") : "",
    ends ? t("can end with the photo") : "",
    audio ? t("with sound") : "",
  ].filter(Boolean);
}

/** @param {Model} model */
function licence({ licence: { name, url } }) {
  return /^https?:/.test(url) ? el("a", { href: url, target: "_blank", rel: "noreferrer" }, shown(name)) : shown(name);
}

/** @param {Model} model */
function why({ auto_because: reason }) {
  return reason ? `: ${shown(reason)}` : "";
}
