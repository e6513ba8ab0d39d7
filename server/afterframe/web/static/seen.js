// @ts-check
/** What was seen in a clip's photo: marks over it, and the same in words beside it. Off until it is asked for. */
import { get } from "./api.js";
import { byId, el, inside } from "./dom.js";
import { row } from "./rows.js";
import { marksOf, seenLine, seenRows } from "./seen_words.js";
import { toastError } from "./toast.js";

/** @typedef {import("./seen_words.js").Seen} Seen */

const KEPT = "afterframe-seen";
const photo = byId("stage-photo", HTMLImageElement);
const stage = byId("stage");
const marks = inside(stage, ".marks > div");
const words = byId("seen", HTMLDetailsElement);

export class SeenMarks {
  constructor() {
    this.on = sessionStorage.getItem(KEPT) === "on";
    this.id = "";
    /** @type {Seen | null} */
    this.seen = null;
    photo.addEventListener("load", () => this.draw());
    words.addEventListener("toggle", () => words.open && this.look());
    this.press();
  }

  /**
   * Show what was seen in the photo of another clip.
   * @param {string} id
   * @param {Seen | null} seen null: nobody has looked yet, and nobody does until it is to be shown
   */
  show(id, seen) {
    this.id = id;
    this.seen = seen;
    this.draw();
    if (!seen && (this.on || words.open)) this.look();
  }

  /** Show nothing: the next clip's photo is not this one. */
  clear() {
    this.show("", null);
  }

  /** Have the photo looked at, if nobody has. */
  async look() {
    const { id } = this;
    if (!id || this.seen) return;
    try {
      const { seen } = await get("/api/clips/{clip_id}/seen", { path: { clip_id: id } });
      if (this.id !== id) return;
      this.seen = seen;
      this.draw();
      if (this.on) this.say();
    } catch (error) {
      if (this.id === id) toastError(error);
    }
  }

  toggle() {
    this.on = !this.on;
    sessionStorage.setItem(KEPT, this.on ? "on" : "off");
    this.press();
    this.draw();
    this.look();
    this.say();
  }

  press() {
    inside(document, '[data-act="seen"]').setAttribute("aria-pressed", String(this.on));
  }

  /** For those who do not see the marks. */
  say() {
    byId("seen-says").textContent = this.on && this.seen ? seenLine(this.seen) : "";
  }

  draw() {
    inside(words, "dl").replaceChildren(...(this.seen ? seenRows(this.seen).map(row) : []));
    // Behind the wipe the photo is cropped as the clip is.
    const part = stage.dataset.mode === "wipe" ? this.seen?.frame : undefined;
    const shown = this.on && this.seen && photo.naturalWidth ? marksOf(this.seen, part) : [];
    marks.style.setProperty("--shape", String(photo.naturalWidth / photo.naturalHeight || 1));
    marks.replaceChildren(...shown.map(drawn));
  }
}

/** @param {import("./seen_words.js").Mark} mark */
function drawn({ kind, label, box }) {
  const made = el("span", { class: `mark ${kind}` }, el("b", {}, label));
  const place = { left: box.x, top: box.y, width: box.width, height: box.height };
  for (const [side, share] of Object.entries(place)) made.style.setProperty(side, `${share * 100}%`);
  return made;
}
