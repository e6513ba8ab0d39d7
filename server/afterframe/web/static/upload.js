// @ts-check
/** Photos dropped on the page, or chosen, go into one of the folders and are animated. */
import { ask } from "./api.js";
import { say } from "./say.js";
import { byId, fileName, make, t } from "./words.js";

const AT_A_TIME = 2;
const KINDS = /\.(jpe?g|tiff?|png|webp|hei[cf]|avif)$/i;
/** @type {File[]} */
const waiting = [];
let sending = 0;
let sent = 0;
let failed = 0;

function add(/** @type {Iterable<File>} */ files) {
  const folder = byId("add-folder")?.value;
  if (!folder) return void byId("add").showModal();
  const all = [...files];
  const photos = all.filter((file) => KINDS.test(file.name));
  if (photos.length < all.length)
    say(
      all.length - photos.length === 1
        ? t("One file is no photo that can be animated.")
        : t("{n} files are no photos that can be animated.", { n: all.length - photos.length }),
    );
  waiting.push(...photos);
  for (let n = sending; n < AT_A_TIME; n += 1) next();
}

async function next() {
  const file = waiting.shift();
  if (!file) {
    if (!sending && sent + failed) {
      if (sent) say(sent === 1 ? t("One photo was added.") : t("{n} photos were added.", { n: sent }));
      sent = failed = 0;
    }
    return;
  }
  sending += 1;
  const line = make(
    "li",
    {},
    make("bdi", {}, fileName(file.name)),
    " ",
    make("span", { class: "hint" }, t("being sent")),
  );
  byId("add-list")?.prepend(line);
  try {
    const form = new FormData();
    form.append("folder", byId("add-folder").value);
    form.append("animate", "true");
    form.append("file", file, file.name);
    await ask("POST", "/api/uploads", form);
    line.lastElementChild?.replaceChildren(t("added"));
    sent += 1;
  } catch (error) {
    failed += 1;
    line.lastElementChild?.replaceChildren(/** @type {Error} */ (error).message);
    line.lastElementChild?.setAttribute("class", "bad");
    say(`${fileName(file.name)}: ${/** @type {Error} */ (error).message}`);
  }
  sending -= 1;
  next();
}

/** Every file of a dropped folder, too. */
async function filesOf(/** @type {DataTransfer} */ transfer) {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (!entries.length) return [...transfer.files];
  /** @type {File[]} */
  const files = [];
  for (const entry of entries) await walk(/** @type {FileSystemEntry} */ (entry), files);
  return files;
}

async function walk(/** @type {any} */ entry, /** @type {File[]} */ files) {
  if (entry.name.startsWith(".")) return;
  if (entry.isFile) files.push(await new Promise((done, fail) => entry.file(done, fail)));
  if (!entry.isDirectory) return;
  const reader = entry.createReader();
  for (;;) {
    const some = await new Promise((done, fail) => reader.readEntries(done, fail));
    if (!some.length) return;
    for (const inner of some) await walk(inner, files);
  }
}

let depth = 0;
const hasFiles = (/** @type {DragEvent} */ event) => event.dataTransfer?.types.includes("Files");
addEventListener("dragenter", (event) => {
  if (hasFiles(event)) {
    depth += 1;
    byId("drop").hidden = false;
  }
});
addEventListener("dragleave", (event) => {
  if (hasFiles(event)) {
    depth = Math.max(0, depth - 1);
    byId("drop").hidden = depth === 0;
  }
});
addEventListener("dragover", (event) => {
  if (hasFiles(event)) event.preventDefault();
});
addEventListener("drop", async (event) => {
  if (!hasFiles(event)) return;
  event.preventDefault();
  depth = 0;
  byId("drop").hidden = true;
  add(await filesOf(/** @type {DataTransfer} */ (event.dataTransfer)));
});
byId("add-files")?.addEventListener("change", (/** @type {Event} */ event) => {
  const field = /** @type {HTMLInputElement} */ (event.target);
  add(field.files ?? []);
  field.value = "";
});
