// @ts-check
/** The browsers that are let in, and logging one out. */
import { get, remove } from "./api.js";
import { byId, el } from "./dom.js";
import { moment, shown, t } from "./i18n.js";
import { messageOf, toastError } from "./toast.js";

/** @typedef {import("./api.js").Answer<"/api/sessions", "get">["sessions"][number]} Session */

/** Ask for the sessions and show them; where that does not work, why. */
export async function showSessions() {
  try {
    const { sessions } = await get("/api/sessions");
    byId("sessions").replaceChildren(...sessions.map(entry));
  } catch (error) {
    byId("sessions").replaceChildren(el("li", { class: "hint" }, messageOf(error)));
  }
}

/** @param {Session} session */
function entry(session) {
  const name = shown(session.device) || t("A browser");
  const end = el(
    "button",
    { type: "button", onclick: () => logOut(session), "aria-label": t("Log out {name}", { name }) },
    t("Log out"),
  );
  return el(
    "li",
    { "data-session": session.id },
    el(
      "p",
      { class: "row" },
      el(
        "span",
        {},
        el("strong", {}, name),
        " ",
        session.current ? el("span", { class: "count" }, t("this browser")) : "",
      ),
      el("span", { class: "actions" }, end),
    ),
    el(
      "p",
      { class: "hint" },
      t("last seen {when}", { when: moment(session.seen_at) }),
      " · ",
      t("let in {when}", { when: moment(session.began_at) }),
    ),
  );
}

/** @param {Session} session */
async function logOut(session) {
  try {
    await remove("/api/sessions/{session_id}", { path: { session_id: session.id } });
    if (session.current) location.reload();
    else await showSessions();
  } catch (error) {
    toastError(error);
  }
}
