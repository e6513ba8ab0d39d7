import assert from "node:assert/strict";
import { test } from "node:test";

import { costRow, factRows, percent, promptText, recipeRows } from "../../server/afterframe/web/static/clip_facts.js";

const RECIPE = {
  photo_type: "still_life",
  prompt: "steam rises",
  negative_prompt: "",
  motion_intensity: 0.345,
  style_consistency: 0.9,
  camera_movement: "push_in",
  duration_s: 1.5,
  fps: 24,
  size: [1280, 720],
  loop: true,
  direction: "after",
  quality: "best",
  exact_photo: true,
  seed: 7,
  variants: 1,
  because: { duration_s: ["still life: 1-2 s"] },
};

function valuesOf(rows) {
  return Object.fromEntries(rows.map(({ name, value }) => [name, value]));
}

test("a recipe is told in words, each value with its reasons", () => {
  const rows = recipeRows(RECIPE);
  assert.deepEqual(valuesOf(rows), {
    "Kind of photo": "still life",
    "Camera movement": "push in",
    Motion: "35 %",
    Faithfulness: "90 %",
    Length: "1.5 s",
    "Frame rate": "24 frames a second",
    Size: "1280 × 720",
    Loop: "yes",
    Direction: "the photo comes first",
    Quality: "best",
    "Photo as a frame": "yes",
    Seed: "7",
  });
  assert.deepEqual(rows.find(({ name }) => name === "Length").reasons, ["still life: 1-2 s"]);
});

test("what a clip cost is told as far as it is known", () => {
  assert.equal(costRow({}), null);
  assert.equal(costRow({ seconds: 125.23, memory_gb: 0.512 }).value, "125 s, 0.512 GB of memory");
  const cost = costRow({ seconds: 9, gpu_memory_gb: 21.26, energy_wh: 2 });
  assert.equal(cost.value, "9 s, 21.3 GB of the GPU's memory, 2 Wh");
});

test("the reasons for a prompt stand first", () => {
  const [first] = recipeRows({ ...RECIPE, because: { prompt: ["the caption"] } });
  assert.deepEqual(first, { name: "Words", value: "", reasons: ["the caption"] });
});

test("facts are told as photographers say them, with their sources", () => {
  const rows = factRows({
    camera_make: "Canon",
    camera_model: "EOS R5",
    lens: "RF50mm",
    focal_mm: 50,
    focal_35mm: 50,
    f_number: 1.8,
    exposure_s: 0.004,
    iso: 100,
    ev100: 12.345,
    flash_fired: false,
    captured_at: "2026-03-14T09:26:53.58",
    city: "Paris",
    country: "France",
    keywords: ["river", "boat"],
    sources: { iso: "EXIF" },
  });
  const values = valuesOf(rows);
  assert.equal(values.Camera, "Canon EOS R5");
  assert.equal(values["Focal length"], "50 mm (50 mm)");
  assert.equal(values.Aperture, "f/1.8");
  assert.equal(values.Exposure, "1/250 s");
  assert.equal(values["Light value"], "EV 12.3");
  assert.equal(values.Flash, "no");
  assert.match(values.Taken, /2026 09:26:53$/);
  assert.equal(values.Place, "Paris, France");
  assert.equal(values.Keywords, "river, boat");
  assert.deepEqual(rows.find(({ name }) => name === "ISO").reasons, ["EXIF"]);
});

test("a long exposure is told in seconds", () => {
  assert.equal(valuesOf(factRows({ exposure_s: 2.5 })).Exposure, "2.5 s");
});

test("a photo that says nothing is told so", () => {
  assert.deepEqual(factRows({}), [{ name: "", value: "Nothing is known of it.", reasons: [] }]);
});

test("shares and prompts", () => {
  assert.equal(percent(0.666), "67 %");
  assert.equal(promptText("waves\nroll"), "waves\nroll");
});
