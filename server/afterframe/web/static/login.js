// @ts-check
/** Keeps the new session's second secret where only pages of this very origin can read it, then opens the page. */
import { byId } from "./dom.js";
import { STORED } from "./keys.js";

const blocked = byId("blocked");
try {
  localStorage.setItem(STORED, blocked.dataset.secret ?? "");
  location.replace("/");
} catch {
  blocked.hidden = false;
}
