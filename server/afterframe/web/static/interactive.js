// @ts-check
/**
 * A photo that is looked into. The camera goes where the pointer, the finger, the arrow keys or the tilt lead it; what
 * is near goes the other way, what is far goes with it, and the subject stays. At rest it is the whole photo.
 *
 * This file stands alone: it is also what a saved file has inside.
 */

/** The farthest that anything moves, as a share of the frame's width and height. */
const REACH = 0.032;
/** The pointer is followed within this time, and the drift begun; seconds to 63 % of the way. */
const FOLLOW_S = 0.16;
const DRIFT_S = 1.4;
const BEGIN_S = 0.5;
/** It drifts by itself once nobody led it for this long, seconds; so far, of what a pointer can do. */
const IDLE_S = 4;
const DRIFT = { x: 0.6, y: 0.35 };
/** Two periods that meet seldom, seconds. */
const PERIOD = { x: 11, y: 17 };
/** One press of a key, of what a pointer can do. */
const STEP = 0.25;
/** So far a device is turned for the whole way, degrees; so fast it forgets how it was held, of each reading. */
const TILT_DEG = 18;
const TILT_FORGETS = 0.005;
/** More pixels than these, for each pixel of the style sheet, nobody sees move. */
const DENSEST = 2;

const VERTEX = `
attribute vec2 corner;
varying vec2 place;
void main() {
  place = vec2(0.5 + 0.5 * corner.x, 0.5 - 0.5 * corner.y);
  gl_Position = vec4(corner, 0.0, 1.0);
}`;

// A ray from the eye through the picture, from the nearest plane to the farthest: the first surface that it meets is
// seen, so what is near hides what is far. Between two steps the surface is taken to be straight. After Policarpo,
// Oliveira and Comba, "Real-time relief mapping on arbitrary polygonal surfaces", 2005.
const FRAGMENT = `
#ifdef GL_FRAGMENT_PRECISION_HIGH
precision highp float;
#else
precision mediump float;
#endif
uniform sampler2D picture, relief;
uniform vec2 shift;
uniform float shown;
varying vec2 place;
float height(vec2 at) { return (texture2D(relief, at).r * 255.0 - 128.0) / 127.0; }
void main() {
  vec2 straight = 0.5 + (place - 0.5) * shown;
  float level = 1.0, above = -1.0, last = 1.0;
  for (int step = 0; step <= 16; step++) {
    level = 1.0 - float(step) / 8.0;
    float over = height(straight + shift * level) - level;
    if (over >= 0.0) {
      level = mix(last, level, above / (above - over));
      break;
    }
    last = level;
    above = over;
  }
  gl_FragColor = vec4(texture2D(picture, straight + shift * level).rgb, 1.0);
}`;

/**
 * @template {HTMLElement} E
 * @param {string} id
 * @param {new () => E} kind its class
 * @returns {E}
 */
function byId(id, kind) {
  const found = document.getElementById(id);
  if (!(found instanceof kind)) throw new Error(`#${id} is missing`);
  return found;
}
const stage = byId("stage", HTMLElement);
const picture = byId("picture", HTMLImageElement);
const canvas = byId("depth", HTMLCanvasElement);
const button = byId("move", HTMLButtonElement);
const calm = matchMedia("(prefers-reduced-motion: reduce)");
const limited = (/** @type {number} */ value) => Math.max(-1, Math.min(1, value));

/* ---- drawing ---------------------------------------------------------------------------------- */

/** Draws the photo as seen from a place beside the camera's. */
class View {
  /** @param {HTMLImageElement} relief */
  constructor(relief) {
    this.relief = relief;
    /** @type {WebGLUniformLocation | null} */
    this.shift = null;
    /** @type {WebGLUniformLocation | null} */
    this.shown = null;
    const gl = canvas.getContext("webgl", {
      alpha: false,
      antialias: false,
      depth: false,
      powerPreference: "low-power",
    });
    if (!gl) throw new Error("no WebGL");
    this.gl = gl;
    this.begin();
  }

  /** Everything that a lost context takes with it. */
  begin() {
    const { gl } = this;
    const program = /** @type {WebGLProgram} */ (gl.createProgram());
    for (const [kind, text] of /** @type {[number, string][]} */ ([
      [gl.VERTEX_SHADER, VERTEX],
      [gl.FRAGMENT_SHADER, FRAGMENT],
    ])) {
      const shader = /** @type {WebGLShader} */ (gl.createShader(kind));
      gl.shaderSource(shader, text);
      gl.compileShader(shader);
      gl.attachShader(program, shader);
    }
    gl.linkProgram(program);
    if (!gl.getProgramParameter(program, gl.LINK_STATUS))
      throw new Error(gl.getProgramInfoLog(program) ?? "no program");
    gl.useProgram(program);
    gl.bindBuffer(gl.ARRAY_BUFFER, gl.createBuffer());
    gl.bufferData(gl.ARRAY_BUFFER, new Float32Array([-1, -1, 1, -1, -1, 1, 1, 1]), gl.STATIC_DRAW);
    const corner = gl.getAttribLocation(program, "corner");
    gl.enableVertexAttribArray(corner);
    gl.vertexAttribPointer(corner, 2, gl.FLOAT, false, 0, 0);
    this.shift = gl.getUniformLocation(program, "shift");
    this.shown = gl.getUniformLocation(program, "shown");
    // The numbers of the depth are no colours: nothing may convert them.
    gl.pixelStorei(gl.UNPACK_COLORSPACE_CONVERSION_WEBGL, gl.NONE);
    ["picture", "relief"].forEach((name, unit) => {
      gl.uniform1i(gl.getUniformLocation(program, name), unit);
      gl.activeTexture(gl.TEXTURE0 + unit);
      gl.bindTexture(gl.TEXTURE_2D, gl.createTexture());
      for (const side of [gl.TEXTURE_WRAP_S, gl.TEXTURE_WRAP_T])
        gl.texParameteri(gl.TEXTURE_2D, side, gl.CLAMP_TO_EDGE);
      for (const way of [gl.TEXTURE_MIN_FILTER, gl.TEXTURE_MAG_FILTER]) gl.texParameteri(gl.TEXTURE_2D, way, gl.LINEAR);
    });
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.LUMINANCE, gl.LUMINANCE, gl.UNSIGNED_BYTE, this.relief);
    gl.activeTexture(gl.TEXTURE0);
    this.fit();
  }

  /** As many pixels as are seen: a picture that is shrunk while it is drawn would glitter. */
  fit() {
    const { naturalWidth: width, naturalHeight: height } = picture;
    const scale = Math.min(
      1,
      Math.min(stage.clientWidth / width, stage.clientHeight / height) * Math.min(devicePixelRatio, DENSEST),
    );
    const size = [Math.max(1, Math.round(width * scale)), Math.max(1, Math.round(height * scale))];
    const sheet = document.createElement("canvas");
    [canvas.width, canvas.height] = [sheet.width, sheet.height] = size;
    const brush = /** @type {CanvasRenderingContext2D} */ (sheet.getContext("2d"));
    brush.imageSmoothingQuality = "high";
    brush.drawImage(picture, 0, 0, size[0], size[1]);
    this.gl.viewport(0, 0, size[0], size[1]);
    this.gl.texImage2D(this.gl.TEXTURE_2D, 0, this.gl.RGB, this.gl.RGB, this.gl.UNSIGNED_BYTE, sheet);
  }

  /**
   * @param {number} x where the camera is, -1 to 1
   * @param {number} y
   * @param {number} share how much of all this there is, 0-1: at 0 the whole photo, farther on closer by what moves
   */
  draw(x, y, share) {
    const { gl } = this;
    gl.uniform2f(this.shift, x * share * REACH, y * share * REACH);
    gl.uniform1f(this.shown, 1 - 2 * share * REACH);
    gl.drawArrays(gl.TRIANGLE_STRIP, 0, 4);
  }
}

/* ---- where the camera goes -------------------------------------------------------------------- */

/** @type {View | null} */
let view = null;
let moving = !calm.matches,
  frame = 0,
  before = 0,
  ledAt = -Infinity,
  share = 0;
const goal = { x: 0, y: 0 },
  at = { x: 0, y: 0 };

/** Somebody says where it goes. @param {number} x @param {number} y */
function lead(x, y) {
  goal.x = limited(x);
  goal.y = limited(y);
  ledAt = performance.now();
  wake();
}

/** @param {boolean} on */
function setMoving(on) {
  moving = on;
  button.textContent = (on ? button.dataset.still : button.dataset.move) ?? "";
  wake();
}

function wake() {
  if (!frame && view) {
    before = performance.now();
    frame = requestAnimationFrame(tick);
  }
}

/** @param {number} now milliseconds */
function tick(now) {
  frame = 0;
  if (!view || view.gl.isContextLost()) return;
  const passed = Math.max(0, (now - before) / 1000);
  before = now;
  const drifts = moving && !calm.matches && now - ledAt > IDLE_S * 1000;
  if (drifts)
    for (const axis of /** @type {const} */ (["x", "y"]))
      goal[axis] = DRIFT[axis] * Math.sin((now / 1000 / PERIOD[axis]) * 2 * Math.PI);
  const left = Math.abs(goal.x - at.x) + Math.abs(goal.y - at.y) + Math.abs(Number(moving) - share);
  const nearer = 1 - Math.exp(-passed / (drifts ? DRIFT_S : FOLLOW_S));
  at.x += (goal.x - at.x) * nearer;
  at.y += (goal.y - at.y) * nearer;
  share += (Number(moving) - share) * (1 - Math.exp(-passed / BEGIN_S));
  if (left < 0.002) [at.x, at.y, share] = [goal.x, goal.y, Number(moving)];
  view.draw(at.x, at.y, share);
  // Until the next wish to move, or for as long as it drifts; hidden pages get no frames.
  if (left >= 0.002 || (moving && !calm.matches)) frame = requestAnimationFrame(tick);
}

function follow() {
  addEventListener(
    "pointermove",
    (event) => moving && lead((2 * event.clientX) / innerWidth - 1, (2 * event.clientY) / innerHeight - 1),
  );
  document.documentElement.addEventListener("pointerleave", () => moving && lead(0, 0));
  addEventListener("pointerup", (event) => moving && event.pointerType === "touch" && lead(0, 0));
  addEventListener("keydown", (event) => {
    const ways = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    const way = ways[/** @type {keyof typeof ways} */ (event.key)];
    const reads = event.target === byId("words", HTMLElement) && way?.[1];
    if (!way || reads || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    if (!moving) setMoving(true); // a key is a wish
    lead(goal.x + way[0] * STEP, goal.y + way[1] * STEP);
  });
  button.addEventListener("click", () => {
    setMoving(!moving);
    lead(0, 0);
    if (moving) ledAt = -Infinity;
  });
}

/* ---- tilt ------------------------------------------------------------------------------------- */

/** How the device is held, degrees; what changes slowly is how somebody sits. @type {{beta: number, gamma: number} | null} */
let held = null;

/** The photo is a window: the eye stays, the device turns. @param {DeviceOrientationEvent} event */
function turned({ beta, gamma }) {
  if (beta === null || gamma === null || !moving) return;
  held ??= { beta, gamma };
  held.beta += (beta - held.beta) * TILT_FORGETS;
  held.gamma += (gamma - held.gamma) * TILT_FORGETS;
  const right = -(gamma - held.gamma) / TILT_DEG,
    up = (beta - held.beta) / TILT_DEG;
  const angle = ((screen.orientation?.angle ?? 0) * Math.PI) / 180;
  lead(right * Math.cos(angle) - up * Math.sin(angle), -(right * Math.sin(angle) + up * Math.cos(angle)));
}

function followTilt() {
  if (!matchMedia("(any-pointer: coarse)").matches) return; // nobody tilts a desk
  const asks = /** @type {{requestPermission?: () => Promise<string>}} */ (window.DeviceOrientationEvent ?? {})
    .requestPermission;
  if (!asks) return addEventListener("deviceorientation", turned);
  const tilt = byId("tilt", HTMLElement); // the browser wants a touch first
  tilt.hidden = false;
  tilt.addEventListener("click", async () => {
    tilt.hidden = true;
    const answer = await asks.call(window.DeviceOrientationEvent).catch(() => "denied");
    if (answer !== "granted") return;
    setMoving(true);
    addEventListener("deviceorientation", turned);
  });
}

/* ---- together --------------------------------------------------------------------------------- */

/** @param {HTMLImageElement} image */
const loaded = (image) => image.decode().then(() => image);

async function start() {
  const relief = new Image();
  relief.src = canvas.dataset.relief ?? "";
  try {
    await Promise.all([loaded(picture), loaded(relief)]);
    view = new View(relief);
  } catch {
    byId("flat", HTMLElement).hidden = false; // the photo itself is there in any case
    return;
  }
  canvas.addEventListener("webglcontextlost", (/** @type {Event} */ event) => {
    event.preventDefault();
    canvas.hidden = true;
  });
  canvas.addEventListener("webglcontextrestored", () => {
    view?.begin();
    canvas.hidden = false;
    wake();
  });
  new ResizeObserver(() => {
    if (view?.gl.isContextLost()) return;
    view?.fit();
    view?.draw(at.x, at.y, share);
  }).observe(stage);
  view.draw(0, 0, 0);
  canvas.hidden = button.hidden = false;
  setMoving(moving);
  follow();
  followTilt();
  calm.addEventListener("change", () => setMoving(!calm.matches));
}

function dress() {
  const full = byId("full", HTMLElement);
  const words = byId("words", HTMLElement);
  full.hidden = !document.fullscreenEnabled;
  full.addEventListener("click", () => void stage.requestFullscreen().catch(() => {}));
  // Long words are scrolled, by keys too.
  new ResizeObserver(() => {
    words.tabIndex = words.scrollHeight > words.clientHeight ? 0 : -1;
  }).observe(words);
  if (location.protocol === "file:") return;
  const theme = localStorage.getItem("afterframe-theme");
  if (theme) document.documentElement.dataset.theme = theme;
}

dress();
await start();
