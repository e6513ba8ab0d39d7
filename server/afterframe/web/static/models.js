// @ts-check
/** The models: which there are, which are here, what this machine's GPU can take, and how one is brought here. */
import { get } from "./api.js";
import { byId, bytes, make, shown, t } from "./words.js";

/** @typedef {{name: string, title: string, licence: {name: string, url: string, note: string}, download_gb: number, vram_gb: number[], can_loop: boolean,
 *   can_end: boolean, audio: boolean, folder: string | null, disk_bytes: number, fits: string | null, auto: boolean, pull: string}} Model */

/** Ask for the models and show them; where that does not work, why. */
export async function showModels() {
  try {
    const { gpu, packages_missing, install, cache, models } = await get("/api/models");
    const lines = [
      ofGpu(gpu),
      packages_missing.length
        ? `${t("To use a model, {names} must be installed.", { names: packages_missing.join(", ") })} ${install}`
        : "",
    ];
    byId("models-gpu").replaceChildren(...lines.filter(Boolean).map((line) => make("span", {}, line)));
    byId("models").replaceChildren(...models.map(entry));
    byId("models-place").hidden = false;
    byId("models-place").textContent = t("Models are kept in {folder}, which other programs share.", {
      folder: shown(cache),
    });
  } catch (error) {
    byId("models-gpu").textContent = /** @type {Error} */ (error).message;
  }
}

/** @param {{name: string, memory_gb: number} | null} gpu */
function ofGpu(gpu) {
  if (!gpu) return t("This machine has no GPU that a model could use. The built-in generator needs none.");
  return gpu.memory_gb
    ? t("This machine's GPU: {name}, {n} GB.", { name: gpu.name, n: gpu.memory_gb })
    : t("This machine has a GPU; how much memory it has is not known.");
}

/** @param {Model} model */
function entry(model) {
  const here = model.folder
    ? t("on this machine, {size}", { size: bytes(model.disk_bytes) })
    : t("not on this machine; a download of {n} GB", { n: model.download_gb });
  const [least, most] = model.vram_gb;
  const memory = t("needs {n} GB of GPU memory", { n: least === most ? least : `${least}–${most}` });
  const fits = { whole: t("fits this GPU"), slower: t("fits this GPU, more slowly"), no: t("too large for this GPU") }[
    model.fits ?? ""
  ];
  const skills = [
    model.can_loop && t("loops"),
    model.can_end && t("can end with the photo"),
    model.audio && t("with sound"),
  ];
  return make(
    "li",
    {},
    make(
      "p",
      {},
      make("strong", {}, shown(model.title)),
      make("code", {}, model.name),
      " ",
      model.auto ? make("span", { class: "count" }, t("used by auto")) : "",
    ),
    make(
      "p",
      {},
      here,
      model.folder ? make("small", { class: "hint" }, " ", make("bdi", {}, shown(model.folder))) : "",
    ),
    make("p", { class: "hint" }, [memory, fits, ...skills].filter(Boolean).join(" · ")),
    make("p", { class: "hint" }, t("Licence:"), " ", licence(model), " ", shown(model.licence.note)),
    model.folder ? "" : make("p", { class: "hint" }, t("In a terminal:"), " ", make("code", {}, model.pull)),
  );
}

/** @param {Model} model */
function licence({ licence: { name, url } }) {
  return /^https?:/.test(url)
    ? make("a", { href: url, target: "_blank", rel: "noreferrer" }, shown(name))
    : shown(name);
}
