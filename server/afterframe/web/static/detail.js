// @ts-check
/** One clip: photo and clip side by side, playback, verdict, variants, recipe. */
import { get } from "./api.js";
import { fillRefine, onDraft } from "./refine.js";
import { say } from "./say.js";
import { changeOf, judge, undo } from "./verdicts.js";
import { byId, dayName, fileName, make, shown, t } from "./words.js";
import { typing } from "./page.js";

/** @typedef {import("./verdicts.js").Clip} Clip */

const LABELS = {
  photo_type: "Kind of photo",
  camera_movement: "Camera movement",
  motion_intensity: "Motion",
  style_consistency: "Faithfulness",
  duration_s: "Length",
  fps: "Frame rate",
  size: "Size",
  loop: "Loop",
  direction: "Direction",
  negative_prompt: "To be avoided",
  seed: "Seed",
};
const FACTS = {
  camera: "Camera",
  lens: "Lens",
  focal_mm: "Focal length",
  f_number: "Aperture",
  exposure_s: "Exposure",
  iso: "ISO",
  ev100: "Light value",
  flash_fired: "Flash",
  captured_at: "Taken",
  time_of_day: "Time of day",
  light: "Light",
  place: "Place",
  title: "Title",
  caption: "Caption",
  keywords: "Keywords",
  creator: "Photographer",
};
const MODES = ["side", "wipe", "clip"];
const SPEEDS = ["0.25", "0.5", "1", "2"];
const dialog = byId("detail");
const video = /** @type {HTMLVideoElement} */ (byId("stage-clip"));
const stage = byId("stage");

export class Detail {
  /** @param {import("./list.js").List} list @param {(index: number) => void} moved */
  constructor(list, moved) {
    this.list = list;
    this.moved = moved;
    this.index = 0;
    /** @type {Clip | null} */
    this.clip = null;
    /** @type {Clip[]} */
    this.variants = [];
    this.mode = localStorage.getItem("afterframe-compare") ?? "side";
    this.looping = true;
    onDraft((file, words) => this.showDraft(file, words));
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
    const clip = /** @type {Clip} */ (await get(`/api/clips/${encodeURIComponent(id)}`));
    const index = this.list.indexOf(id);
    if (index >= 0) this.index = index;
    if (!dialog.open) {
      dialog.showModal();
      byId("detail-name").focus();
    }
    this.fill(clip);
  }

  /** @param {number} by */
  async step(by) {
    // A clip that was just judged may have left the list: the next one stands in its place.
    const here = (await this.list.find(this.index))?.id === this.clip?.id;
    const to = this.index + (by > 0 && !here ? 0 : by);
    if (to >= 0 && to < this.list.total) this.show(to);
    else say(by > 0 ? t("That was the last one.") : t("That is the first one."));
  }

  /** @param {Clip} clip */
  fill(clip) {
    const other = this.clip?.id !== clip.id;
    this.clip = clip;
    const name = fileName(clip.photo);
    byId("detail-name").replaceChildren(make("bdi", { title: shown(clip.photo) }, name));
    const index = this.list.at(this.index)?.id === clip.id;
    byId("detail-place").textContent = [
      clip.variant > 1 ? t("variant {n}", { n: clip.variant }) : "",
      index ? t("{n} of {all}", { n: this.index + 1, all: this.list.total }) : "",
    ]
      .filter(Boolean)
      .join(" · ");
    this.showVerdict();
    if (!other) return;
    byId("look").href = `/api/clips/${clip.id}/interactive`;
    byId("download").href = clip.file;
    byId("download").setAttribute("download", clip.path.replaceAll("\\", "/").split("/").pop() ?? "");
    const [width, height] = clip.recipe.size;
    stage.dataset.shape = width / height > 1.9 ? "wide" : width < height ? "tall" : "";
    this.setMode(this.mode);
    this.zoom(false);
    this.play(clip.file, clip.poster);
    this.caption();
    this.showRecipe();
    fillRefine(clip);
    this.showContext();
  }

  showVerdict() {
    if (!this.clip) return;
    for (const button of dialog.querySelectorAll("[data-judge]"))
      button.setAttribute("aria-pressed", String(button.dataset.judge === this.clip.verdict));
    for (const button of dialog.querySelectorAll("[data-rate]")) {
      button.classList.toggle("lit", Number(button.dataset.rate) <= this.clip.rating);
      button.setAttribute("aria-pressed", String(Number(button.dataset.rate) === this.clip.rating));
    }
  }

  /** @param {string} mode */
  setMode(mode) {
    this.mode = MODES.includes(mode) ? mode : "side";
    localStorage.setItem("afterframe-compare", this.mode);
    stage.dataset.mode = this.mode;
    for (const button of dialog.querySelectorAll("button[data-mode]"))
      button.setAttribute("aria-pressed", String(button.dataset.mode === this.mode));
    const photo = byId("stage-photo");
    // Behind the wipe the photo must lie where the clip lies.
    const size = this.mode === "wipe" ? "framed" : "large";
    const address = `/api/clips/${this.clip?.id}/photo?size=${size}`;
    if (this.mode === "clip") photo.removeAttribute("src");
    else if (photo.getAttribute("src") !== address) photo.src = address;
    photo.alt = t("Photo");
  }

  /** @param {string} file @param {string} [poster] */
  play(file, poster) {
    if (poster) video.poster = poster;
    else video.removeAttribute("poster");
    video.src = file;
    video.loop = this.looping;
    video.playbackRate = video.defaultPlaybackRate = Number(byId("speed").value);
    if (!matchMedia("(prefers-reduced-motion: reduce)").matches) video.play().catch(() => {});
    this.clock();
  }

  /** @param {string} [draft] what a draft in the clip's place is called */
  caption(draft = "") {
    byId("clip-caption").textContent = draft || t("Clip");
    byId("clip-caption").classList.toggle("draft", !!draft);
  }

  /** @param {string | null} file @param {string} words */
  showDraft(file, words) {
    if (!this.clip) return;
    this.caption(file ? words : "");
    this.play(file ?? this.clip.file, file ? undefined : this.clip.poster);
  }

  showRecipe() {
    if (!this.clip) return;
    const { recipe, generator, generator_version: version } = this.clip;
    byId("prompt").textContent = shown(recipe.prompt).replaceAll("␊", "\n");
    byId("recipe").replaceChildren(
      ...(recipe.because.prompt ? [row(t("Words"), "", recipe.because.prompt)] : []),
      ...Object.entries(LABELS)
        .filter(([name]) => recipe[name] !== "")
        .map(([name, label]) => row(t(label), setting(name, recipe[name]), recipe.because[name] ?? [])),
      row(t("Made by"), `${generator} ${version}`),
    );
    byId("files").replaceChildren(
      row(t("Clip"), this.clip.path),
      row(t("Sidecar"), this.clip.sidecar),
      row(t("Photo"), this.clip.photo),
    );
  }

  async showContext() {
    const id = this.clip?.id ?? "";
    try {
      const { facts, clips } = await get(`/api/clips/${encodeURIComponent(id)}/context`);
      if (this.clip?.id !== id) return;
      this.variants = clips;
      byId("facts").replaceChildren(...factRows(facts));
      byId("strip").replaceChildren(
        ...(clips.length < 2 ? [] : clips.map((/** @type {Clip} */ clip) => this.variant(clip))),
      );
    } catch (error) {
      if (this.clip?.id === id) say(/** @type {Error} */ (error).message);
    }
  }

  /** @param {Clip} clip */
  variant(clip) {
    const mark = { approved: "✓", rejected: "✕" }[clip.verdict] ?? "";
    const words = `${t("variant {n}", { n: clip.variant })} ${mark}${"★".repeat(clip.rating)}`;
    const button = make(
      "button",
      { type: "button", onclick: () => this.fillVariant(clip), "data-variant": clip.id },
      make("img", { src: `${clip.poster}?size=small`, alt: "" }),
      make("span", {}, words),
    );
    if (clip.id === this.clip?.id) button.setAttribute("aria-current", "true");
    return button;
  }

  /** @param {Clip} clip */
  fillVariant(clip) {
    history.replaceState({ detail: true }, "", `#${clip.id}`);
    this.fill(clip);
    byId("strip").querySelector(`[data-variant="${clip.id}"]`)?.focus();
  }

  nextVariant() {
    if (this.variants.length < 2) return say(t("There is only one clip of this photo."));
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
    if (this.variants.length > 1) byId("strip").replaceChildren(...this.variants.map((clip) => this.variant(clip)));
  }

  /** A new clip is there. @param {{photo: string}} event */
  came(event) {
    if (dialog.open && event.photo === this.clip?.photo) {
      this.showContext();
      say(t("A new variant is there."));
    }
  }

  close() {
    if (dialog.open) dialog.close();
  }

  /* ---- playback ----------------------------------------------------------------------------- */

  clock() {
    const fps = this.clip?.recipe.fps ?? 24;
    const length = Number.isFinite(video.duration) ? video.duration : (this.clip?.duration_s ?? 0);
    byId("time").value = length ? String(video.currentTime / length) : "0";
    byId("clock").textContent = `${video.currentTime.toFixed(2)} s · ${Math.round(video.currentTime * fps)}`;
    dialog.classList.toggle("playing", !video.paused);
  }

  /** @param {number} by frames */
  frame(by) {
    video.pause();
    const fps = this.clip?.recipe.fps ?? 24;
    // To the middle of a frame: at its very edge the one before may be shown.
    const at = Math.floor(video.currentTime * fps + 1e-3) + by;
    video.currentTime = Math.max(0, Math.min((at + 0.5) / fps, video.duration || 0));
  }

  /** @param {boolean} on */
  zoom(on) {
    const [width, height] = this.clip?.recipe.size ?? [1, 1];
    const box = video.getBoundingClientRect();
    const fitted = Math.min(box.width / width, box.height / height) || 1;
    stage.style.setProperty("--zoom", String(Math.max(1.5, 1 / fitted / devicePixelRatio)));
    stage.toggleAttribute("data-zoomed", on);
    dialog.querySelector('[data-act="zoom"]')?.setAttribute("aria-pressed", String(on));
  }

  /** @type {Record<string, () => void>} */
  acts = {
    close: () => this.close(),
    previous: () => this.step(-1),
    next: () => this.step(1),
    play: () => void (video.paused ? video.play() : video.pause()),
    step: () => this.frame(1),
    stepback: () => this.frame(-1),
    loop: () => {
      this.looping = !this.looping;
      video.loop = this.looping;
      dialog.querySelector('[data-act="loop"]')?.setAttribute("aria-pressed", String(this.looping));
    },
    zoom: () => this.zoom(!stage.hasAttribute("data-zoomed")),
    full: () =>
      void (document.fullscreenElement ? document.exitFullscreen() : stage.requestFullscreen().catch(() => {})),
    compare: () => this.setMode(MODES[(MODES.indexOf(this.mode) + 1) % MODES.length]),
    variants: () => this.nextVariant(),
    edit: () => /** @type {HTMLElement} */ (byId("refine").querySelector("[name=motion_intensity]")).focus(),
    download: () => byId("download").click(),
    slower: () => this.speed(-1),
    faster: () => this.speed(1),
    undo: () => void undo(),
  };

  /** @param {number} by */
  speed(by) {
    const select = byId("speed");
    select.value = SPEEDS[Math.max(0, Math.min(SPEEDS.length - 1, SPEEDS.indexOf(select.value) + by))];
    video.playbackRate = video.defaultPlaybackRate = Number(select.value);
    say(`${select.value}×`);
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    if (typing(event) || byId("help").open || byId("add").open) return;
    const slides = /** @type {Element} */ (event.target).matches('[type="range"]');
    const undoing = (event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "z";
    const keys = {
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
    };
    const act = undoing
      ? "undo"
      : event.ctrlKey || event.metaKey || event.altKey
        ? ""
        : keys[/** @type {keyof typeof keys} */ (event.key.length > 1 ? event.key : event.key.toLowerCase())];
    const change = changeOf(event);
    if (slides && event.key.startsWith("Arrow")) return;
    if (
      event.key === " " &&
      /** @type {Element} */ (event.target).closest('button, summary, a, input:not([type="range"])')
    )
      return;
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

  listen() {
    dialog.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => this.key(event));
    dialog.addEventListener("click", (/** @type {MouseEvent} */ event) => {
      const button = /** @type {HTMLElement | null} */ (/** @type {Element} */ (event.target).closest("button"));
      if (button?.dataset.act) this.acts[button.dataset.act]();
      else if (button?.dataset.mode) this.setMode(button.dataset.mode);
      else if (button?.dataset.judge)
        this.judge({ verdict: button.dataset.judge === this.clip?.verdict ? "none" : button.dataset.judge });
      else if (button?.dataset.rate)
        this.judge({ rating: Number(button.dataset.rate) === this.clip?.rating ? 0 : Number(button.dataset.rate) });
      else if (/** @type {Element} */ (event.target).closest(".stage") && event.target !== byId("wipe"))
        this.acts[stage.hasAttribute("data-zoomed") ? "zoom" : "play"]();
    });
    dialog.addEventListener("close", () => {
      document.body.append(byId("says"));
      video.removeAttribute("src");
      video.load();
      byId("stage-photo").removeAttribute("src");
      if (history.state?.detail) history.back();
      else if (location.hash) history.replaceState(null, "", location.pathname + location.search);
      this.clip = null;
      this.moved(this.index);
    });
    addEventListener("popstate", () => !location.hash && this.close());
    stage.addEventListener("pointermove", (/** @type {PointerEvent} */ event) => {
      if (!stage.hasAttribute("data-zoomed")) return;
      const box = /** @type {Element} */ ((event.target).closest("figure") ?? stage).getBoundingClientRect();
      stage.style.setProperty("--x", `${(100 * (event.clientX - box.left)) / box.width}%`);
      stage.style.setProperty("--y", `${(100 * (event.clientY - box.top)) / box.height}%`);
    });
    byId("wipe").addEventListener("input", () => stage.style.setProperty("--wipe", `${byId("wipe").value}%`));
    byId("time").addEventListener("input", () => {
      video.pause();
      video.currentTime = Number(byId("time").value) * (video.duration || 0);
    });
    byId("speed").addEventListener("change", () => {
      video.playbackRate = video.defaultPlaybackRate = Number(byId("speed").value);
    });
    for (const kind of ["timeupdate", "play", "pause", "seeked", "loadedmetadata"])
      video.addEventListener(kind, () => this.clock());
    byId("stage-photo").addEventListener(
      "error",
      () => {
        if (byId("stage-photo").getAttribute("src") && this.clip) byId("stage-photo").src = this.clip.poster;
      },
      { passive: true },
    );
  }
}

/** @param {string} name @param {any} value */
function setting(name, value) {
  if (name === "motion_intensity" || name === "style_consistency") return `${Math.round(value * 100)} %`;
  if (typeof value === "boolean") return value ? t("yes") : t("no");
  if (name === "duration_s") return `${Number(value.toFixed(2))} s`;
  if (name === "size") return value.join(" × ");
  if (name === "fps") return t("{n} frames a second", { n: value });
  if (name === "direction") return value === "after" ? t("the photo comes first") : t("the photo comes last");
  return typeof value === "string" && name !== "negative_prompt" ? t(value.replace("_", " ")) : shown(value);
}

/** @param {string} name @param {string} value @param {string[]} [reasons] */
function row(name, value, reasons = []) {
  return make(
    "div",
    {},
    make("dt", {}, name),
    make("dd", { dir: "auto" }, shown(value), ...reasons.map((why) => make("small", { dir: "auto" }, shown(why)))),
  );
}

/** @param {Record<string, any>} facts */
function factRows(facts) {
  const said = {
    ...facts,
    camera: [facts.camera_make, facts.camera_model].filter(Boolean).join(" "),
    lens: facts.lens_name ?? facts.lens,
    place: [facts.sublocation, facts.city, facts.state, facts.country].filter(Boolean).join(", "),
    keywords: (facts.keywords ?? []).join(", "),
    focal_mm: facts.focal_mm && `${facts.focal_mm} mm${facts.focal_35mm ? ` (${facts.focal_35mm} mm)` : ""}`,
    f_number: facts.f_number && `f/${facts.f_number}`,
    exposure_s:
      facts.exposure_s &&
      (facts.exposure_s < 0.3 ? `1/${Math.round(1 / facts.exposure_s)} s` : `${facts.exposure_s} s`),
    ev100: facts.ev100 && `EV ${facts.ev100.toFixed(1)}`,
    flash_fired: facts.flash_fired == null ? null : facts.flash_fired ? t("yes") : t("no"),
    captured_at:
      facts.captured_at &&
      `${dayName(facts.captured_at.slice(0, 10))} ${facts.captured_at.slice(11).replace(/\.\d+/, "")}`,
  };
  const rows = Object.entries(FACTS)
    .filter(([name]) => said[name])
    .map(([name, label]) => row(t(label), said[name], facts.sources?.[name] ? [facts.sources[name]] : []));
  return rows.length ? rows : [row("", t("Nothing is known of it."))];
}
