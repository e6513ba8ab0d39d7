// @ts-check
/** The folders page: the disk space that clips and Afterframe's own files take, beside the folders. */
import { get } from "./api.js";
import { allInside, byId, el } from "./dom.js";
import { bytes, t } from "./i18n.js";
import "./page.js";
import { toastError } from "./toast.js";

const OWN = {
  state: "State",
  cache: "Cache",
  backups: "Backups of sidecars",
  logs: "Logs",
  uploads: "Uploads of programs",
  free: "Free",
};

/** @type {Map<string, string>} */
const said = new Map();

function tell() {
  for (const row of allInside(document, "[data-folder]")) {
    const place = row.querySelector("[data-disk]");
    if (place && !place.textContent) place.textContent = said.get(JSON.parse(row.dataset.folder ?? '""')) ?? "";
  }
}

/** @param {{clips: number, bytes: number, free: number}} folder */
function taken(folder) {
  const { clips, free } = folder;
  return t("clips: {n}, {size}; {free} free", { n: clips, size: bytes(folder.bytes), free: bytes(free) });
}

try {
  const { folders, own } = await get("/api/disk");
  for (const folder of folders) said.set(folder.path, taken(folder));
  const kinds = /** @type {(keyof typeof OWN)[]} */ (Object.keys(OWN));
  const rows = kinds.map((kind) => el("div", {}, el("dt", {}, t(OWN[kind])), el("dd", {}, bytes(own[kind]))));
  byId("disk").replaceChildren(...rows);
  tell();
  new MutationObserver(tell).observe(byId("folders"), { childList: true });
} catch (error) {
  toastError(error);
}
