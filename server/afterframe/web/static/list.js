// @ts-check
/** A list of clips, or of renders, as the server has it: its headings, and those of its entries that were looked at lately. */
import { get } from "./api.js";

/** @typedef {import("./verdicts.js").Clip | import("./unfinished.js").Render} Item */
/** @typedef {{count: number, made_day?: string, taken_day?: string, folder?: string, rating?: number}} Group */

export const CHUNK = 60;
const CLIPS = "/api/clips";
const UNFINISHED = "/api/renders/unfinished";
const KEPT = 60;
const AT_A_TIME = 3;

/** Where the server lists what is chosen. @param {URLSearchParams} choice */
export function whereOf(choice) {
  return choice.has("state") ? UNFINISHED : CLIPS;
}

export class List {
  /** @param {() => void} changed called when more of the list is known @param {(error: unknown) => void} failed */
  constructor(changed, failed) {
    this.changed = changed;
    this.failed = failed;
    /** @type {Group[]} */
    this.groups = [];
    this.total = 0;
    this.address = CLIPS;
    this.query = "";
    /** @type {Map<number, {items: Item[], stale: boolean}>} chunk number -> entries, the latest used last */
    this.chunks = new Map();
    /** @type {Map<number, AbortController>} */
    this.asked = new Map();
    /** @type {[number, number]} */
    this.wanted = [0, 0];
    this.version = 0;
  }

  /** Begin anew with another choice. @param {URLSearchParams} choice */
  async choose(choice) {
    this.address = whereOf(choice);
    this.query = String(choice);
    this.chunks.clear();
    await this.refresh();
  }

  /** Ask the server again; what is shown stays until the answer is there. */
  async refresh() {
    const version = (this.version += 1);
    for (const [number, asked] of this.asked) {
      asked.abort();
      this.asked.delete(number);
    }
    for (const chunk of this.chunks.values()) chunk.stale = true;
    const first = this.chunks.size ? null : this.fetch(0, version); // both at once: the first row is there sooner
    first?.catch(() => {}); // it is awaited below; the outline may fail before
    const outline = await get(`${this.address}/outline?${this.query}`);
    if (version !== this.version) return;
    this.groups = outline.groups;
    this.total = outline.total;
    await first;
    if (version !== this.version) return;
    this.changed();
    this.want(...this.wanted);
  }

  /** The entry at a place, if it is known. @param {number} index @returns {Item | undefined} */
  at(index) {
    return this.chunks.get(Math.floor(index / CHUNK))?.items[index % CHUNK];
  }

  /** The entry at a place, asked for where it is not known. @param {number} index @returns {Promise<Item | undefined>} */
  async find(index) {
    const number = Math.floor(index / CHUNK);
    const chunk = this.chunks.get(number);
    if (!chunk || chunk.stale) await this.fetch(number, this.version);
    return this.at(index);
  }

  /** Places from one to before another are in sight, or soon will be. @param {number} from @param {number} to */
  want(from, to) {
    this.wanted = [from, to];
    const first = Math.floor(from / CHUNK);
    const last = Math.floor(Math.max(from, to - 1) / CHUNK);
    for (const [number, asked] of this.asked) {
      if (number < first - 1 || number > last + 1) {
        asked.abort();
        this.asked.delete(number);
      }
    }
    const middle = (first + last) / 2;
    const missing = [];
    for (let number = first; number <= last; number += 1) {
      const chunk = this.chunks.get(number);
      if ((!chunk || chunk.stale) && !this.asked.has(number) && number * CHUNK < this.total) missing.push(number);
    }
    missing.sort((a, b) => Math.abs(a - middle) - Math.abs(b - middle));
    for (const number of missing.slice(0, Math.max(0, AT_A_TIME - this.asked.size)))
      this.fetch(number, this.version).catch(this.failed);
  }

  /** @param {number} number @param {number} version */
  async fetch(number, version) {
    const asked = new AbortController();
    this.asked.set(number, asked);
    try {
      const { clips, renders } = await get(
        `${this.address}?${this.query}&skip=${number * CHUNK}&limit=${CHUNK}`,
        asked.signal,
      );
      if (version !== this.version) return;
      this.chunks.delete(number);
      this.chunks.set(number, { items: clips ?? renders, stale: false });
      for (const old of this.chunks.keys()) {
        if (this.chunks.size <= KEPT) break;
        this.chunks.delete(old);
      }
      this.asked.delete(number);
      this.changed();
      this.want(...this.wanted);
    } catch (error) {
      if (this.asked.get(number) === asked) this.asked.delete(number);
      if (!asked.signal.aborted) throw error;
    }
  }

  /** Put what changed in the place of what was known of it. @param {Item[]} items */
  replace(items) {
    const fresh = new Map(items.map((item) => [item.id, item]));
    for (const chunk of this.chunks.values()) chunk.items = chunk.items.map((item) => fresh.get(item.id) ?? item);
  }

  /** Where an entry stands, if it is known. @param {string} id */
  indexOf(id) {
    for (const [number, { items }] of this.chunks) {
      const at = items.findIndex((item) => item.id === id);
      if (at >= 0) return number * CHUNK + at;
    }
    return -1;
  }
}
