// @ts-check
/** The folders page: how much room everything takes. */
import { get } from "./api.js";
import "./page.js";
import { say } from "./say.js";
import { byId, bytes, make, t } from "./words.js";

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
  for (const row of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-folder]"))) {
    const place = row.querySelector("[data-disk]");
    if (place && !place.textContent) place.textContent = said.get(JSON.parse(row.dataset.folder ?? '""')) ?? "";
  }
}

try {
  const disk = await get("/api/disk");
  for (const folder of disk.folders)
    said.set(
      folder.path,
      t("clips: {n}, {size}; {free} free", { n: folder.clips, size: bytes(folder.bytes), free: bytes(folder.free) }),
    );
  const rows = Object.entries(OWN).map(([name, label]) =>
    make("div", {}, make("dt", {}, t(label)), make("dd", {}, bytes(disk.own[name]))),
  );
  byId("disk").replaceChildren(...rows);
  tell();
  new MutationObserver(tell).observe(byId("folders"), { childList: true });
} catch (error) {
  say(/** @type {Error} */ (error).message);
}
