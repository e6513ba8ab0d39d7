// @ts-check
/** The grid: only the tiles in sight exist, however long the list is. */
import { empty, fill, newTile } from "./tile.js";
import { byId, dayName, folderName, make, shown, t } from "./words.js";

/** @typedef {import("./list.js").Item} Item */
/** @typedef {{top: number, start: number, count: number, bottom: number}} Block */

const GAP = 12;
const HEAD = 48;
const ABOUT = 34;
const AHEAD = 1.5;
const PLAY_AFTER_MS = 180;
const still = matchMedia("(prefers-reduced-motion: reduce)");
const hovers = matchMedia("(hover: hover)");

export class Grid {
  /** @param {import("./list.js").List} list @param {{open: (index: number) => void, chosen: () => void}} told */
  constructor(list, told) {
    this.list = list;
    this.told = told;
    this.root = byId("grid");
    this.tiles = byId("tiles");
    this.heads = byId("heads");
    this.size = Number(localStorage.getItem("afterframe-tile") ?? 260);
    /** @type {Map<number, HTMLElement>} */
    this.shown = new Map();
    /** @type {HTMLElement[]} */
    this.spare = [];
    /** @type {Map<string, Item>} */
    this.selected = new Map();
    /** @type {Block[]} */
    this.blocks = [];
    this.active = 0;
    this.anchor = 0;
    this.columns = 1;
    this.frame = 0;
    this.playing = 0;
    /** @type {HTMLVideoElement | null} */
    this.video = null;
    new ResizeObserver(() => this.layOut()).observe(this.root);
    addEventListener("scroll", () => this.soon(), { passive: true });
    this.listen();
  }

  /** Which places there are, and where. */
  layOut() {
    const width = this.root.clientWidth;
    if (!width) return;
    const least = Math.min(this.size, (width - GAP) / 2);
    this.columns = Math.max(1, Math.floor((width + GAP) / (least + GAP)));
    this.width = (width - GAP * (this.columns - 1)) / this.columns;
    this.height = Math.round((this.width * 2) / 3) + ABOUT;
    const grouped = this.list.groups.length > 1 || (this.list.groups[0] && Object.keys(this.list.groups[0]).length > 1);
    let top = 0;
    let start = 0;
    this.blocks = this.list.groups.map(({ count }) => {
      const rows = Math.ceil(count / this.columns);
      const block = { top, start, count, bottom: top + (grouped ? HEAD : 0) + rows * (this.height + GAP) };
      top = block.bottom;
      start += count;
      return block;
    });
    this.head = grouped ? HEAD : 0;
    this.root.style.height = `${Math.max(top, 40)}px`;
    this.active = Math.max(0, Math.min(this.active, this.list.total - 1));
    this.draw();
  }

  soon() {
    this.frame ||= requestAnimationFrame(() => {
      this.frame = 0;
      this.draw();
    });
  }

  /** The block that a height or a place lies in. @param {(block: Block) => boolean} before */
  blockAt(before) {
    let low = 0;
    let high = this.blocks.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (before(this.blocks[middle])) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  draw() {
    const view = innerHeight;
    const offset = this.root.getBoundingClientRect().top;
    const from = -offset - AHEAD * view;
    const to = -offset + (1 + AHEAD) * view;
    const seen = new Set();
    const heads = [];
    let first = Infinity;
    let last = 0;
    for (
      let at = this.blockAt((block) => block.bottom < from);
      at < this.blocks.length && this.blocks[at].top < to;
      at += 1
    ) {
      const block = this.blocks[at];
      heads.push(at);
      const row = this.height + GAP;
      const begin = Math.max(0, Math.floor((from - block.top - this.head) / row)) * this.columns;
      const end = Math.min(block.count, Math.ceil((to - block.top - this.head) / row) * this.columns);
      for (let inner = begin; inner < end; inner += 1) {
        const index = block.start + inner;
        seen.add(index);
        first = Math.min(first, index);
        last = Math.max(last, index + 1);
        this.place(
          index,
          (inner % this.columns) * (this.width + GAP),
          block.top + this.head + Math.floor(inner / this.columns) * row,
        );
      }
    }
    const focused = document.activeElement;
    for (const [index, tile] of this.shown) {
      if (seen.has(index)) continue;
      if (index >= this.list.total || tile !== focused) this.drop(index); // what has the focus stays, even out of sight
    }
    this.drawHeads(heads);
    if (last) this.list.want(first, last);
  }

  /** @param {number[]} wanted */
  drawHeads(wanted) {
    if (!this.head) return void this.heads.replaceChildren();
    const here = new Map([...this.heads.children].map((head) => [head.dataset.key, head]));
    const heads = wanted.map((at) => {
      const group = this.list.groups[at];
      const key = JSON.stringify([at, this.blocks[at].top, group]);
      const known = here.get(key);
      if (known) return known;
      const head = make(
        "div",
        { "data-key": key },
        make("h2", {}, ...headline(group)),
        make(
          "button",
          { type: "button", onclick: () => this.selectGroup(at) },
          t("Select all {n}", { n: group.count }),
        ),
      );
      head.style.transform = `translateY(${this.blocks[at].top}px)`;
      return head;
    });
    if (heads.length !== this.heads.children.length || heads.some((head, at) => head !== this.heads.children[at]))
      this.heads.replaceChildren(...heads);
  }

  /** @param {number} index @param {number} x @param {number} y */
  place(index, x, y) {
    let tile = this.shown.get(index);
    if (!tile) {
      tile = this.spare.pop() ?? newTile();
      this.shown.set(index, tile);
      tile.dataset.index = String(index);
      tile.setAttribute("aria-posinset", String(index + 1));
      tile.tabIndex = index === this.active ? 0 : -1;
      // In the order of the list, for those who hear the page.
      const after = [...this.shown.keys()]
        .filter((other) => other > index && other !== index)
        .reduce((a, b) => Math.min(a, b), Infinity);
      this.tiles.insertBefore(tile, this.shown.get(after) ?? null);
    }
    const where = `translate(${x}px, ${y}px)`;
    if (tile.style.transform !== where || tile.dataset.width !== String(this.width)) {
      tile.dataset.width = String(this.width);
      tile.style.width = `${this.width}px`;
      tile.style.height = `${this.height}px`;
      tile.style.transform = where;
    }
    tile.setAttribute("aria-setsize", String(this.list.total));
    fill(tile, this.list.at(index), this.selected);
  }

  /** @param {number} index */
  drop(index) {
    const tile = this.shown.get(index);
    if (!tile) return;
    if (this.video && tile.contains(this.video)) this.stop();
    this.shown.delete(index);
    empty(tile);
    tile.remove();
    this.spare.push(tile);
  }

  /** Show what is known by now. */
  update() {
    for (const [index, tile] of this.shown) fill(tile, this.list.at(index), this.selected);
  }

  /* ---- where one is ------------------------------------------------------------------------- */

  /** @param {number} index @param {boolean} [focus] */
  go(index, focus = true) {
    if (!this.list.total) return;
    const old = this.shown.get(this.active);
    if (old) old.tabIndex = -1;
    this.active = Math.max(0, Math.min(this.list.total - 1, index));
    this.bringIntoSight(this.active);
    this.draw();
    const tile = this.shown.get(this.active);
    if (tile) {
      tile.tabIndex = 0;
      if (focus) tile.focus({ preventScroll: true });
    }
  }

  /** @param {number} index */
  bringIntoSight(index) {
    const block = this.blocks[this.blockAt((one) => one.start + one.count <= index)];
    if (!block) return;
    const top = block.top + this.head + Math.floor((index - block.start) / this.columns) * (this.height + GAP);
    const offset = this.root.getBoundingClientRect().top + scrollY;
    const covered = byId("filters").getBoundingClientRect().bottom + 8;
    const over = getComputedStyle(byId("filters")).position === "sticky" ? Math.max(covered, 60) : 60;
    if (offset + top < scrollY + over + (index - block.start < this.columns ? this.head : 0)) {
      scrollTo({
        top: offset + top - over - (index - block.start < this.columns ? this.head : 0),
        behavior: "instant",
      });
    } else if (offset + top + this.height > scrollY + innerHeight - 16) {
      scrollTo({ top: offset + top + this.height - innerHeight + 16, behavior: "instant" });
    }
  }

  /** One row up or down: the same column, also across headings. @param {number} by */
  row(by) {
    const at = this.blockAt((block) => block.start + block.count <= this.active);
    const block = this.blocks[at];
    if (!block) return;
    const column = (this.active - block.start) % this.columns;
    const row = Math.floor((this.active - block.start) / this.columns) + by;
    const rows = Math.ceil(block.count / this.columns);
    if (row >= 0 && row < rows)
      return this.go(Math.min(block.start + row * this.columns + column, block.start + block.count - 1));
    const other = this.blocks[at + Math.sign(by)];
    if (!other) return this.go(by < 0 ? this.active : block.start + block.count - 1);
    const lastRow = Math.floor((other.count - 1) / this.columns) * this.columns;
    return this.go(Math.min(other.start + (by < 0 ? lastRow : 0) + column, other.start + other.count - 1));
  }

  /** The keys of the grid. @param {KeyboardEvent} event @returns {boolean} whether it was one of them */
  key(event) {
    const page = Math.max(1, Math.floor((innerHeight - 200) / (this.height + GAP)));
    const before = this.active;
    const moves = {
      ArrowRight: () => this.go(this.active + 1),
      ArrowLeft: () => this.go(this.active - 1),
      ArrowDown: () => this.row(1),
      ArrowUp: () => this.row(-1),
      PageDown: () => this.go(this.active + page * this.columns),
      PageUp: () => this.go(this.active - page * this.columns),
      Home: () => this.go(0),
      End: () => this.go(this.list.total - 1),
    };
    const move = moves[/** @type {keyof typeof moves} */ (event.key)];
    if (move) {
      move();
      if (event.shiftKey) this.selectTo(this.active);
      else if (before !== this.active) this.anchor = this.active;
      return true;
    }
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "a") {
      this.selectRange(0, this.list.total);
    } else if (event.key === "Enter") {
      this.told.open(this.active);
    } else if (event.key === " " && (event.ctrlKey || event.metaKey)) {
      this.toggle(this.active);
    } else if (event.key === " ") {
      this.video ? this.stop() : this.play(this.shown.get(this.active));
    } else if (event.key === "s" && !event.ctrlKey && !event.metaKey) {
      this.toggle(this.active);
    } else {
      return false;
    }
    return true;
  }

  /* ---- selection ---------------------------------------------------------------------------- */

  /** What an action is meant for. @returns {any[]} */
  meant() {
    const one = this.list.at(this.active);
    return this.selected.size ? [...this.selected.values()] : one ? [one] : [];
  }

  /** @param {number} index */
  toggle(index) {
    const clip = this.list.at(index);
    if (!clip) return;
    this.selected.has(clip.id) ? this.selected.delete(clip.id) : this.selected.set(clip.id, clip);
    this.anchor = index;
    this.chosen();
  }

  /** @param {number} index */
  selectTo(index) {
    this.selected.clear();
    return this.selectRange(Math.min(this.anchor, index), Math.max(this.anchor, index) + 1);
  }

  /** @param {number} at */
  selectGroup(at) {
    const { start, count } = this.blocks[at];
    return this.selectRange(start, start + count);
  }

  /** @param {number} from @param {number} to */
  async selectRange(from, to) {
    for (let index = from; index < to; index += 1) {
      const clip = this.list.at(index) ?? (await this.list.find(index));
      if (clip) this.selected.set(clip.id, clip);
    }
    this.chosen();
  }

  selectNothing() {
    this.selected.clear();
    this.chosen();
  }

  chosen() {
    this.update();
    this.root.classList.toggle("selecting", this.selected.size > 0);
    this.told.chosen();
  }

  /* ---- mouse, finger, play ------------------------------------------------------------------ */

  listen() {
    const tileOf = (/** @type {Event} */ event) =>
      /** @type {HTMLElement | null} */ (/** @type {Element} */ (event.target).closest(".tile"));
    this.tiles.addEventListener("click", (/** @type {MouseEvent} */ event) => {
      const tile = tileOf(event);
      if (!tile) return;
      const index = Number(tile.dataset.index);
      this.go(index);
      if (event.shiftKey) return void this.selectTo(index);
      const select = event.ctrlKey || event.metaKey || /** @type {Element} */ (event.target).matches(".tick-box");
      if (select) return this.toggle(index);
      this.anchor = index;
      this.told.open(index);
    });
    this.tiles.addEventListener("pointerover", (/** @type {PointerEvent} */ event) => {
      const tile = tileOf(event);
      if (tile && hovers.matches && event.pointerType === "mouse") this.playSoon(tile);
    });
    this.tiles.addEventListener("pointerleave", () => this.stop());
    this.tiles.addEventListener("focusin", (/** @type {Event} */ event) => {
      const tile = tileOf(event);
      if (tile?.matches(":focus-visible")) this.playSoon(tile);
    });
    this.tiles.addEventListener("focusout", () => this.stop());
  }

  /** @param {HTMLElement} tile */
  playSoon(tile) {
    if (still.matches || (this.video && tile.contains(this.video))) return;
    this.stop();
    this.playing = window.setTimeout(() => this.play(tile), PLAY_AFTER_MS);
  }

  /** @param {HTMLElement | undefined} tile */
  play(tile) {
    const clip = tile && this.list.at(Number(tile.dataset.index));
    if (!clip || !("file" in clip) || !tile.isConnected) return;
    this.stop();
    const video = /** @type {HTMLVideoElement} */ (
      make("video", { muted: true, loop: true, playsinline: true, "aria-hidden": "true", src: clip.file })
    );
    video.muted = true;
    this.video = video;
    tile.querySelector(".mat")?.append(video);
    video.play().catch(() => {});
  }

  stop() {
    clearTimeout(this.playing);
    if (!this.video) return;
    this.video.removeAttribute("src");
    this.video.load(); // gives its connection back
    this.video.remove();
    this.video = null;
  }
}

/** @param {import("./list.js").Group} group @returns {(Node | string)[]} */
function headline(group) {
  const day = group.made_day ?? group.taken_day;
  if (group.rating !== undefined) return [group.rating ? "★".repeat(group.rating) : t("No stars")];
  const folder = make("bdi", { title: shown(group.folder) }, folderName(group.folder ?? ""));
  if (day === undefined) return [folder];
  return [day ? dayName(day) : t("Day unknown"), " ", make("span", { class: "hint" }, "· ", folder)];
}
