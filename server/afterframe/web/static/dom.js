// @ts-check
/** Elements of the page: found by id, and made. */

/** @typedef {string | number | boolean | ((event: Event) => unknown)} Attribute */

/**
 * The element with an id, where this page has one.
 * @template {HTMLElement} [E=HTMLElement]
 * @param {string} id
 * @param {new () => E} [kind] its class; another element is a mistake of ours
 * @returns {E | null}
 */
export function findById(id, kind = /** @type {new () => E} */ (HTMLElement)) {
  const found = document.getElementById(id);
  if (found && !(found instanceof kind)) throw new Error(`#${id} is not a ${kind.name}`);
  return found;
}

/**
 * The element with an id, which this page has.
 * @template {HTMLElement} [E=HTMLElement]
 * @param {string} id
 * @param {new () => E} [kind] its class
 * @returns {E}
 */
export function byId(id, kind) {
  const found = findById(id, kind);
  if (!found) throw new Error(`#${id} is missing`);
  return found;
}

/**
 * An element inside another, which must be there.
 * @template {Element} [E=HTMLElement]
 * @param {ParentNode} parent
 * @param {string} selector
 * @param {new () => E} [kind] its class
 * @returns {E}
 */
export function inside(parent, selector, kind = /** @type {new () => E} */ (/** @type {unknown} */ (HTMLElement))) {
  const found = parent.querySelector(selector);
  if (!(found instanceof kind)) throw new Error(`${selector} is missing`);
  return found;
}

/**
 * All HTML elements inside another that a selector matches.
 * @param {ParentNode} parent
 * @param {string} selector
 * @returns {HTMLElement[]}
 */
export function allInside(parent, selector) {
  return [...parent.querySelectorAll(selector)].filter((found) => found instanceof HTMLElement);
}

/**
 * The HTML element that an event is about: its target, or the nearest one around it that a selector matches.
 * @param {Event} event
 * @param {string} [selector]
 * @returns {HTMLElement | null}
 */
export function targetOf(event, selector = "*") {
  const found = event.target instanceof Element ? event.target.closest(selector) : null;
  return found instanceof HTMLElement ? found : null;
}

/**
 * A new element; texts become text, never markup.
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {Record<string, Attribute>} [attributes] functions listen to events: {onclick: ...}
 * @param {...(Node | string)} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name.replace(/^on/, ""), value);
    else if (typeof value === "boolean") element.toggleAttribute(name, value);
    else element.setAttribute(name, String(value));
  }
  element.append(...children);
  return element;
}
