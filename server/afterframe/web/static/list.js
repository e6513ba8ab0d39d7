// @ts-check
/** A list of clips, or of renders, as the server has it: its groups, and those of its items that were looked at lately. */
import { get } from "./api.js";
import { isUnfinished } from "./choice.js";

/** @typedef {import("./api.js").Clip | import("./api.js").Render} Item */
/** @typedef {import("./api.js").Answer<"/api/clips/outline", "get">} Outline */
/** @typedef {Outline["groups"][number]} Group */

/**
 * Where a list comes from.
 * @typedef {{
 *   outline: (choice: URLSearchParams) => Promise<Outline>,
 *   page: (choice: URLSearchParams, skip: number, limit: number, signal: AbortSignal) => Promise<Item[]>,
 *   facets: () => Promise<import("./api.js").Answer<"/api/clips/choices", "get">>,
 * }} Source
 */

export const CHUNK = 60;
const MAX_CACHED = 60;
const MAX_PARALLEL = 3;
/** So many items from a place on are remembered, for when the one that stood there leaves the list. */
const FOLLOWED = 30;

/** @type {Source} */
const CLIPS = {
  outline: (query) => get("/api/clips/outline", { query }),
  page: async (choice, skip, limit, signal) =>
    (await get("/api/clips", { query: pageOf(choice, skip, limit), signal })).clips,
  facets: () => get("/api/clips/choices"),
};

/** @type {Source} */
const UNFINISHED = {
  outline: (query) => get("/api/renders/unfinished/outline", { query }),
  page: async (choice, skip, limit, signal) =>
    (await get("/api/renders/unfinished", { query: pageOf(choice, skip, limit), signal })).renders,
  facets: () => get("/api/renders/unfinished/choices"),
};

/** Where the server lists what is chosen. @param {URLSearchParams} choice */
export function sourceOf(choice) {
  return isUnfinished(choice) ? UNFINISHED : CLIPS;
}

/** @param {URLSearchParams} choice @param {number} skip @param {number} limit */
function pageOf(choice, skip, limit) {
  const query = new URLSearchParams(choice);
  query.set("skip", String(skip));
  query.set("limit", String(limit));
  return query;
}

/** @param {number} index */
function chunkOf(index) {
  return Math.floor(Math.max(0, index) / CHUNK);
}

export class List {
  /**
   * @param {() => void} changed called when more of the list is known
   * @param {(error: unknown) => void} failed
   * @param {() => number[]} [places] where somebody is: these are known again as soon as the list has changed
   * @param {(choice: URLSearchParams) => Source} [from]
   */
  constructor(changed, failed, places = () => [], from = sourceOf) {
    this.changed = changed;
    this.failed = failed;
    this.places = places;
    this.from = from;
    /** @type {Group[]} */
    this.groups = [];
    this.total = 0;
    this.choice = new URLSearchParams();
    /** @type {Map<number, Item[]>} chunk number -> items, the latest used last */
    this.chunks = new Map();
    /** @type {Map<number, AbortController>} */
    this.asked = new Map();
    /** @type {[number, number]} */
    this.wanted = [0, 0];
    this.version = 0;
  }

  /** Begin anew with another choice. @param {URLSearchParams} choice */
  async choose(choice) {
    this.choice = choice;
    this.chunks.clear();
    this.wanted = [0, 0];
    await this.refresh();
  }

  /**
   * Ask the server again. What is shown stays until the answer is there, and changes at once: nobody ever sees, or judges,
   * a list that is half of yesterday.
   */
  async refresh() {
    const version = (this.version += 1);
    for (const [number, asked] of this.asked) {
      asked.abort();
      this.asked.delete(number);
    }
    const asked = new AbortController();
    this.asked.set(-1, asked);
    try {
      const numbers = new Set([this.wanted[0], Math.max(...this.wanted) - 1, ...this.places()].map(chunkOf));
      const [outline, ...chunks] = await Promise.all([
        this.from(this.choice).outline(this.choice),
        ...[...numbers].map(async (number) => /** @type {const} */ ([number, await this.page(number, asked)])),
      ]);
      if (version !== this.version) return;
      this.groups = outline.groups;
      this.total = outline.total;
      this.chunks = new Map(chunks);
    } catch (error) {
      if (!asked.signal.aborted) throw error;
      return;
    } finally {
      if (this.asked.get(-1) === asked) this.asked.delete(-1);
    }
    this.changed();
    this.want(...this.wanted);
  }

  /** @param {number} number @param {AbortController} asked */
  page(number, asked) {
    return this.from(this.choice).page(this.choice, number * CHUNK, CHUNK, asked.signal);
  }

  /** The item at a place, if it is known. @param {number} index @returns {Item | undefined} */
  at(index) {
    return this.chunks.get(chunkOf(index))?.[index % CHUNK];
  }

  /** The item at a place, asked for where it is not known. @param {number} index @returns {Promise<Item | undefined>} */
  async find(index) {
    if (!this.chunks.has(chunkOf(index))) await this.fetch(chunkOf(index), this.version);
    return this.at(index);
  }

  /** Places from one to before another are in sight, or soon will be. @param {number} from @param {number} to */
  want(from, to) {
    this.wanted = [from, to];
    const first = chunkOf(from);
    const last = chunkOf(Math.max(from, to - 1));
    for (const [number, asked] of this.asked) {
      if (number < 0) continue; // a refresh
      if (number < first - 1 || number > last + 1) {
        asked.abort();
        this.asked.delete(number);
      }
    }
    const middle = (first + last) / 2;
    const missing = [];
    for (let number = first; number <= last; number += 1) {
      if (!this.chunks.has(number) && !this.asked.has(number) && number * CHUNK < this.total) missing.push(number);
    }
    missing.sort((a, b) => Math.abs(a - middle) - Math.abs(b - middle));
    for (const number of missing.slice(0, Math.max(0, MAX_PARALLEL - this.asked.size))) {
      this.fetch(number, this.version).catch(this.failed);
    }
  }

  /** @param {number} number @param {number} version */
  async fetch(number, version) {
    const asked = new AbortController();
    this.asked.set(number, asked);
    try {
      const items = await this.page(number, asked);
      if (version !== this.version) return;
      this.chunks.set(number, items);
      for (const old of this.chunks.keys()) {
        if (this.chunks.size <= MAX_CACHED) break;
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
    for (const [number, items] of this.chunks) {
      this.chunks.set(
        number,
        items.map((item) => fresh.get(item.id) ?? item),
      );
    }
  }

  /** The ids of the item at a place and of those that follow it, as far as they are known. @param {number} index */
  idsFrom(index) {
    const ids = [];
    for (let at = index; at < index + FOLLOWED; at += 1) {
      const item = this.at(at);
      if (item) ids.push(item.id);
    }
    return ids;
  }

  /** Where the first of some items stands that is known; else -1. @param {string[]} ids */
  firstOf(ids) {
    return ids.map((id) => this.indexOf(id)).find((index) => index >= 0) ?? -1;
  }

  /** Where an item stands, if it is known; else -1. @param {string} id */
  indexOf(id) {
    for (const [number, items] of this.chunks) {
      const at = items.findIndex((item) => item.id === id);
      if (at >= 0) return number * CHUNK + at;
    }
    return -1;
  }
}
