// @ts-check
/** Where the tiles of the grid lie: groups, each under a heading of its own, in rows of equal tiles. Pixels. */

export const GAP = 12;
const HEAD = 48;
const ABOUT = 34;

/** @typedef {{count: number}} Counted */
/** @typedef {{top: number, start: number, count: number, bottom: number}} Block a group: where it lies, its first place */
/** @typedef {{index: number, x: number, y: number}} Spot */

export class GridLayout {
  /**
   * @param {Counted[]} groups a group that has more than its count has a heading
   * @param {number} width of the whole grid
   * @param {number} size the smallest width of a tile that is wanted
   */
  constructor(groups, width, size) {
    const least = Math.min(size, (width - GAP) / 2);
    this.columns = Math.max(1, Math.floor((width + GAP) / (least + GAP)));
    this.width = (width - GAP * (this.columns - 1)) / this.columns;
    this.height = Math.round((this.width * 2) / 3) + ABOUT;
    const grouped = groups.length > 1 || (groups.length === 1 && Object.keys(groups[0]).length > 1);
    this.head = grouped ? HEAD : 0;
    let top = 0;
    let start = 0;
    /** @type {Block[]} */
    this.blocks = groups.map(({ count }) => {
      const block = { top, start, count, bottom: top + this.head + Math.ceil(count / this.columns) * this.row };
      top = block.bottom;
      start += count;
      return block;
    });
    this.bottom = top;
    this.total = start;
  }

  /** From one row's top to the next. */
  get row() {
    return this.height + GAP;
  }

  /** The number of the first block that is not before something. @param {(block: Block) => boolean} before */
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

  /** The block that a place lies in. @param {number} index @returns {Block | undefined} */
  blockOf(index) {
    return this.blocks[this.blockAt((block) => block.start + block.count <= index)];
  }

  /**
   * What lies between two heights: the numbers of its blocks, and its tiles.
   * @param {number} from
   * @param {number} to
   */
  between(from, to) {
    /** @type {number[]} */
    const blocks = [];
    /** @type {Spot[]} */
    const spots = [];
    let at = this.blockAt((block) => block.bottom < from);
    for (; at < this.blocks.length && this.blocks[at].top < to; at += 1) {
      const { top, start, count } = this.blocks[at];
      blocks.push(at);
      const begin = Math.max(0, Math.floor((from - top - this.head) / this.row)) * this.columns;
      const end = Math.min(count, Math.ceil((to - top - this.head) / this.row) * this.columns);
      for (let inner = begin; inner < end; inner += 1) spots.push(this.spot(start + inner, this.blocks[at]));
    }
    return { blocks, spots };
  }

  /** Where a tile lies. @param {number} index @param {Block} block its own @returns {Spot} */
  spot(index, { top, start }) {
    const inner = index - start;
    const x = (inner % this.columns) * (this.width + GAP);
    return { index, x, y: top + this.head + Math.floor(inner / this.columns) * this.row };
  }

  /**
   * The heights that must be in sight to see a tile: its own, and the heading above a block's first row.
   * @param {number} index
   */
  span(index) {
    const block = this.blockOf(index);
    if (!block) return null;
    const { y } = this.spot(index, block);
    const first = index - block.start < this.columns;
    return { top: y - (first ? this.head : 0), bottom: y + this.height };
  }

  /**
   * The place a row up or down: in the same column, also across headings.
   * @param {number} index
   * @param {1 | -1} by
   */
  nextRow(index, by) {
    const at = this.blockAt((block) => block.start + block.count <= index);
    const block = this.blocks[at];
    if (!block) return index;
    const column = (index - block.start) % this.columns;
    const row = Math.floor((index - block.start) / this.columns) + by;
    const last = block.start + block.count - 1;
    if (row >= 0 && row < Math.ceil(block.count / this.columns)) {
      return Math.min(block.start + row * this.columns + column, last);
    }
    const other = this.blocks[at + by];
    if (!other) return by < 0 ? index : last;
    const lastRow = Math.floor((other.count - 1) / this.columns) * this.columns;
    return Math.min(other.start + (by < 0 ? lastRow : 0) + column, other.start + other.count - 1);
  }
}
