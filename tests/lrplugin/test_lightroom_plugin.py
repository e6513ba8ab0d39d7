"""The Lightroom plugin without a daemon: its own rules, its words, its small modules, and the stand-in's strictness."""

from __future__ import annotations

import json
import re
import socket
import struct
import subprocess
import threading
import tomllib
from pathlib import Path
from typing import Any

import pytest
from lightroom import IDENTIFIER, PLUGIN, Lightroom, from_lua, to_lua, translations
from lightroom_studio import Studio
from lupa import lua51
from squatter import KINDS, squatting

from afterframe.app import plugins
from afterframe.config import Home
from afterframe.domain import CameraMovement, Quality
from afterframe.web.auth.boot import Boot
from factories import make_photo_file
from photometa.xmp.packets import packet

FILES = sorted(path.name for path in PLUGIN.glob("*.lua"))
WORDS = re.compile(r'LOC\s*\(?\s*"(\$\$\$/Afterframe/[\w/]+)=((?:[^"\\]|\\.)*)"')


@pytest.fixture
def lightroom(tmp_path: Path) -> Lightroom:
    (tmp_path / "temp").mkdir()
    return Lightroom(tmp_path, tmp_path / "temp")


# -- the stand-in catches what Lightroom would punish ------------------------------------------

FAULTS = {
    "a plain pcall over a yield": (
        "pcall(LrTasks.sleep, 1) assert(select(2, pcall(LrTasks.yield)) == nil, select(2, pcall(LrTasks.yield)))",
        "attempt to yield across",
    ),
    "a gate inside a gate": (
        "catalog:withPrivateWriteAccessDo(function() "
        "catalog:withPrivateWriteAccessDo(function() end, { timeout = 1 }) end, { timeout = 1 })",
        "a gate inside a gate",
    ),
    "a question inside a gate": (
        "catalog:withWriteAccessDo('x', function() catalog:findPhotoByPath('/a') end, { timeout = 1 })",
        "inside a gate",
    ),
    "the network inside a gate": (
        "catalog:withWriteAccessDo('x', function() LrHttp.get('http://127.0.0.1:1/', {}, 1) end, { timeout = 1 })",
        "inside a gate",
    ),
    "a gate without a time-out": ("catalog:withPrivateWriteAccessDo(function() end)", "needs a time-out"),
    "the network without a time-out": ("LrHttp.get('http://127.0.0.1:1/', {})", "time-out"),
    "an unknown function of the SDK": ("LrTasks.wait(1)", "LrTasks has no “wait”"),
    "an unknown method of the catalogue": ("catalog:getPhotos()", "LrCatalog has no “getPhotos”"),
    "an unknown metadata key": ("catalog:batchGetRawMetadata(catalog:getTargetPhotos(), { 'colour' })", "colour"),
    "an unknown export setting": (
        "import('LrExportSession') { photosToExport = {}, exportSettings = { LR_quality = 1 } }",
        "LR_quality",
    ),
    "an export setting that the user's last export decides": (
        "import('LrExportSession') { photosToExport = {}, exportSettings = { LR_format = 'JPEG' } }",
        "the user's last export decides",
    ),
    "a session's renditions that cannot be cancelled": (
        "require('Renditions').session({ { photo = photo } }, import('LrPathUtils').getStandardFilePath('temp'))"
        ":renditions { stopIfCanceled = true }",
        "ignored without a progressScope",
    ),
    "leaving the loop over renditions": (
        "local scope = import('LrProgressScope') { title = 'x', functionContext = {} } "
        "local folder = import('LrPathUtils').getStandardFilePath('temp') "
        "local session = require('Renditions').session({ { photo = photo } }, folder) "
        "for _ in session:renditions { progressScope = scope, stopIfCanceled = true } do break end",
        "went on to render 1",
    ),
    "files of a folder that is away": ("import('LrFileUtils').files('/nowhere')", "no such folder"),
    "files with and/or around them": (
        "local files = import('LrFileUtils').files "
        "for _ in true and files(import('LrPathUtils').getStandardFilePath('home')) or pairs {} do end",
        "attempt to index",
    ),
    "a path that macOS writes in another form": (
        "local joined = import('LrPathUtils').child('/Jürgen', 'x') assert(joined == '/Jürgen/x', 'another form')",
        "another form",
    ),
    "an unknown key of a view": ("import('LrView').osFactory():row { colour = 1 }", "colour"),
    "a word that a static text would not draw": (
        "show(f:static_text { title = string.rep('x', 51), width_in_chars = 50 })",
        "drops a word of 51 in 50",
    ),
    "lines that a static text would not draw": (
        "show(f:static_text { title = 'one two three', width_in_chars = 5, height_in_lines = 2 })",
        "drops what does not fit in 2 lines",
    ),
    "a binding to no table": ("show(f:edit_field { value = import('LrView').bind 'x' })", "bound to no table"),
    "a binding that nobody sets": (
        "local values = import('LrBinding').makePropertyTable({}) "
        "show(f:row { bind_to_object = values, f:edit_field { value = import('LrView').bind 'x' } })",
        "nobody set “x”",
    ),
    "a field set outside a gate": ("photo:setPropertyForPlugin(_PLUGIN, 'status', 'done')", "needs a gate"),
    "a field that is not there": ("write(photo, 'colour', 'x')", "no metadata field"),
    "a field's value that is no string": ("write(photo, 'handed', 1)", "must be a string"),
    "a value that the field does not know": ("write(photo, 'status', 'perhaps')", "cannot be “perhaps”"),
    "a value too long to be searched": ("write(photo, 'error', string.rep('x', 512))", "511"),
    "a rating of none as a number": ("rate(photo, 0)", "rating cannot be 0"),
    "a search by an unknown word": (
        "catalog:findPhotos { searchDesc = { criteria = 'hasAdjustments', operation = 'is', value = true } }",
        "hangs for ever",
    ),
    "half a star": ("rate(photo, 2.5)", "rating cannot be 2.5"),
    "six stars": ("rate(photo, 6)", "rating cannot be 6"),
    "adding what is there": ("add(photoPath)", "in the catalogue already"),
    "adding what is not there": ("add('/nowhere.mp4')", "not there"),
    "an unknown method of the logger": ("import('LrLogger')('x'):log('x')", "LrLogger has no “log”"),
    "a log that goes nowhere": ("import('LrLogger')('x'):enable('file')", "cannot be enabled with file"),
    "a log of what is no text": ("import('LrLogger')('x'):info({})", "must be a string"),
    "loadstring": ("loadstring('x')", "loadstring"),
    "getfenv": ("getfenv()", "getfenv"),
    "os.remove": ("os.remove('/x')", "remove"),
    "coroutine.wrap": ("coroutine.wrap(function() end)", "wrap"),
    "a stray global": ("something = 1", "stray global"),
}
SETUP = """
local LrTasks, LrHttp = import("LrTasks"), import("LrHttp")
local catalog = import("LrApplication").activeCatalog()
local photo = catalog:getTargetPhotos()[1]
local photoPath = photo:getRawMetadata("path")
local function write(...)
  local values = { ... }
  catalog:withPrivateWriteAccessDo(function()
    values[1]:setPropertyForPlugin(_PLUGIN, values[2], values[3])
  end, { timeout = 1 })
end
local f = import("LrView").osFactory()
local function show(view)
  import("LrDialogs").presentModalDialog { title = "x", contents = view }
end
local function rate(rated, stars)
  catalog:withWriteAccessDo("rate", function() rated:setRawMetadata("rating", stars) end, { timeout = 1 })
end
local function add(path)
  catalog:withWriteAccessDo("add", function() catalog:addPhoto(path) end, { timeout = 1 })
end
"""


@pytest.mark.parametrize("fault", FAULTS)
def test_the_stand_in_throws_on(fault: str, lightroom: Lightroom, tmp_path: Path) -> None:
    work, expected = FAULTS[fault]
    path = tmp_path / "there.mp4"
    path.write_bytes(b"")
    lightroom.photo(path)
    with pytest.raises((AssertionError, lua51.LuaError), match=re.escape(expected)):
        lightroom.snippet(SETUP + work)


def test_what_yields_is_refused_outside_a_task(lightroom: Lightroom) -> None:
    with pytest.raises(lua51.LuaError, match="in a task"):
        api = lightroom.require("Api").connect()
        api.health(api)


# -- the plugin as a whole ---------------------------------------------------------------------


def test_info_loads_with_what_lightroom_gives_it_and_names_files_that_exist(lightroom: Lightroom) -> None:
    info = lightroom.sdk.info()
    named = [info.LrPluginInfoProvider, info.LrMetadataProvider, info.LrMetadataTagsetFactory]
    named.append(info.LrExportServiceProvider.file)
    for menu in (info.LrLibraryMenuItems, info.LrExportMenuItems):
        named += [item.file for item in menu.values()]
    assert set(named) <= set(FILES)
    assert {name for name in FILES if name.startswith("Menu")} <= set(named)
    presets = PLUGIN / info.LrExportServiceProvider.builtInPresetsDir
    assert [path.name for path in presets.iterdir()] == ["Animate.lrtemplate"]
    project = tomllib.loads((PLUGIN.parents[1] / "pyproject.toml").read_text("utf-8"))["project"]
    version = info.VERSION
    assert f"{version.major}.{version.minor}.{version.revision}" == project["version"]


def test_info_can_use_nothing_else() -> None:
    source = (PLUGIN / "Info.lua").read_text("utf-8")
    assert "import" not in re.sub(r"--.*|\"[^\"]*\"", "", source)
    assert "require" not in re.sub(r"--.*|\"[^\"]*\"", "", source)


def test_the_preset_is_lua_and_exports_by_the_plugins_service(lightroom: Lightroom) -> None:
    runtime = lua51.LuaRuntime()
    runtime.execute((PLUGIN / "presets" / "Animate.lrtemplate").read_text("utf-8"))
    preset = runtime.globals().s
    info = lightroom.sdk.info()
    assert (preset.type, preset.title) == ("Export", "Animate")
    assert preset.value.exportServiceProvider == info.LrToolkitIdentifier
    # A key that it left out would be taken from the user's last export.
    needed = {key.removeprefix("LR_") for key in lightroom.sdk.exportKeys} - {"export_destinationPathPrefix"}
    assert set(preset.value.keys()) == needed | {"afterframePrompt", "afterframeQuality"}


def test_every_file_of_the_plugin_loads(lightroom: Lightroom) -> None:
    for name in FILES:
        if name not in ("Info.lua",) and not name.startswith("Menu"):
            lightroom.sdk.script(name)


def test_the_tagset_shows_fields_that_there_are(lightroom: Lightroom) -> None:
    fields = lightroom.sdk.fields
    own = [
        item.removeprefix("org.afterframe.lightroom.")
        for item in lightroom.sdk.script("Tagset.lua")["items"].values()
        if item.startswith("org.afterframe")
    ]
    assert own
    assert all(fields[name].title for name in own)


# -- what Lightroom takes, and what it refuses ---------------------------------------------------

WRITE = """
local Catalog, Verdicts, Summary = require "Catalog", require "Verdicts", require "Summary"
local photos = import("LrApplication").activeCatalog():getTargetPhotos()
local summary, flags, marks = Summary.new(), {}, {}
for index, photo in ipairs(photos) do
  local clip = { verdict = "approved", rating = (index - 1) % 6, path = "/photos/" .. index .. ".mp4" }
  flags[index] = Verdicts.asFlags(photo, clip)
  marks[index] = { photo = photo, path = clip.path, values = { status = "approved" } }
end
Catalog.writeFlags(flags, summary)
Catalog.writeFields(marks, summary)
summary:show("written")
"""


def test_a_clip_without_stars_has_no_rating_in_lightroom(lightroom: Lightroom) -> None:
    photos = [lightroom.photo(f"/photos/{n}.mp4") for n in range(1, 7)]
    lightroom.snippet(WRITE)
    assert lightroom.said.text == "There was nothing to do."
    assert [lightroom.facts(photo).get("rating") for photo in photos] == [None, 1, 2, 3, 4, 5]
    assert all(lightroom.facts(photo)["pickStatus"] == 1 for photo in photos)


@pytest.mark.parametrize("fact", ["locked", "deleted"])
def test_a_photo_that_lightroom_refuses_takes_no_other_with_it_and_the_reason_is_told(
    lightroom: Lightroom, fact: str
) -> None:
    photos = [lightroom.photo(f"/photos/{n}.mp4") for n in range(1, 61)]  # more than one gate
    lightroom.sdk.data(photos[7])[fact] = True
    lightroom.snippet(WRITE)
    reason = {"locked": "the file is read-only", "deleted": "the photo was deleted from the catalogue"}[fact]
    assert lightroom.said.text.startswith("Lightroom refused the metadata: ")
    assert reason in lightroom.said.text
    assert re.search(r": 2\n +8\.mp4, 8\.mp4$", lightroom.said.text)
    assert "busy" not in lightroom.said.text
    statuses = [lightroom.fields(photo).get("status") for photo in photos]
    assert statuses == ["approved" if index != 7 else None for index in range(60)]
    assert len(lightroom.writes) == 4  # no gate was tried twice


def test_a_catalogue_that_stays_busy_is_told_as_busy(lightroom: Lightroom) -> None:
    lightroom.photo("/photos/1.mp4")
    lightroom.sdk.busy = 1000
    lightroom.snippet(WRITE)
    assert lightroom.said.text.startswith("Lightroom was busy: metadata not written (“Status” writes it): 2")


IMPORT = """
local Clips, Summary = require "Clips", require "Summary"
local summary, items = Summary.new(), {}
for index, photo in ipairs(import("LrApplication").activeCatalog():getTargetPhotos()) do
  local path = photo:getRawMetadata("path")
  local clip = { id = "c" .. index, path = path .. ".mp4", verdict = "none", rating = 0 }
  items[index] = { photo = photo, path = path, daemonPath = path, fetched = {}, entry = { clips = { clip } } }
end
Clips.import({ isHere = function() return true end }, items, summary)
summary:show("imported")
"""


def shoot_with_clip(lightroom: Lightroom, path: Path, **facts: Any) -> Any:
    """A photo whose clip lies beside it, not in the catalogue yet."""
    path.with_name(f"{path.name}.mp4").write_bytes(b"")
    return lightroom.photo(path, **facts)


@pytest.mark.parametrize("fact", ["unstackable", "stackingFails"])
def test_a_clip_that_could_not_be_stacked_is_told_as_that(lightroom: Lightroom, tmp_path: Path, fact: str) -> None:
    shoot_with_clip(lightroom, tmp_path / "one.jpg", **{fact: True})
    shoot_with_clip(lightroom, tmp_path / "two.jpg")
    lightroom.snippet(IMPORT)
    said = "Imported, but not stacked (different folder or stack): 1\n    one.jpg.mp4\nClips imported: 1"
    assert lightroom.said.text == said
    under = {lightroom.fields(clip)["clipId"]: lightroom.under(clip) for clip in lightroom.clips()}
    assert under == {"c1": None, "c2": str(tmp_path / "two.jpg")}


def test_clips_that_lightroom_was_too_busy_to_add_are_not_called_refused(lightroom: Lightroom, tmp_path: Path) -> None:
    shoot_with_clip(lightroom, tmp_path / "one.jpg")
    lightroom.sdk.busy = 1000
    lightroom.snippet(IMPORT)
    expected = "Lightroom was busy: “Import finished clips” adds it later: 1\n    one.jpg.mp4"
    assert (lightroom.said.text, lightroom.said.more) == (expected, "warning")


def test_a_clip_that_lightroom_cannot_import_is_told_with_its_reason(lightroom: Lightroom, tmp_path: Path) -> None:
    shoot_with_clip(lightroom, tmp_path / "one.jpg")
    lightroom.sdk.unsupported = True
    lightroom.snippet(IMPORT)
    assert re.match(r"Lightroom could not import the clip: .*not supported", lightroom.said.text)
    assert lightroom.clips() == []


def test_photos_that_were_deleted_meanwhile_are_passed_over(lightroom: Lightroom, tmp_path: Path) -> None:
    here = make_photo_file(tmp_path / "here.jpg")
    photos = [lightroom.photo(here), lightroom.photo(tmp_path / "gone.jpg")]
    lightroom.sdk.data(photos[1]).deleted = True
    lightroom.snippet(
        """
        local Catalog, PhotoMetadata, Verdicts = require "Catalog", require "PhotoMetadata", require "Verdicts"
        local Selection = require "Selection"
        local photos = import("LrApplication").activeCatalog():getTargetPhotos()
        local sorted = Selection.sort(photos)
        assert(#sorted.asIs == 1 and #sorted.excluded == 1 and sorted.excluded[1].reason == "missing")
        local api = { daemonPath = function(_, path) return path end, lookup = function() return {} end }
        assert(#PhotoMetadata.items(api, photos) == 1)
        Catalog.photosWith = function() return photos end
        assert(Verdicts.sync(api, require("Summary").new()) == nil)
        """
    )


# -- which photos are rendered -------------------------------------------------------------------

SORT = """
local sorted = require("Selection").sort(import("LrApplication").activeCatalog():getTargetPhotos())
local lines = {}
for _, name in ipairs { "asIs", "toRender", "excluded" } do
  for _, item in ipairs(sorted[name]) do
    local leaf = string.match(item.path, "([^/]+)$")
    lines[#lines + 1] = table.concat({ name, leaf, item.reason or item.homeless and "homeless" }, " ")
  end
end
import("LrDialogs").message(table.concat(lines, "|"))
"""


def sorted_by(lightroom: Lightroom) -> list[str]:
    lightroom.snippet(SORT)
    return lightroom.said.title.split("|")


@pytest.mark.parametrize("fact", ["developed", "isCropped"])
@pytest.mark.parametrize("file_format", ["JPG", "TIFF", "PNG", "HEIC"])
def test_a_photo_that_was_developed_or_only_cropped_is_rendered(
    lightroom: Lightroom, tmp_path: Path, fact: str, file_format: str
) -> None:
    for name in ("changed.jpg", "plain.jpg"):
        (tmp_path / name).touch()
    lightroom.photo(tmp_path / "changed.jpg", fileFormat=file_format, **{fact: True})
    lightroom.photo(tmp_path / "plain.jpg", fileFormat=file_format)
    assert sorted_by(lightroom) == ["asIs plain.jpg", "toRender changed.jpg"]


def test_the_search_for_developed_photos_does_not_bring_the_whole_catalogue(
    lightroom: Lightroom, tmp_path: Path
) -> None:
    day = 86_400
    dated = {name: 800_000_000 + day * n for n, name in enumerate(("a.jpg", "b.jpg", "c.jpg"))}
    for name, time in dated.items():
        (tmp_path / name).touch()
        lightroom.photo(tmp_path / name, dateTimeOriginal=time, developed=name == "b.jpg")
    selected = list(lightroom.sdk.photos.values())
    for n in range(20):
        old = {"developed": True, "dateTimeOriginal": 600_000_000 + n * day}
        lightroom.photo(f"/old/{n}.jpg", **old)
        lightroom.photo(f"/old/{n}.NEF", **{**old, "fileFormat": "RAW", "dateTimeOriginal": 800_000_000})
    lightroom.select(selected)
    assert sorted_by(lightroom) == ["asIs a.jpg", "asIs c.jpg", "toRender b.jpg"]
    assert list(lightroom.sdk.found.values()) == [1]


def test_a_photo_without_a_date_or_of_an_unusual_format_is_found_as_developed_all_the_same(
    lightroom: Lightroom, tmp_path: Path
) -> None:
    for name in ("undated.jpg", "dated.jpg", "phone.heic"):
        (tmp_path / name).touch()
    lightroom.photo(tmp_path / "undated.jpg", developed=True)
    lightroom.photo(tmp_path / "dated.jpg", developed=True, dateTimeOriginal=800_000_000)
    lightroom.photo(tmp_path / "phone.heic", developed=True, dateTimeOriginal=800_000_000, fileFormat="HEIC")
    assert sorted_by(lightroom) == ["toRender undated.jpg", "toRender dated.jpg", "toRender phone.heic"]


def test_originals_that_are_away_are_rendered_from_their_smart_previews(lightroom: Lightroom, tmp_path: Path) -> None:
    synced = tmp_path / "Mobile Downloads.lrdata" / "x"
    synced.mkdir(parents=True)
    (synced / "phone.jpg").touch()
    preview = lightroom.table({"smartPreviewPath": "/previews/x.dng", "smartPreviewSize": 1})
    lightroom.photo("/away/with.jpg", smartPreviewInfo=preview)
    lightroom.photo("/away/with.NEF", smartPreviewInfo=preview, fileFormat="RAW")
    lightroom.photo("/away/without.jpg", smartPreviewInfo=lightroom.table({}))
    lightroom.photo("/away/film.mov", smartPreviewInfo=preview, isVideo=True, fileFormat="VIDEO")
    lightroom.photo(synced / "phone.jpg")
    assert sorted_by(lightroom) == [
        "toRender with.jpg homeless",
        "toRender with.NEF homeless",
        "toRender phone.jpg homeless",
        "excluded without.jpg missing",
        "excluded film.mov video",
    ]


def test_renditions_leave_nothing_to_the_users_last_export(lightroom: Lightroom) -> None:
    folder = lightroom.temp
    lightroom.snippet(f"require('Renditions').session({{}}, '{folder}')")


@pytest.mark.parametrize(("folder", "told"), [("/exports", True), ("/export", False), ("/elsewhere", False)])
def test_a_folder_that_could_not_be_used_before_is_told_where_photos_wait_for_it(
    lightroom: Lightroom, folder: str, told: bool
) -> None:
    lightroom.snippet(
        f"""
        local held = {{ path = "{folder}", error = {{ message = "It is away." }} }}
        local asked = 0
        local api = {{
          queue = function() return {{ held_folders = {{ held }} }} end,
          events = function()
            asked = asked + 1
            local done = {{ kind = "render", id = "r1", state = "done", progress = 1 }}
            return {{ cursor = asked, events = asked < 3 and {{}} or {{ done }} }}
          end,
        }}
        local scope = import("LrProgressScope") {{ title = "x", functionContext = {{}} }}
        local renders = {{ r1 = {{ path = "/exports/a.jpg", state = "queued" }} }}
        assert(require("Progress").follow(api, renders, scope, {{ cursor = 0 }}) == "ended")
        """
    )
    assert any("waiting: It is away." in caption for _, caption in lightroom.progress) is told


SETTLED = {
    "status": "enum",
    "clip": "string",
    "recipe": "string",
    "error": "string",
    "reviewUrl": "string",
    **dict.fromkeys(("handed", "fetched", "wish", "clipId", "clipOf", "agreed")),
}
"""Catalogues out there hold these fields for ever: an id may be added, and none may change its type or go."""


def test_the_fields_of_catalogues_out_there_are_settled(lightroom: Lightroom) -> None:
    assert {name: field.dataType for name, field in lightroom.sdk.fields.items()} == SETTLED
    assert "url" not in SETTLED.values()  # an empty one has an arrow that opens nothing


# -- words -------------------------------------------------------------------------------------


def said() -> dict[str, str]:
    """Every text of the plugin: key -> English words."""
    found: dict[str, str] = {}
    for name in FILES:
        source = (PLUGIN / name).read_text("utf-8")
        words = WORDS.findall(source)
        assert len(words) == len(re.findall(r"\bLOC\b\s*[(\"]", source)), f"{name}: a LOC that is not understood"
        for key, text in words:
            assert found.setdefault(key, text) == text, f"{key} is said in two ways"
    return found


@pytest.mark.parametrize("language", ["de", "ja"])
def test_every_text_is_translated(language: str) -> None:
    english, other = said(), translations(language)
    assert other.keys() == english.keys()
    for key, text in english.items():
        assert sorted(re.findall(r"\^\d", other[key])) == sorted(re.findall(r"\^\d", text)), key
    same = {key for key, text in english.items() if other[key] == text}
    # Names, units, and words that both languages share.
    assert len(same) <= 8, same


def test_no_text_holds_what_a_translation_file_cannot() -> None:
    for key, text in said().items():
        assert text == text.strip(), key
        assert "\\n" not in text, key
        assert '"' not in text, key


def test_a_german_and_a_japanese_lightroom_speak_so(tmp_path: Path) -> None:
    for language, title in (("de", "Auswahl animieren…"), ("ja", "選択した写真をアニメーション化…")):
        lightroom = Lightroom(tmp_path, tmp_path, language=language)
        assert from_lua(lightroom.sdk.info().LrLibraryMenuItems[1].title) == title


def test_every_camera_movement_has_a_name(lightroom: Lightroom) -> None:
    named = lightroom.require("PhotoMetadata").cameraText
    for movement in CameraMovement:
        assert from_lua(named(str(movement))) != ("" if movement == "handheld" else str(movement))


def test_the_menus_offer_every_quality_of_a_recipe(lightroom: Lightroom) -> None:
    items = plain(lightroom.require("PhotoMetadata").qualityItems(to_lua("auto")))
    assert [item["value"] for item in items] == ["auto", *Quality]
    assert all(item["title"] for item in items)


# -- small modules -----------------------------------------------------------------------------

_LUA = Lightroom(Path("/"), Path("/"))


def plain(value: Any) -> Any:
    """A Lua value as Python's."""
    if lua51.lua_type(value) == "table":
        keys = list(value.keys())
        if keys == list(range(1, len(keys) + 1)):
            return [plain(item) for item in value.values()]
        return {from_lua(key): plain(item) for key, item in value.items()}
    return from_lua(value) if isinstance(value, str) else value


MAPPINGS = [
    {"here": "Z:\\Photos", "there": "/mnt/photos"},
    {"here": "Z:\\Photos\\2026\\", "there": "/srv/new"},
    {"here": "/Volumes/nas", "there": "/mnt/nas"},
    {"here": "\\\\NAS\\share", "there": "/mnt/share"},
]


@pytest.mark.parametrize(
    ("here", "there"),
    [
        ("Z:\\Photos\\2025\\a b.jpg", "/mnt/photos/2025/a b.jpg"),
        ("Z:\\Photos\\2026\\ü.jpg", "/srv/new/ü.jpg"),
        ("/Volumes/nas/花/a\\b.jpg", "/mnt/nas/花/a\\b.jpg"),
        ("\\\\NAS\\share\\x.jpg", "/mnt/share/x.jpg"),
    ],
)
def test_paths_are_mapped_both_ways_by_the_longest_prefix(here: str, there: str) -> None:
    paths, mappings = _LUA.require("Paths"), _LUA.table(MAPPINGS)
    assert [plain(v) for v in paths.toDaemon(to_lua(here), mappings)] == [there, True]
    assert [plain(v) for v in paths.toHere(to_lua(there), mappings)] == [here, True]


@pytest.mark.parametrize("path", ["Z:\\Photographs\\a.jpg", "/Volumes/nas2/a.jpg", "/mnt", "C:\\a.jpg"])
def test_paths_elsewhere_stay_as_they_are(path: str) -> None:
    assert [plain(v) for v in _LUA.require("Paths").toDaemon(to_lua(path), _LUA.table(MAPPINGS))] == [path, False]


def test_windows_paths_are_mapped_whatever_their_capitals() -> None:
    mapped, _ = _LUA.require("Paths").toDaemon("z:/photos/A.JPG", _LUA.table(MAPPINGS))
    assert mapped == "/mnt/photos/A.JPG"


def test_mappings_are_read_line_by_line_and_nonsense_is_named() -> None:
    mappings, wrong = _LUA.require("Paths").parseMappings(" Z:\\P => /mnt/p \n\n/a=>/b\r\nnonsense\n=> /c")
    assert plain(mappings) == [{"here": "Z:\\P", "there": "/mnt/p"}, {"here": "/a", "there": "/b"}]
    assert plain(wrong) == ["nonsense", "=> /c"]


def test_a_long_text_is_cut_between_characters() -> None:
    short = _LUA.require("PhotoMetadata").truncate
    for text in ("a" * 600, "ü" * 400, "花" * 300, "a" + "🌸" * 200):
        cut = from_lua(short(to_lua(text)))
        assert len(cut.encode()) <= 511
        assert cut.endswith("…")
        assert text.startswith(cut.removesuffix("…"))
    assert from_lua(short("short")) == "short"


SIDECAR = {
    "xmpMM:DocumentID": "xmp.did:c1",
    "xmp:Rating": "4",
    "afterframe:photo": "Tom & <Jerry>.jpg",
    "afterframe:verdict": "approved",
    "afterframe:variant": "2",
    "afterframe:prompt": "a “cup” & more",
    "afterframe:cameraMovement": "push_in",
    "afterframe:duration": "2.5",
    "afterframe:motionIntensity": "0.6",
    "afterframe:loop": "True",
}


@pytest.mark.parametrize("attributes", [False, True], ids=["elements", "attributes"])
def test_a_sidecar_is_understood_however_it_is_written(lightroom: Lightroom, tmp_path: Path, attributes: bool) -> None:
    path = tmp_path / "Tom_motion.mp4.xmp"
    if attributes:
        escape = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
        inside = "".join(f' {name}="{"".join(escape.get(c, c) for c in value)}"' for name, value in SIDECAR.items())
        path.write_text(f'<rdf:Description rdf:about=""{inside}/>', "utf-8")
    else:
        path.write_bytes(packet(SIDECAR))
    clip = plain(lightroom.require("Sidecars").read(str(path)))
    assert (clip["photo"], clip["id"], clip["variant"], clip["rating"]) == ("Tom & <Jerry>.jpg", "c1", 2, 4)
    assert (clip["verdict"], clip["path"]) == ("approved", str(tmp_path / "Tom_motion.mp4"))
    assert clip["recipe"]["prompt"] == "a “cup” & more"
    assert clip["recipe"]["loop"] is True
    path.write_text("<x:xmpmeta/>", "utf-8")
    assert lightroom.require("Sidecars").read(str(path)) is None


def test_sidecars_are_looked_for_where_folders_are_there_and_missed_nowhere_else(
    lightroom: Lightroom, tmp_path: Path
) -> None:
    (tmp_path / "Tom_motion.mp4").touch()
    (tmp_path / "Tom_motion.mp4.xmp").write_bytes(packet({**SIDECAR, "afterframe:photo": "Tom.jpg"}))
    lightroom.snippet(
        f"""
        local here = {{ path = "{tmp_path}/Tom.jpg", fetched = {{}} }}
        local away = {{ path = "/unplugged/Tom.jpg", fetched = {{ c9 = "/unplugged/x.mp4" }} }}
        local elsewhere = {{ path = "{tmp_path}/Tom.jpg", handed = true, daemonPath = "/srv/Tom.jpg", fetched = {{}} }}
        require("Sidecars").lookUp({{ away, here, elsewhere }}, function(path) return path end)
        assert(#here.entry.clips == 1 and here.entry.clips[1].id == "c1")
        assert(away.entry == nil and elsewhere.entry == nil)
        """
    )


# -- where the daemon is -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("windows", "folders"),
    [(False, ("Library", "Application Support", "afterframe")), (True, ("AppData", "Local", "afterframe"))],
)
def test_the_daemons_folder_is_where_the_platform_keeps_it(tmp_path: Path, windows: bool, folders: tuple[str]) -> None:
    lightroom = Lightroom(tmp_path, tmp_path, windows=windows)
    found = lightroom.require("Settings").home()
    assert from_lua(found) == "/".join([str(tmp_path), *folders])


def test_the_installed_plugin_finds_the_folder_that_it_was_installed_for(tmp_path: Path) -> None:
    home = Home(tmp_path / "my afterframe").make()
    installed = plugins.install("lightroom", tmp_path / "Modules", home)
    lightroom = Lightroom(tmp_path, tmp_path, plugin=Path(installed.folder))
    assert from_lua(lightroom.require("Settings").home()) == str(home.root)
    assert lightroom.sdk.info().LrToolkitIdentifier == IDENTIFIER
    assert {path.name for path in Path(installed.folder).glob("**/*.lr*")} == {"Animate.lrtemplate"}
    for name in FILES:
        assert (Path(installed.folder) / name).read_bytes() == (PLUGIN / name).read_bytes()


@pytest.mark.parametrize(
    ("address", "here"),
    [
        ("http://127.0.0.1:8723", True),
        ("http://localhost", True),
        ("http://[::1]:8723", True),
        ("http://127.evil.example:8723", False),
        ("http://localhost.evil.example", False),
        ("http://192.168.1.5:8723", False),
        ("https://studio.example", False),
    ],
)
def test_the_token_file_is_shown_to_this_machine_alone(
    lightroom: Lightroom, tmp_path: Path, address: str, here: bool
) -> None:
    (tmp_path / "token").write_text("secret\n")
    lightroom.prefs(home=str(tmp_path), address=address)
    settings_of = lightroom.require("Settings")
    assert settings_of.isThisMachine(address) is here
    token, pasted = settings_of.token(address)
    assert (token, pasted) == ("secret" if here else None, False)


@pytest.mark.parametrize("windows", [False, True])
def test_the_daemon_is_started_by_the_command_of_its_last_start(tmp_path: Path, windows: bool) -> None:
    lightroom = Lightroom(tmp_path, tmp_path, windows=windows)
    lightroom.prefs(home=str(tmp_path))
    assert lightroom.require("Daemon").commandLine() is None
    (tmp_path / "program.json").write_text(json.dumps({"command": ["/My Apps/it's/python", "-m", "afterframe"]}))
    line = from_lua(lightroom.require("Daemon").commandLine())
    if windows:
        assert line == (
            f'set "AFTERFRAME_HOME={tmp_path}" && start "Afterframe" /MIN '
            '"/My Apps/it\'s/python" "-m" "afterframe" serve --no-open'
        )
    else:
        printed = line.replace("serve --no-open >/dev/null 2>&1 &", "").partition(" ")[2]
        done = subprocess.run(f"printf '%s|' {printed}", shell=True, capture_output=True, check=True)
        assert done.stdout.decode() == "/My Apps/it's/python|-m|afterframe|"


USER = "C:\\Users\\Jürgen"


@pytest.mark.parametrize(
    ("home", "program", "line"),
    [
        ("", USER + "\\af\\python.exe", 'start "Afterframe" /MIN "%USERPROFILE%\\af\\python.exe" serve --no-open'),
        ("", "C:\\py\\python.exe", 'start "Afterframe" /MIN "C:\\py\\python.exe" serve --no-open'),
        (
            USER + "\\af home",
            USER + "\\py.exe",
            'set "AFTERFRAME_HOME=%USERPROFILE%\\af home" && start "Afterframe" /MIN "%USERPROFILE%\\py.exe" '
            "serve --no-open",
        ),
        ("", "C:\\Users\\Jürgen2\\py.exe", None),
        ("C:\\Büro", "C:\\py\\python.exe", None),
        ("", "C:\\Bücher\\py.exe", None),
    ],
)
def test_a_windows_user_with_an_umlaut_starts_the_daemon(
    tmp_path: Path, home: str, program: str, line: str | None
) -> None:
    lightroom = Lightroom(Path(USER), tmp_path, windows=True, drive=tmp_path / "C")
    lightroom.prefs(home=home)
    real = lightroom._real(to_lua(home or USER + "\\AppData\\Local\\afterframe"))
    real.mkdir(parents=True)
    (real / "program.json").write_text(json.dumps({"command": [program]}))
    lightroom.real_s_per_s = 0
    lightroom.snippet(
        """
        local _, problem = require("Daemon").start()
        import("LrDialogs").message(problem.message)
        """
    )
    assert lightroom.commands == ([line] if line else [])
    if not line:
        assert lightroom.said.title == f"Lightroom cannot start Afterframe from its folder: {program}"


WRITE_FILE = """
local written, reason = require("Staging").write(PATH, "bytes")
import("LrDialogs").message(tostring(written), reason)
"""


@pytest.mark.parametrize("user", ["Jürgen", "Ann"])
@pytest.mark.parametrize("folder", ["C:\\Fotos\\Zürich", "C:\\Fotos", "D/Fotos é"])
def test_a_clip_is_saved_in_any_folder_of_a_windows(tmp_path: Path, user: str, folder: str) -> None:
    (tmp_path / "D" / "Fotos é").mkdir(parents=True)
    place = folder if folder.startswith("C:") else str(tmp_path / folder)
    temp = Path(f"C:\\Users\\{user}\\Temp")
    lightroom = Lightroom(Path(f"C:\\Users\\{user}"), temp, windows=True, drive=tmp_path / "C")
    separator = "\\" if folder.startswith("C:") else "/"
    for needed in (str(temp), "C:\\Users\\Public", place):
        lightroom._real(to_lua(needed)).mkdir(parents=True, exist_ok=True)
    path = f"{place}{separator}x.part"
    lightroom.snippet(WRITE_FILE.replace("PATH", json.dumps(path, ensure_ascii=False)))
    assert (lightroom.said.title, lightroom.said.text) == ("true", "")
    files = [found for found in tmp_path.rglob("*") if found.is_file()]
    assert files == [lightroom._real(to_lua(path))]
    assert files[0].read_bytes() == b"bytes"


def test_a_clip_that_cannot_be_saved_leaves_nothing(tmp_path: Path) -> None:
    lightroom = Lightroom(Path("C:\\Users\\Ann"), Path("C:\\Temp"), windows=True, drive=tmp_path)
    lightroom.snippet(WRITE_FILE.replace("PATH", json.dumps("C:\\gone é\\x.part", ensure_ascii=False)))
    assert lightroom.said.title == "nil"
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_paths_are_joined_byte_by_byte_on_macos(lightroom: Lightroom) -> None:
    child = lightroom.require("Paths").child
    for folder in ("/Fotos von Jürgen", "/Fotos von Ju\u0308rgen/"):
        assert from_lua(child(to_lua(folder), to_lua("é.mp4"))) == f"{folder.rstrip('/')}/é.mp4"
    assert from_lua(child(to_lua("Z:\\Über"), "a.mp4")) == "Z:\\Über\\a.mp4"


@pytest.mark.parametrize("kind", KINDS)
def test_whoever_has_a_dead_daemons_address_is_sent_neither_token_nor_photos(studio: Studio, kind: str) -> None:
    lightroom, home, token = studio.lightroom, studio.afterframe.home, "t" * 40
    home.mkdir(exist_ok=True)
    (home / "token").write_text(token)
    lightroom.select([studio.shoot("secret wedding.jpg"), studio.shoot("raw.NEF", fileFormat="RAW")])
    boot = Boot(token)
    earlier = {"name": "afterframe", "boot": boot.id, "proof": boot.proof("an earlier challenge")}
    with squatting(kind, earlier=earlier) as squatter:
        (home / "daemon.json").write_text(json.dumps({"url": squatter.url, "pid": 1}))
        for script in sorted(name for name in FILES if name.startswith("Menu")):
            lightroom.run(script)
        lightroom.export([studio.shoot("export.NEF", fileFormat="RAW")])
        page = lightroom.sdk.script("PluginInfoProvider.lua")
        page.startDialog(lightroom.sdk.newPropertyTable())
        lightroom.finish()
    assert len(squatter.heard) >= 8
    for heard in squatter.heard:
        assert heard.startswith("GET /api/health?challenge=")
        for secret in (token, boot.key, "Authorization", "wedding"):
            assert secret not in heard
    challenges = [heard.split()[1] for heard in squatter.heard]
    assert len(set(challenges)) == len(challenges)
    if kind in ("health", "echo", "replay"):
        title = f"Afterframe is not running; another program answers at {squatter.url}."
        assert title in {dialog.title for dialog in lightroom.dialogs}
    assert lightroom.pages == []


def test_a_wrong_address_and_a_lost_connection_are_told_as_what_they_are(lightroom: Lightroom, tmp_path: Path) -> None:
    lightroom.select([lightroom.photo(tmp_path / "a.jpg")])
    lightroom.prefs(home=str(tmp_path), address="http://no-such-computer.invalid:8723")
    lightroom.run("MenuReview.lua")
    assert lightroom.said.title == "There is no computer of the name in http://no-such-computer.invalid:8723."
    with socket.create_server(("127.0.0.1", 0)) as door:
        url = f"http://127.0.0.1:{door.getsockname()[1]}"

        def hang_up() -> None:
            connection, _ = door.accept()
            connection.recv(1)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.close()

        thread = threading.Thread(target=hang_up)
        thread.start()
        lightroom.prefs(address=url)
        lightroom.run("MenuReview.lua")
        thread.join()
    assert lightroom.said.title == f"The connection to Afterframe at {url} was lost."


@pytest.mark.parametrize("windows", [False, True], ids=["as an error of macOS", "as a status"])
def test_a_401_is_told_as_a_token_however_the_system_gives_it(tmp_path: Path, windows: bool) -> None:
    lightroom = Lightroom(tmp_path, tmp_path, windows=windows)
    with squatting("refusal") as server:
        lightroom.prefs(home=str(tmp_path), address=server.url)
        lightroom.run("MenuReview.lua")
    assert lightroom.said.title == "Afterframe does not accept the token."


# -- without a daemon --------------------------------------------------------------------------


def test_without_a_daemon_every_menu_item_says_so(studio: Studio) -> None:
    lightroom = studio.lightroom
    lightroom.select([studio.shoot("one.jpg")])
    for script in sorted(name for name in FILES if name.startswith("Menu")):
        lightroom.dialogs.clear()
        lightroom.run(script)
        (message,) = lightroom.dialogs
        assert message.title.startswith("Afterframe is not responding at http://127.0.0.1:8723"), script
    assert lightroom.fields(next(iter(lightroom.sdk.photos.values()))) == {}


def test_nothing_selected_is_not_everything(studio: Studio) -> None:
    studio.shoot("one.jpg")
    for script in ("MenuAnimate.lua", "MenuAnimateNow.lua"):
        studio.lightroom.run(script)
    assert (studio.lightroom.dialogs, studio.lightroom.requests) == ([], [])


def test_an_error_of_our_own_is_shown_and_not_swallowed(lightroom: Lightroom) -> None:
    lightroom.photo("/photos/a.jpg")
    lightroom.select(list(lightroom.sdk.photos.values()))
    with pytest.raises(AssertionError, match="no disk"):
        lightroom.answer_files_with_error("no disk")
        lightroom.run("MenuAnimateNow.lua")
    assert lightroom.said.title.startswith("Something went wrong in the Afterframe plug-in")
    assert "no disk" in lightroom.said.text


# -- the Plug-in Manager -----------------------------------------------------------------------


def views(section: Any) -> list[Any]:
    return [view for view in section.values() if lua51.lua_type(view) == "table" and view.view]


def show(lightroom: Lightroom, sections: Any) -> None:
    """As the Plug-in Manager does: each section's bindings are those of its own table."""
    for section in sections.values():
        for view in views(section):
            lightroom.sdk.checkViews(view, section.bind_to_object)


def test_the_export_dialogs_section_is_bound_to_the_export(lightroom: Lightroom) -> None:
    service = lightroom.sdk.script("ExportService.lua")
    settings = lightroom.table({field.key: field.default for field in service.exportPresetFields.values()})
    for section in service.sectionsForTopOfDialog(lightroom.sdk.factory).values():
        for view in views(section):
            lightroom.sdk.checkViews(view, settings)


def test_the_plugin_managers_page_is_made_and_keeps_what_is_typed(lightroom: Lightroom, tmp_path: Path) -> None:
    lightroom.prefs(home=str(tmp_path))
    page = lightroom.sdk.script("PluginInfoProvider.lua")
    values = lightroom.sdk.newPropertyTable()
    page.startDialog(values)
    sections = page.sectionsForTopOfDialog(lightroom.sdk.factory, values)
    assert [section.title for section in sections.values()] == [
        "Connection",
        "Afterframe on another computer",
        "More",
    ]
    show(lightroom, sections)
    lightroom.finish()
    show(lightroom, sections)
    assert values.connection.startswith("Afterframe is not responding")
    values.address = "studio.example:8723/"
    values.mappings = "Z:\\P => /mnt/p\nnonsense"
    assert from_lua(values.mappingProblem) == "Not understood: nonsense"
    settings_of = lightroom.require("Settings")
    assert settings_of.address() == "http://studio.example:8723"
    values.pasted = " secret \n"
    for section in sections.values():
        for view in views(section):
            lightroom.sdk.press(view)
    lightroom.finish()
    assert settings_of.token("http://studio.example:8723") == ("secret", True)
    assert values.pasted == ""
    page.endDialog(values)
    assert list(lightroom.sdk.gates.values()) == []
