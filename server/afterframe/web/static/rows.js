// @ts-check
/** Rows of a name, a value and the reasons for it, in a list of definitions. */
import { el } from "./dom.js";
import { shown } from "./i18n.js";

/** @param {import("./clip_facts.js").Row} row */
export function row({ name, value, reasons }) {
  const why = reasons.map((reason) => el("small", { dir: "auto" }, shown(reason)));
  return el("div", {}, el("dt", {}, name), el("dd", { dir: "auto" }, shown(value), ...why));
}
