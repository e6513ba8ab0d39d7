// @ts-check
/** Opens the page that was asked for: its key comes from the secret that this origin's storage holds. */
import { byId } from "./dom.js";
import { STORED, secretHeader } from "./keys.js";

const JUST_NOW_MS = 3000;

async function open() {
  const here = new URL(location.href);
  const [path, at] = (sessionStorage.getItem(STORED) ?? "").split(" ");
  const refused = here.searchParams.has("key") && path === here.pathname && Date.now() - Number(at) < JUST_NOW_MS;
  const headers = { "Content-Type": "application/json", ...secretHeader() };
  const body = JSON.stringify({ page: here.pathname });
  const answer = refused ? null : await fetch("/api/keys", { method: "POST", headers, body });
  if (!answer?.ok) return false;
  here.searchParams.set("key", (await answer.json()).key);
  sessionStorage.setItem(STORED, `${here.pathname} ${Date.now()}`); // a key refused at once is not asked for for ever
  location.replace(here);
  return true;
}

if (!(await open().catch(() => false))) byId("closed").hidden = false;
