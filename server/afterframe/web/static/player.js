// @ts-check
/** The clip of the detail: plays, steps by frames, at a speed, beside or under the photo, at actual size. */
import { allInside, byId, targetOf } from "./dom.js";
import { t } from "./i18n.js";
import { keyed, unkeyed } from "./keys.js";
import { toast } from "./toast.js";

/** @typedef {import("./api.js").Clip} Clip */

const MODES = ["side", "wipe", "clip"];
const SPEEDS = ["0.25", "0.5", "1", "2"];
const DEFAULT_FPS = 24;
const dialog = byId("detail");
const video = byId("stage-clip", HTMLVideoElement);
const photo = byId("stage-photo", HTMLImageElement);
const stage = byId("stage");
const speed = byId("speed", HTMLSelectElement);
const time = byId("time", HTMLInputElement);

export class Player {
  constructor() {
    /** @type {Clip | null} */
    this.clip = null;
    this.mode = localStorage.getItem("afterframe-compare") ?? "side";
    this.listen();
  }

  /** Show a clip beside its photo. @param {Clip} clip */
  show(clip) {
    this.clip = clip;
    const [width, height] = clip.recipe.size;
    stage.dataset.shape = width / height > 1.9 ? "wide" : width < height ? "tall" : "";
    this.setMode(this.mode);
    this.zoom(false);
    this.showFile(null, "");
  }

  /** Show a draft in the clip's place, or the clip again. @param {string | null} draft its address @param {string} name */
  showFile(draft, name) {
    if (!this.clip) return;
    byId("clip-caption").textContent = draft ? name : t("Clip");
    byId("clip-caption").classList.toggle("draft", !!draft);
    if (draft) video.removeAttribute("poster");
    else video.poster = keyed(this.clip.poster);
    video.src = keyed(draft ?? this.clip.file);
    video.playbackRate = video.defaultPlaybackRate = Number(speed.value);
    if (!matchMedia("(prefers-reduced-motion: reduce)").matches) video.play().catch(() => {});
    this.clock();
  }

  /** Show nothing: connections are given back. */
  clear() {
    this.clip = null;
    video.removeAttribute("src");
    video.load();
    photo.removeAttribute("src");
  }

  /** @param {string} mode */
  setMode(mode) {
    this.mode = MODES.includes(mode) ? mode : "side";
    localStorage.setItem("afterframe-compare", this.mode);
    stage.dataset.mode = this.mode;
    for (const button of allInside(dialog, "button[data-mode]")) {
      button.setAttribute("aria-pressed", String(button.dataset.mode === this.mode));
    }
    // Behind the wipe the photo must lie where the clip lies.
    const size = this.mode === "wipe" ? "framed" : "large";
    const address = keyed(`/api/clips/${this.clip?.id}/photo?size=${size}`);
    if (this.mode === "clip") photo.removeAttribute("src");
    else if (photo.getAttribute("src") !== address) photo.src = address;
    photo.alt = t("Photo");
  }

  nextMode() {
    this.setMode(MODES[(MODES.indexOf(this.mode) + 1) % MODES.length]);
  }

  get fps() {
    return this.clip?.recipe.fps ?? DEFAULT_FPS;
  }

  clock() {
    const length = Number.isFinite(video.duration) ? video.duration : (this.clip?.duration_s ?? 0);
    time.value = length ? String(video.currentTime / length) : "0";
    const frame = Math.round(video.currentTime * this.fps);
    byId("clock").textContent = `${video.currentTime.toFixed(2)} s · ${frame}`;
    dialog.classList.toggle("playing", !video.paused);
  }

  playOrPause() {
    if (video.paused) video.play();
    else video.pause();
  }

  /** @param {number} by frames */
  step(by) {
    video.pause();
    // To the middle of a frame: at its very edge the one before may be shown.
    const at = Math.floor(video.currentTime * this.fps + 1e-3) + by;
    video.currentTime = Math.max(0, Math.min((at + 0.5) / this.fps, video.duration || 0));
  }

  /** @param {boolean} on */
  zoom(on) {
    const [width, height] = this.clip?.recipe.size ?? [1, 1];
    const box = video.getBoundingClientRect();
    const fitted = Math.min(box.width / width, box.height / height) || 1;
    stage.style.setProperty("--zoom", String(Math.max(1.5, 1 / fitted / devicePixelRatio)));
    stage.toggleAttribute("data-zoomed", on);
    press("zoom", on);
  }

  get zoomed() {
    return stage.hasAttribute("data-zoomed");
  }

  toggleLoop() {
    video.loop = !video.loop;
    press("loop", video.loop);
  }

  /** @param {number} by how many of the speeds faster */
  changeSpeed(by) {
    speed.value = SPEEDS[Math.max(0, Math.min(SPEEDS.length - 1, SPEEDS.indexOf(speed.value) + by))];
    this.setSpeed();
    toast(`${speed.value}×`);
  }

  setSpeed() {
    video.playbackRate = video.defaultPlaybackRate = Number(speed.value);
  }

  toggleFullScreen() {
    if (document.fullscreenElement) document.exitFullscreen();
    else stage.requestFullscreen().catch(() => {});
  }

  listen() {
    stage.addEventListener("pointermove", (event) => {
      if (!this.zoomed) return;
      const box = (targetOf(event, "figure") ?? stage).getBoundingClientRect();
      stage.style.setProperty("--x", `${(100 * (event.clientX - box.left)) / box.width}%`);
      stage.style.setProperty("--y", `${(100 * (event.clientY - box.top)) / box.height}%`);
    });
    const wipe = byId("wipe", HTMLInputElement);
    wipe.addEventListener("input", () => stage.style.setProperty("--wipe", `${wipe.value}%`));
    time.addEventListener("input", () => {
      video.pause();
      video.currentTime = Number(time.value) * (video.duration || 0);
    });
    speed.addEventListener("change", () => this.setSpeed());
    for (const kind of ["timeupdate", "play", "pause", "seeked", "loadedmetadata"]) {
      video.addEventListener(kind, () => this.clock());
    }
    photo.addEventListener("error", () => {
      const shown = photo.getAttribute("src");
      if (shown && this.clip && unkeyed(shown) !== this.clip.poster) photo.src = keyed(this.clip.poster);
    });
  }
}

/** Show a button as pressed or not. @param {string} act @param {boolean} on */
function press(act, on) {
  dialog.querySelector(`[data-act="${act}"]`)?.setAttribute("aria-pressed", String(on));
}
