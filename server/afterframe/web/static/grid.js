// @ts-check
/** The grid: only the tiles in sight exist, however long the list is. */
import { byId, el, targetOf } from "./dom.js";
import { GridLayout } from "./grid_layout.js";
import { dayName, folderName, shown, t } from "./i18n.js";
import { keyed } from "./keys.js";
import { empty, fill, newTile } from "./tile.js";

/** @typedef {import("./list.js").Item} Item */

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
    this.layout = new GridLayout([], 0, this.size);
    this.active = 0;
    this.anchor = 0;
    /** @type {string | undefined} */
    this.anchorId = undefined;
    /** @type {string[]} the ids of the item one is at and of those that follow it */
    this.here = [];
    this.frame = 0;
    this.playing = 0;
    /** @type {HTMLVideoElement | null} */
    this.video = null;
    new ResizeObserver(() => this.layOut()).observe(this.root);
    addEventListener("scroll", () => this.soon(), { passive: true });
    this.listen();
  }

  /** Lay the tiles out anew: the list's groups or the page's width have changed. */
  layOut() {
    const width = this.root.clientWidth;
    if (!width) return;
    this.layout = new GridLayout(this.list.groups, width, this.size);
    this.root.style.height = `${Math.max(this.layout.bottom, 40)}px`;
    this.active = Math.max(0, Math.min(this.active, this.list.total - 1));
    this.draw();
  }

  /** Stay at the item one is at wherever it stands by now, or at the next that is left: nobody judges a place. */
  follow() {
    const anchor = this.anchorId === undefined ? -1 : this.list.indexOf(this.anchorId);
    if (anchor >= 0) this.anchor = anchor;
    const at = this.list.firstOf(this.here);
    if (at >= 0 && at !== this.active) {
      const old = this.shown.get(this.active);
      const focused = !!old && old === document.activeElement;
      if (old) old.tabIndex = -1;
      this.active = at;
      const tile = this.shown.get(at);
      if (tile) tile.tabIndex = 0;
      if (focused) this.go(at);
    }
    this.remember();
  }

  /** Note what one is at, if that is known by now. */
  remember() {
    if (this.list.at(this.active)) this.here = this.list.idsFrom(this.active);
  }

  soon() {
    this.frame ||= requestAnimationFrame(() => {
      this.frame = 0;
      this.draw();
    });
  }

  draw() {
    const view = innerHeight;
    const offset = this.root.getBoundingClientRect().top;
    const { blocks, spots } = this.layout.between(-offset - AHEAD * view, -offset + (1 + AHEAD) * view);
    for (const spot of spots) this.place(spot);
    const seen = new Set(spots.map(({ index }) => index));
    const focused = document.activeElement;
    for (const [index, tile] of this.shown) {
      if (seen.has(index)) continue;
      if (index >= this.list.total || tile !== focused) this.drop(index); // what has the focus stays, even out of sight
    }
    this.drawHeads(blocks);
    if (spots.length) this.list.want(spots[0].index, spots[spots.length - 1].index + 1);
  }

  /** @param {number[]} wanted numbers of blocks */
  drawHeads(wanted) {
    if (!this.layout.head) return void this.heads.replaceChildren();
    const here = new Map(
      [...this.heads.children].map((head) => [head instanceof HTMLElement ? head.dataset.key : "", head]),
    );
    const heads = wanted.map((at) => {
      const group = this.list.groups[at];
      const { top } = this.layout.blocks[at];
      const key = JSON.stringify([at, top, group]);
      return here.get(key) ?? this.newHead(at, group, key, top);
    });
    const same = heads.length === this.heads.children.length;
    if (!same || heads.some((head, at) => head !== this.heads.children[at])) this.heads.replaceChildren(...heads);
  }

  /** @param {number} at @param {import("./list.js").Group} group @param {string} key @param {number} top */
  newHead(at, group, key, top) {
    const all = el(
      "button",
      { type: "button", onclick: () => this.selectGroup(at) },
      t("Select all {n}", { n: group.count }),
    );
    const head = el("div", { "data-key": key }, el("h2", {}, ...headline(group)), all);
    head.style.transform = `translateY(${top}px)`;
    return head;
  }

  /** @param {import("./grid_layout.js").Spot} spot */
  place({ index, x, y }) {
    const tile = this.shown.get(index) ?? this.newPlace(index);
    const { width, height } = this.layout;
    const where = `translate(${x}px, ${y}px)`;
    if (tile.style.transform !== where || tile.dataset.width !== String(width)) {
      tile.dataset.width = String(width);
      tile.style.width = `${width}px`;
      tile.style.height = `${height}px`;
      tile.style.transform = where;
    }
    tile.setAttribute("aria-setsize", String(this.list.total));
    fill(tile, this.list.at(index), this.selected);
  }

  /** A tile for a place that has none yet. @param {number} index */
  newPlace(index) {
    const tile = this.spare.pop() ?? newTile();
    // In the order of the list, for those who hear the page.
    const after = [...this.shown.keys()].filter((other) => other > index).reduce((a, b) => Math.min(a, b), Infinity);
    this.tiles.insertBefore(tile, this.shown.get(after) ?? null);
    this.shown.set(index, tile);
    tile.dataset.index = String(index);
    tile.setAttribute("aria-posinset", String(index + 1));
    tile.tabIndex = index === this.active ? 0 : -1;
    return tile;
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
    this.here = [];
    this.remember();
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
    const span = this.layout.span(index);
    if (!span) return;
    const offset = this.root.getBoundingClientRect().top + scrollY;
    const covered = byId("filters").getBoundingClientRect().bottom + 8;
    const over = getComputedStyle(byId("filters")).position === "sticky" ? Math.max(covered, 60) : 60;
    if (offset + span.top < scrollY + over) {
      scrollTo({ top: offset + span.top - over, behavior: "instant" });
    } else if (offset + span.bottom > scrollY + innerHeight - 16) {
      scrollTo({ top: offset + span.bottom - innerHeight + 16, behavior: "instant" });
    }
  }

  /** Where a key leads; null when it is none of those that move. @param {string} key @returns {number | null} */
  target(key) {
    const { columns, row } = this.layout;
    const page = Math.max(1, Math.floor((innerHeight - 200) / row)) * columns;
    /** @type {Record<string, () => number>} */
    const moves = {
      ArrowRight: () => this.active + 1,
      ArrowLeft: () => this.active - 1,
      ArrowDown: () => this.layout.nextRow(this.active, 1),
      ArrowUp: () => this.layout.nextRow(this.active, -1),
      PageDown: () => this.active + page,
      PageUp: () => this.active - page,
      Home: () => 0,
      End: () => this.list.total - 1,
    };
    return moves[key]?.() ?? null;
  }

  /** The keys of the grid. @param {KeyboardEvent} event @returns {boolean} whether it was one of them */
  key(event) {
    const before = this.active;
    const to = this.target(event.key);
    if (to !== null) {
      this.go(to);
      if (event.shiftKey) this.selectTo(this.active);
      else if (before !== this.active) this.setAnchor(this.active);
      return true;
    }
    const command = event.ctrlKey || event.metaKey;
    if (command && event.key.toLowerCase() === "a") {
      this.selectRange(0, this.list.total);
    } else if (event.key === "Enter") {
      this.told.open(this.active);
    } else if (event.key === " " && command) {
      this.toggle(this.active);
    } else if (event.key === " ") {
      if (this.video) this.stop();
      else this.play(this.shown.get(this.active));
    } else if (event.key === "s" && !command) {
      this.toggle(this.active);
    } else {
      return false;
    }
    return true;
  }

  /* ---- selection ---------------------------------------------------------------------------- */

  /** The items that an action is meant for: the selected ones, else the one that one is at. */
  meant() {
    const one = this.list.at(this.active);
    return this.selected.size ? [...this.selected.values()] : one ? [one] : [];
  }

  /** Those of them that are clips. */
  meantClips() {
    return this.meant().filter((item) => "file" in item);
  }

  /** Those of them that are renders, no clips yet. */
  meantRenders() {
    return this.meant().filter((item) => "state" in item);
  }

  /** @param {number} index */
  toggle(index) {
    const item = this.list.at(index);
    if (!item) return;
    if (!this.selected.delete(item.id)) this.selected.set(item.id, item);
    this.setAnchor(index);
    this.chosen();
  }

  /** Where a range begins. @param {number} index */
  setAnchor(index) {
    this.anchor = index;
    this.anchorId = this.list.at(index)?.id;
  }

  /** @param {number} index */
  selectTo(index) {
    this.selected.clear();
    return this.selectRange(Math.min(this.anchor, index), Math.max(this.anchor, index) + 1);
  }

  /** @param {number} at */
  selectGroup(at) {
    const { start, count } = this.layout.blocks[at];
    return this.selectRange(start, start + count);
  }

  /** @param {number} from @param {number} to */
  async selectRange(from, to) {
    for (let index = from; index < to; index += 1) {
      const item = this.list.at(index) ?? (await this.list.find(index));
      if (item) this.selected.set(item.id, item);
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
    this.tiles.addEventListener("click", (event) => {
      const tile = targetOf(event, ".tile");
      if (!tile) return;
      const index = Number(tile.dataset.index);
      this.go(index);
      if (event.shiftKey) return void this.selectTo(index);
      if (event.ctrlKey || event.metaKey || targetOf(event)?.matches(".tick-box")) return this.toggle(index);
      this.setAnchor(index);
      this.told.open(index);
    });
    this.tiles.addEventListener("pointerover", (event) => {
      const tile = targetOf(event, ".tile");
      if (tile && hovers.matches && event.pointerType === "mouse") this.playSoon(tile);
    });
    this.tiles.addEventListener("pointerleave", () => this.stop());
    this.tiles.addEventListener("focusin", (event) => {
      const tile = targetOf(event, ".tile");
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
    const item = tile && this.list.at(Number(tile.dataset.index));
    if (!item || !("file" in item) || !tile.isConnected) return;
    this.stop();
    const video = el("video", {
      muted: true,
      loop: true,
      playsinline: true,
      "aria-hidden": "true",
      src: keyed(item.file),
    });
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
  const folder = el("bdi", { title: shown(group.folder) }, folderName(group.folder ?? ""));
  if (day === undefined) return [folder];
  return [day ? dayName(day) : t("Day unknown"), " ", el("span", { class: "hint" }, "· ", folder)];
}
