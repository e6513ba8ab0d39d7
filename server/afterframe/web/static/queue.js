// @ts-check
/** The queue page. */
import "./page.js";
