// @ts-check
/** One clip: photo and clip side by side, verdict, variants, recipe. */
import { get, post } from "./api.js";
import { costRow, factRows, promptText, recipeRows } from "./clip_facts.js";
import { allInside, byId, el, inside, targetOf } from "./dom.js";
import { fileName, lastPart, shown, t } from "./i18n.js";
import { keyed } from "./keys.js";
import { typing } from "./page.js";
import { Player } from "./player.js";
import { fillRefine, onDraft } from "./refine.js";
import { row } from "./rows.js";
import { SeenMarks } from "./seen.js";
import { lostTakes } from "./takes.js";
import { toast, toastError } from "./toast.js";
import { changeOf, judge, undo } from "./verdicts.js";

/** @typedef {import("./api.js").Clip} Clip */

const dialog = byId("detail", HTMLDialogElement);
/** @type {Record<string, string>} */
const KEYS = {
  ArrowLeft: "previous",
  ArrowRight: "next",
  " ": "play",
  ",": "stepback",
  ".": "step",
  "[": "slower",
  "]": "faster",
  l: "loop",
  z: "zoom",
  c: "compare",
  v: "variants",
  f: "full",
  e: "edit",
  d: "download",
  o: "seen",
};

export class Detail {
  /** @param {import("./list.js").List} list @param {(index: number) => void} moved */
  constructor(list, moved) {
    this.list = list;
    this.moved = moved;
    this.player = new Player();
    this.marks = new SeenMarks();
    this.index = 0;
    /** @type {string[]} the ids of the items behind the clip */
    this.following = [];
    /** @type {Clip | null} */
    this.clip = null;
    /** @type {Clip[]} */
    this.variants = [];
    /** @type {{clip: string, parts: HTMLElement[]}} */
    this.takes = { clip: "", parts: [] };
    onDraft((file, name) => this.player.showFile(file, name));
    this.listen();
  }

  get open() {
    return dialog.open;
  }

  /** Show the clip at a place of the list. @param {number} index */
  async show(index) {
    const clip = await this.list.find(index);
    if (!clip || !("file" in clip)) return;
    this.index = index;
    this.moved(index);
    if (!dialog.open) {
      dialog.showModal();
      history.pushState({ detail: true }, "", `#${clip.id}`);
      byId("detail-name").focus();
    } else {
      history.replaceState({ detail: true }, "", `#${clip.id}`);
    }
    this.fill(clip);
    this.list.find(index + 1).catch(() => {}); // only to have it ready
  }

  /** Show a clip wherever it stands. @param {string} id */
  async showById(id) {
    const clip = await get("/api/clips/{clip_id}", { path: { clip_id: id } });
    const index = this.list.indexOf(id);
    if (index >= 0) this.index = index;
    if (!dialog.open) {
      dialog.showModal();
      byId("detail-name").focus();
    }
    this.fill(clip);
  }

  /** Go on from the clip that is shown, wherever it stands by now. @param {number} by */
  async step(by) {
    const at = this.list.indexOf(this.clip?.id ?? "");
    // A clip that was just judged may have left the list: those that followed it are still known by their ids.
    const next = this.list.firstOf(this.following);
    const here = next >= 0 ? next : this.index;
    const to = at >= 0 ? at + by : by > 0 ? here : here - 1;
    if (to >= 0 && to < this.list.total) this.show(to);
    else toast(by > 0 ? t("That was the last one.") : t("That is the first one."));
  }

  /** The list has changed: what is shown may stand elsewhere in it. */
  follow() {
    const at = this.list.indexOf(this.clip?.id ?? "");
    if (!this.clip || at < 0) return;
    this.index = at;
    this.following = this.list.idsFrom(at + 1);
    byId("detail-place").textContent = this.placeOf(this.clip);
  }

  /** @param {Clip} clip */
  fill(clip) {
    const other = this.clip?.id !== clip.id;
    this.clip = clip;
    byId("detail-name").replaceChildren(el("bdi", { title: shown(clip.photo) }, fileName(clip.photo)));
    byId("detail-place").textContent = this.placeOf(clip);
    this.follow();
    this.showVerdict();
    if (!other) return;
    byId("look", HTMLAnchorElement).href = keyed(`/api/clips/${clip.id}/interactive`);
    byId("download", HTMLAnchorElement).href = keyed(clip.file);
    byId("download", HTMLAnchorElement).download = lastPart(clip.path);
    this.player.show(clip);
    this.showRecipe(clip);
    fillRefine(clip);
    this.marks.clear();
    this.showContext();
    this.showOutdated().catch(() => {}); // only an offer
    this.showTakes(clip).catch(() => {}); // likewise
  }

  /** Which variant it is, and where it stands in the list. @param {Clip} clip */
  placeOf(clip) {
    const variant = clip.variant > 1 ? t("variant {n}", { n: clip.variant }) : "";
    const listed = this.list.at(this.index)?.id === clip.id;
    const place = listed ? t("{n} of {all}", { n: this.index + 1, all: this.list.total }) : "";
    return [variant, place].filter(Boolean).join(" · ");
  }

  showVerdict() {
    if (!this.clip) return;
    const { verdict, rating } = this.clip;
    for (const button of allInside(dialog, "[data-judge]")) {
      button.setAttribute("aria-pressed", String(button.dataset.judge === verdict));
    }
    for (const button of allInside(dialog, "[data-rate]")) {
      button.classList.toggle("lit", Number(button.dataset.rate) <= rating);
      button.setAttribute("aria-pressed", String(Number(button.dataset.rate) === rating));
    }
  }

  /** @param {Clip} clip */
  showRecipe(clip) {
    byId("prompt").textContent = promptText(clip.recipe.prompt);
    const maker = { name: t("Made by"), value: `${clip.generator} ${clip.generator_version}`, reasons: [] };
    const cost = costRow(clip.cost);
    byId("recipe").replaceChildren(...[...recipeRows(clip.recipe), maker, ...(cost ? [cost] : [])].map(row));
    const files = { [t("Clip")]: clip.path, [t("Sidecar")]: clip.sidecar, [t("Photo")]: clip.photo };
    byId("files").replaceChildren(...Object.entries(files).map(([name, value]) => row({ name, value, reasons: [] })));
  }

  async showContext() {
    const id = this.clip?.id ?? "";
    try {
      const { facts, clips, seen } = await get("/api/clips/{clip_id}/context", { path: { clip_id: id } });
      if (this.clip?.id !== id) return;
      this.variants = clips;
      byId("facts").replaceChildren(...factRows(facts).map(row));
      this.marks.show(id, seen);
      this.showVariants();
    } catch (error) {
      if (this.clip?.id === id) toastError(error);
    }
  }

  /** Offer to make the clip again where photo or folder say something else by now. */
  async showOutdated() {
    const id = this.clip?.id ?? "";
    byId("outdated").hidden = true;
    const { outdated } = await get("/api/clips/{clip_id}/outdated", { path: { clip_id: id } });
    if (this.clip?.id !== id || !outdated.length) return;
    byId("outdated-says").textContent = outdated.includes("words")
      ? t("The photo's caption or keywords have changed since.")
      : t("The folder's settings have changed since.");
    byId("outdated").hidden = false;
  }

  async renew() {
    if (!this.clip) return;
    byId("outdated").hidden = true;
    try {
      await post("/api/clips/{clip_id}/renew", { path: { clip_id: this.clip.id } });
      toast(t("The clip is being made again."));
    } catch (error) {
      toastError(error);
    }
  }

  /** Order the clip with another part after it. */
  async extend() {
    if (!this.clip) return;
    try {
      const seconds = Number(byId("seconds-more", HTMLInputElement).value);
      await post("/api/clips/{clip_id}/extend", { path: { clip_id: this.clip.id }, body: { seconds } });
      toast(t("Another clip is being made. It appears among the variants."));
    } catch (error) {
      toastError(error);
    }
  }

  showVariants() {
    const several = this.variants.length > 1;
    const takes = this.takes.clip === this.clip?.id ? this.takes.parts : [];
    const strip = byId("strip");
    const focused = strip.contains(document.activeElement);
    strip.replaceChildren(...(several ? this.variants.map((clip) => this.variant(clip)) : []), ...takes);
    if (focused)
      (this.clip && several ? inside(strip, `[data-variant="${this.clip.id}"]`) : byId("detail-name")).focus();
  }

  /** The takes that lost stand behind the variants. @param {Clip} clip */
  async showTakes(clip) {
    const parts = await lostTakes(clip, (file, name) => this.player.showFile(file, name));
    this.takes = { clip: clip.id, parts };
    if (this.clip?.id === clip.id && parts.length) this.showVariants();
  }

  /** @param {Clip} clip */
  variant(clip) {
    const mark = { approved: "✓", rejected: "✕", none: "" }[clip.verdict];
    const words = `${t("variant {n}", { n: clip.variant })} ${mark}${"★".repeat(clip.rating)}`;
    const button = el(
      "button",
      { type: "button", onclick: () => this.fillVariant(clip), "data-variant": clip.id },
      el("img", { src: keyed(`${clip.poster}?size=small`), alt: "" }),
      el("span", {}, words),
    );
    if (clip.id === this.clip?.id) button.setAttribute("aria-current", "true");
    return button;
  }

  /** @param {Clip} clip */
  fillVariant(clip) {
    history.replaceState({ detail: true }, "", `#${clip.id}`);
    this.fill(clip);
    inside(byId("strip"), `[data-variant="${clip.id}"]`).focus();
  }

  /** What was seen, over the photo, or not any more; where only the clip is shown, the photo comes beside it. */
  showSeen() {
    this.marks.toggle();
    if (this.marks.on && this.player.mode === "clip") this.player.setMode("side");
  }

  nextVariant() {
    if (this.variants.length < 2) return toast(t("There is only one clip of this photo."));
    const at = this.variants.findIndex((clip) => clip.id === this.clip?.id);
    this.fillVariant(this.variants[(at + 1) % this.variants.length]);
  }

  /** @param {Clip[]} clips clips as they are by now */
  judged(clips) {
    const mine = clips.find((clip) => clip.id === this.clip?.id);
    if (mine && dialog.open) {
      this.clip = mine;
      this.showVerdict();
    }
    this.variants = this.variants.map((clip) => clips.find((fresh) => fresh.id === clip.id) ?? clip);
    this.showVariants();
  }

  /** A new clip is there. @param {import("./events.js").ClipEvent} event */
  came(event) {
    if (dialog.open && event.photo === this.clip?.photo) {
      this.showContext();
      toast(t("A new variant is there."));
    }
  }

  close() {
    if (dialog.open) dialog.close();
  }

  /* ---- keys and buttons ----------------------------------------------------------------------- */

  /** @type {Record<string, () => void>} */
  acts = {
    close: () => this.close(),
    previous: () => this.step(-1),
    next: () => this.step(1),
    play: () => this.player.playOrPause(),
    step: () => this.player.step(1),
    stepback: () => this.player.step(-1),
    loop: () => this.player.toggleLoop(),
    zoom: () => this.player.zoom(!this.player.zoomed),
    full: () => this.player.toggleFullScreen(),
    compare: () => this.player.nextMode(),
    variants: () => this.nextVariant(),
    edit: () => inside(byId("refine"), "[name=motion_intensity]").focus(),
    download: () => byId("download").click(),
    seen: () => this.showSeen(),
    slower: () => this.player.changeSpeed(-1),
    faster: () => this.player.changeSpeed(1),
    undo: () => void undo(),
    renew: () => void this.renew(),
    extend: () => void this.extend(),
  };

  /** @param {KeyboardEvent} event */
  key(event) {
    if (typing(event) || byId("help", HTMLDialogElement).open || byId("add", HTMLDialogElement).open) return;
    const target = targetOf(event);
    if (target?.matches('[type="range"]') && event.key.startsWith("Arrow")) return;
    if (event.key === " " && target?.closest('button, summary, a, input:not([type="range"])')) return;
    const act = actOf(event);
    const change = changeOf(event);
    if (act) this.acts[act]();
    else if (change) this.judge(change, event.shiftKey);
    else return;
    event.preventDefault();
  }

  /** @param {import("./verdicts.js").Change} change @param {boolean} [on] go on to the next one */
  async judge(change, on = false) {
    if (!this.clip) return;
    await judge([this.clip], change);
    if (on) this.step(1);
  }

  /** @param {MouseEvent} event */
  click(event) {
    const { act, mode, judge: verdict, rate } = targetOf(event, "button")?.dataset ?? {};
    if (act) this.acts[act]();
    else if (mode) this.player.setMode(mode);
    else if (verdict === "approved" || verdict === "rejected") {
      this.judge({ verdict: verdict === this.clip?.verdict ? "none" : verdict });
    } else if (rate) {
      this.judge({ rating: Number(rate) === this.clip?.rating ? 0 : Number(rate) });
    } else if (targetOf(event, ".stage") && event.target !== byId("wipe")) {
      this.acts[this.player.zoomed ? "zoom" : "play"]();
    }
  }

  listen() {
    // Of the whole page: where what had the focus is replaced, keys go to the body.
    addEventListener("keydown", (event) => dialog.open && this.key(event));
    dialog.addEventListener("click", (event) => this.click(event));
    dialog.addEventListener("close", () => {
      document.body.append(byId("says"));
      this.player.clear();
      this.marks.clear();
      if (history.state?.detail) history.back();
      else if (location.hash) history.replaceState(null, "", location.pathname + location.search);
      this.clip = null;
      this.moved(this.index);
    });
    addEventListener("popstate", () => !location.hash && this.close());
  }
}

/** What a key does; nothing when it is no key of ours. @param {KeyboardEvent} event */
function actOf(event) {
  const key = event.key.length > 1 ? event.key : event.key.toLowerCase();
  if ((event.ctrlKey || event.metaKey) && key === "z") return "undo";
  return event.ctrlKey || event.metaKey || event.altKey ? undefined : KEYS[key];
}
