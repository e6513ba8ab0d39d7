from __future__ import annotations

import json
from dataclasses import MISSING, fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from afterframe.domain import CameraMovement, Clip, Direction, Photo, PhotoType, Quality, Recipe
from afterframe.generator_name import GeneratorName
from afterframe.scene import BoundingBox, Detection, Scene
from factories import make_clip, make_recipe

recipes = st.builds(
    Recipe,
    photo_type=st.sampled_from(PhotoType),
    prompt=st.text(),
    negative_prompt=st.text(),
    motion_intensity=st.floats(0, 1),
    style_consistency=st.floats(0, 1),
    camera_movement=st.sampled_from(CameraMovement),
    duration_s=st.floats(0.5, 30),
    fps=st.integers(1, 60),
    size=st.tuples(st.integers(16, 4096), st.integers(16, 4096)),
    loop=st.booleans(),
    direction=st.sampled_from(Direction),
    quality=st.sampled_from(Quality),
    seed=st.integers(0, 2**31 - 1),
    variants=st.integers(1, 8),
    because=st.dictionaries(st.text(), st.lists(st.text()).map(tuple), max_size=3),
)


@given(recipes)
def test_a_recipe_survives_json(recipe: Recipe) -> None:
    assert Recipe.from_dict(json.loads(json.dumps(recipe.to_dict()))) == recipe


def test_whether_words_are_missing_is_no_part_of_a_recipe_s_record() -> None:
    wordless = make_recipe(needs_description=True)
    assert wordless.to_dict() == make_recipe().to_dict()
    assert wordless.hash == make_recipe().hash
    assert not Recipe.from_dict({**wordless.to_dict(), "needs_description": True}).needs_description


def test_a_recipe_with_fields_of_a_later_version_still_reads() -> None:
    assert Recipe.from_dict({**make_recipe().to_dict(), "mood": "blue"}) == make_recipe()


@pytest.mark.parametrize("changes", [{"because": {}}, {"seed": 8}, {"variants": 2}])
def test_what_does_not_change_the_look_does_not_change_the_hash(changes: dict[str, object]) -> None:
    assert replace(make_recipe(), **changes).hash == make_recipe().hash  # type: ignore[arg-type]


@given(recipes)
def test_what_is_as_usual_leaves_the_record_as_the_first_version_wrote_it(recipe: Recipe) -> None:
    assert ("quality" in recipe.record()) == (recipe.quality is not Quality.STANDARD)
    assert Recipe.from_dict(recipe.record()) == recipe


@pytest.mark.parametrize(
    "changes", [{"prompt": "x"}, {"fps": 9}, {"size": (64, 64)}, {"loop": True}, {"quality": Quality.FAST}]
)
def test_what_changes_the_look_changes_the_hash(changes: dict[str, object]) -> None:
    assert replace(make_recipe(), **changes).hash != make_recipe().hash  # type: ignore[arg-type]


def test_a_clip_survives_json() -> None:
    clip = make_clip(Photo(1, "/p/a.jpg", "a" * 64, 1, 1, {}))
    assert Clip.from_dict(json.loads(json.dumps(clip.to_dict()))) == clip


def test_a_clip_that_an_earlier_version_recorded_has_the_defaults_of_later_fields() -> None:
    """An interrupted publish is finished by the version that comes after it."""
    clip = make_clip(Photo(1, "/p/a.jpg", "a" * 64, 1, 1, {}))
    later = {f.name for f in fields(Clip) if f.default is not MISSING or f.default_factory is not MISSING}
    mapped = {name: value for name, value in clip.to_dict().items() if name not in later}
    assert later
    assert Clip.from_dict(json.loads(json.dumps(mapped))) == clip


def test_what_lacks_a_clips_id_is_not_a_clip() -> None:
    data = make_clip(Photo(1, "/p/a.jpg", "a" * 64, 1, 1, {})).to_dict()
    del data["id"]
    with pytest.raises(KeyError):
        Clip.from_dict(data)


def test_a_scene_survives_json() -> None:
    scene = Scene(
        faces=(Detection(0.1, 0.2, 0.3, 0.4, confidence=0.9),),
        subject=BoundingBox(0, 0, 1, 1),
        measures={"sky_share": 0.5},
        things=(Detection(0.1, 0.1, 0.4, 0.8, label="person", confidence=0.8),),
        claims={"people": 0.99},
        by_nets=True,
    )
    assert Scene.from_dict(json.loads(json.dumps(scene.to_dict()))) == scene
    assert Scene.from_dict({}) == Scene()


def test_even_the_shortest_clip_has_two_frames() -> None:
    assert make_recipe(duration_s=0.01).frame_count == 2
    assert make_recipe(duration_s=4.0, fps=24).frame_count == 96


@pytest.mark.parametrize(
    ("text", "kind", "model"),
    [
        ("parallax", "parallax", ""),
        ("diffusers:wan-5b", "diffusers", "wan-5b"),
        ("ray:remote:box", "ray", "remote:box"),
    ],
)
def test_a_generator_s_name_is_its_kind_and_its_model(text: str, kind: str, model: str) -> None:
    assert GeneratorName.parse(text) == GeneratorName(kind, model)
    assert str(GeneratorName.parse(text)) == text


def test_a_generator_named_without_its_model_has_no_colon() -> None:
    assert str(GeneratorName.parse("diffusers:")) == "diffusers"
