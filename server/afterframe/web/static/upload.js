// @ts-check
/** Photos dropped on the page, or chosen, go into one of the folders and are animated. */
import { upload } from "./api.js";
import { byId, el, findById } from "./dom.js";
import { fileName, t } from "./i18n.js";
import { messageOf, toast } from "./toast.js";

const MAX_PARALLEL = 2;
/** @type {File[]} */
const waiting = [];
let sending = 0;
let sent = 0;
let failed = 0;

/** @param {Iterable<File>} files */
function add(files) {
  if (!findById("add-folder", HTMLSelectElement)?.value) return byId("add", HTMLDialogElement).showModal();
  const all = [...files];
  const kinds = byId("add-files", HTMLInputElement).accept.split(",");
  const photos = all.filter((file) => kinds.some((kind) => file.name.toLowerCase().endsWith(kind)));
  const others = all.length - photos.length;
  if (others === 1) toast(t("One file is no photo that can be animated."));
  else if (others) toast(t("{n} files are no photos that can be animated.", { n: others }));
  waiting.push(...photos);
  for (let n = sending; n < MAX_PARALLEL; n += 1) next();
}

async function next() {
  const file = waiting.shift();
  if (!file) return tellDone();
  sending += 1;
  const state = el("span", { class: "hint" }, t("being sent"));
  byId("add-list").prepend(el("li", {}, el("bdi", {}, fileName(file.name)), " ", state));
  try {
    const form = new FormData();
    form.append("folder", byId("add-folder", HTMLSelectElement).value);
    form.append("animate", "true");
    form.append("file", file, file.name);
    await upload(form);
    state.replaceChildren(t("added"));
    sent += 1;
  } catch (error) {
    failed += 1;
    state.replaceChildren(messageOf(error));
    state.setAttribute("class", "bad");
    toast(`${fileName(file.name)}: ${messageOf(error)}`);
  }
  sending -= 1;
  next();
}

function tellDone() {
  if (sending || !(sent + failed)) return;
  if (sent) toast(sent === 1 ? t("One photo was added.") : t("{n} photos were added.", { n: sent }));
  sent = failed = 0;
}

/** Every file of a dropped folder, too. @param {DataTransfer} transfer */
async function filesOf(transfer) {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter((entry) => !!entry);
  if (!entries.length) return [...transfer.files];
  /** @type {File[]} */
  const files = [];
  for (const entry of entries) await walk(entry, files);
  return files;
}

// Browsers have no class of these names to ask for.
/** @param {FileSystemEntry} entry @returns {entry is FileSystemFileEntry} */
const isFile = (entry) => entry.isFile;
/** @param {FileSystemEntry} entry @returns {entry is FileSystemDirectoryEntry} */
const isFolder = (entry) => entry.isDirectory;

/** @param {FileSystemEntry} entry @param {File[]} files */
async function walk(entry, files) {
  if (entry.name.startsWith(".")) return;
  if (isFile(entry)) files.push(await new Promise((done, fail) => entry.file(done, fail)));
  if (!isFolder(entry)) return;
  const reader = entry.createReader();
  for (;;) {
    /** @type {FileSystemEntry[]} */
    const some = await new Promise((done, fail) => reader.readEntries(done, fail));
    if (!some.length) return;
    for (const inner of some) await walk(inner, files);
  }
}

let depth = 0;

/** @param {DragEvent} event @returns {event is DragEvent & {dataTransfer: DataTransfer}} */
const hasFiles = (event) => !!event.dataTransfer?.types.includes("Files");

addEventListener("dragenter", (event) => {
  if (!hasFiles(event)) return;
  depth += 1;
  byId("drop").hidden = false;
});
addEventListener("dragleave", (event) => {
  if (!hasFiles(event)) return;
  depth = Math.max(0, depth - 1);
  byId("drop").hidden = depth === 0;
});
addEventListener("dragover", (event) => {
  if (hasFiles(event)) event.preventDefault();
});
addEventListener("drop", async (event) => {
  if (!hasFiles(event)) return;
  event.preventDefault();
  depth = 0;
  byId("drop").hidden = true;
  add(await filesOf(event.dataTransfer));
});
const field = findById("add-files", HTMLInputElement);
field?.addEventListener("change", () => {
  add(field.files ?? []);
  field.value = "";
});
