// @ts-check
/** Talking to the daemon. */
import { t } from "./words.js";

/** The daemon's refusal, in its own words. */
export class Problem extends Error {
  /** @param {{code: string, message: string, hint: string}} error @param {number} status */
  constructor(error, status) {
    super([error.message, error.hint].filter(Boolean).join(" "));
    this.code = error.code;
    this.status = status;
  }
}

/**
 * @param {string} method
 * @param {string} address
 * @param {object | FormData} [body]
 * @param {AbortSignal} [signal]
 */
export async function ask(method, address, body, signal) {
  const form = body instanceof FormData;
  let answer;
  try {
    answer = await fetch(address, {
      method,
      signal,
      headers: body && !form ? { "Content-Type": "application/json" } : {},
      body: form ? body : body && JSON.stringify(body),
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new Problem({ code: "away", message: t("Afterframe does not answer. Is it still running?"), hint: "" }, 0);
  }
  const found = await answer.json().catch(() => null);
  if (answer.ok && found) return found;
  throw new Problem(
    found?.error ?? { code: "strange", message: t("Afterframe gave a strange answer."), hint: "" },
    answer.status,
  );
}

export const get = (/** @type {string} */ address, /** @type {AbortSignal} */ signal) =>
  ask("GET", address, undefined, signal);
export const post = (
  /** @type {string} */ address,
  /** @type {object} */ body = {},
  /** @type {AbortSignal} */ signal,
) => ask("POST", address, body, signal);
