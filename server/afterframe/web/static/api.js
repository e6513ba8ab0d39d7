// @ts-check
/** Requests to the daemon, typed by its contract: /api/openapi.json says what each address takes and gives. */
import { t } from "./i18n.js";
import { secretHeader } from "./keys.js";

/** @typedef {import("api-types").paths} Paths */
/** @typedef {import("api-types").components["schemas"]} Schemas */
/** @typedef {Schemas["Clip"]} Clip */
/** @typedef {Schemas["Render"]} Render */
/** @typedef {Schemas["Recipe"]} Recipe */
/** @typedef {Schemas["Reason"]} Reason */
/** @typedef {"get" | "post" | "delete"} Method */

/**
 * The addresses that answer to a method.
 * @template {Method} M
 * @typedef {{[P in keyof Paths]: Paths[P] extends Record<M, object> ? P : never}[keyof Paths]} Address
 */

/**
 * The JSON of a good answer.
 * @template {keyof Paths} P
 * @template {Method} M
 * @typedef {Paths[P][M] extends {responses: infer R} ? JsonOf<R[keyof R & (200 | 201 | 202)]> : never} Answer
 */

/**
 * @template R
 * @typedef {R extends {content: {"application/json": infer T}} ? T : never} JsonOf
 */

/**
 * What a request may hold: the values for the names in its address, its query, its body.
 * @template {keyof Paths} P
 * @template {Method} M
 * @typedef {{
 *   path?: Paths[P][M] extends {parameters: {path: infer T extends Record<string, string>}} ? T : never,
 *   query?: URLSearchParams | (Paths[P][M] extends {parameters: {query?: infer T extends object}} ? T : never),
 *   body?: Paths[P][M] extends {requestBody: {content: {"application/json": infer T extends object}}} ? T : never,
 *   signal?: AbortSignal,
 * }} Options
 */

/** The daemon's refusal, in its own words. */
export class Problem extends Error {
  /** @param {Reason} error @param {number} status */
  constructor(error, status) {
    super([error.message, error.hint].filter(Boolean).join(" "));
    this.code = error.code;
    this.status = status;
  }
}

/**
 * @template {Address<"get">} P
 * @param {P} address
 * @param {Options<P, "get">} [options]
 * @returns {Promise<Answer<P, "get">>}
 */
export async function get(address, options = {}) {
  return /** @type {Answer<P, "get">} */ (await request("GET", filled(address, options), undefined, options.signal));
}

/**
 * @template {Address<"post">} P
 * @param {P} address
 * @param {Options<P, "post">} [options]
 * @returns {Promise<Answer<P, "post">>}
 */
export async function post(address, options = {}) {
  const { body = {}, signal } = options;
  return /** @type {Answer<P, "post">} */ (await request("POST", filled(address, options), body, signal));
}

/**
 * @template {Address<"delete">} P
 * @param {P} address
 * @param {Options<P, "delete">} [options]
 * @returns {Promise<Answer<P, "delete">>}
 */
export async function remove(address, options = {}) {
  const { body = {}, signal } = options;
  return /** @type {Answer<P, "delete">} */ (await request("DELETE", filled(address, options), body, signal));
}

/** Send a form with a photo. @param {FormData} form @returns {Promise<Answer<"/api/uploads", "post">>} */
export async function upload(form) {
  return /** @type {Answer<"/api/uploads", "post">} */ (await request("POST", "/api/uploads", form));
}

/**
 * An address with its values in place of {names}, and its query.
 * @param {string} address
 * @param {{path?: Record<string, string>, query?: URLSearchParams | object}} values
 */
export function filled(address, { path = {}, query = {} }) {
  const place = address.replace(/\{(\w+)\}/g, (_, name) => {
    if (path[name] === undefined) throw new Error(`${address}: no ${name} was given`);
    return encodeURIComponent(path[name]);
  });
  const values = String(query instanceof URLSearchParams ? query : new URLSearchParams(Object.entries(query)));
  return values ? `${place}?${values}` : place;
}

/**
 * @param {string} method
 * @param {string} address
 * @param {object | FormData} [body]
 * @param {AbortSignal} [signal]
 * @returns {Promise<unknown>}
 */
async function request(method, address, body, signal) {
  const isForm = body instanceof FormData;
  let answer;
  try {
    answer = await fetch(address, {
      method,
      signal,
      headers: { ...secretHeader(), ...(body && !isForm ? { "Content-Type": "application/json" } : {}) },
      body: isForm ? body : body && JSON.stringify(body),
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new Problem({ code: "away", message: t("Afterframe does not answer. Is it still running?"), hint: "" }, 0);
  }
  const found = await answer.json().catch(() => null);
  if (answer.ok && found) return found;
  const strange = { code: "strange", message: t("Afterframe gave a strange answer."), hint: "" };
  throw new Problem(found?.error ?? strange, answer.status);
}
