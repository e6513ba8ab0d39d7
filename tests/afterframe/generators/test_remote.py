from __future__ import annotations

import logging
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import fields
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest
from video_servers import VideoServer, make_clip

from afterframe.app.doctor import examine
from afterframe.config import DIALECTS, Config, EndpointConfig, Home, RemoteConfig, Settings, read_config
from afterframe.domain import Direction, Quality, Recipe
from afterframe.encode.encode import encode
from afterframe.encode.process import Encoding
from afterframe.encode.remote_clip import decode_clip
from afterframe.errors import Cancelled, ConfigError, GenerateError, NotFound, OutOfMemory, Unavailable
from afterframe.generators import registry
from afterframe.generators.remote import dialects
from afterframe.generators.remote.client import MAX_CLIP_BYTES, ServerClient, ServerFailed, ServerGone
from afterframe.generators.remote.generator import Remote, check_endpoints
from afterframe.generators.remote.pool import EndpointPool
from afterframe.imaging.frames import EncodedClip, Frames, PreparedPhoto
from afterframe.imaging.framing import frame
from afterframe.scene import Scene
from factories import make_picture, make_recipe

KEY = "sk-very-secret-0123456789"
MODEL_SERVERS = ("sglang", "vllm-omni", "fastvideo")


@pytest.fixture
def start() -> Iterator[Callable[..., VideoServer]]:
    with ExitStack() as stack:
        yield lambda *args, **kwargs: stack.enter_context(VideoServer(*args, **kwargs).running())


@pytest.fixture
def remote(home_of_its_own: Path) -> Iterator[Callable[..., Remote]]:
    made: list[Remote] = []

    def make(*servers: VideoServer, only: str = "", **changes: Any) -> Remote:
        endpoints = tuple(
            EndpointConfig(**{"url": server.url, "name": f"box{index}", "dialect": server.dialect, **changes})
            for index, server in enumerate(servers)
        )
        made.append(Remote(settings_for(home_of_its_own, endpoints), only))
        return made[-1]

    yield make
    for generator in made:
        generator.close()


def settings_for(home: Path, endpoints: tuple[EndpointConfig, ...]) -> Settings:
    return Settings(Home(home).make(), Config(remote=RemoteConfig(endpoints)))


def no(*_: object) -> bool:
    return False


def ignore(share: float, eta_s: float | None = None) -> None: ...


def photo_for(recipe: Recipe) -> PreparedPhoto:
    return frame(np.asarray(make_picture()), Scene(), recipe.size, 0.0)


def clip_of(generator: Remote, recipe: Recipe | None = None, cancelled: Callable[[], bool] = no) -> Frames:
    recipe = generator.adapt(recipe or make_recipe(size=(96, 64), fps=8, duration_s=1.0))
    movie = generator.generate(photo_for(recipe), recipe, ignore, cancelled)
    return decode_clip(movie, Encoding())


# -- dialects --------------------------------------------------------------------------------


@pytest.mark.parametrize("dialect", MODEL_SERVERS)
def test_a_server_gets_seed_frames_and_rate_and_its_clip_comes_back(
    dialect: str, start: Callable[..., VideoServer], remote: Callable[..., Remote]
) -> None:
    server = start(dialect)
    frames = clip_of(remote(server), make_recipe(size=(100, 64), fps=8, duration_s=1.0, seed=4711))
    assert (frames.size, frames.fps, frames.count) == ((96, 64), 8, 9)
    assert len(list(frames.frames)) == 9
    assert frames.model is not None
    assert (frames.model.name, frames.model.prompt) == ("tiny-video", "a cup of coffee")
    assert frames.model.settings["seed"] == "4711"
    assert not server.jobs  # neither the photo nor the clip stays there
    assert len(server.deleted) == 1


@pytest.mark.parametrize("tone_s", [1.2, 0.0])
def test_the_sound_of_a_servers_clip_is_kept_where_it_has_one(
    tone_s: float, start: Callable[..., VideoServer], remote: Callable[..., Remote], tmp_path: Path
) -> None:
    frames = clip_of(remote(start("sglang", tone_s=tone_s)))
    encode(frames, tmp_path / "clip.mp4", Encoding(preset="ultrafast"), ignore, no)
    sound = decode_clip(EncodedClip(tmp_path / "clip.mp4", (96, 64), 100), Encoding()).sound()
    assert (sound and len(sound.samples) / sound.rate) == (frames.count / frames.fps if tone_s else None)


@pytest.mark.parametrize("dialect", MODEL_SERVERS)
def test_the_seed_that_the_server_uses_is_ours(
    dialect: str, start: Callable[..., VideoServer], remote: Callable[..., Remote]
) -> None:
    server = start(dialect)
    used: list[int] = []
    told = server._told
    server._told = lambda job, fresh=False: (used.append(server.seed_of(job)), told(job, fresh))[1]  # type: ignore[method-assign]
    clip_of(remote(server), make_recipe(seed=99, duration_s=1.0))
    assert set(used) == {99}


def test_the_retired_api_gets_only_what_it_knows_and_is_cut_to_length(
    start: Callable[..., VideoServer], remote: Callable[..., Remote], tmp_path: Path
) -> None:
    server = start("openai", key=KEY)
    (tmp_path / "key").write_text(KEY + "\n")
    generator = remote(server, key_file=str(tmp_path / "key"))
    recipe = generator.adapt(make_recipe(size=(960, 640), fps=24, duration_s=2.0))
    assert recipe.size == (1280, 720)
    assert "rounded to 1280x720" in recipe.because["size"][-1]
    movie = generator.generate(photo_for(recipe), recipe, ignore, no)
    frames = decode_clip(movie, Encoding())
    assert (frames.fps, frames.count) == (30, 60)  # it makes 4 s, 2 were asked for


def test_further_fields_reach_the_server(start: Callable[..., VideoServer], remote: Callable[..., Remote]) -> None:
    server = start("vllm-omni")
    seen: list[dict[str, str]] = []
    shape = server._shape
    server._shape = lambda form: (seen.append(form), shape(form))[1]  # type: ignore[method-assign]
    extra = MappingProxyType({"num_inference_steps": 30, "lora": {"name": "film"}})
    frames = clip_of(remote(server, extra=extra, model="tiny-video"))
    assert seen[0]["num_inference_steps"] == "30"
    assert seen[0]["lora"] == '{"name": "film"}'
    assert frames.model is not None
    assert frames.model.settings["num_inference_steps"] == 30


@pytest.mark.parametrize(("quality", "sent"), [(Quality.STANDARD, None), (Quality.BEST, "best")])
def test_another_daemon_is_told_the_quality_unless_it_is_the_usual_one(quality: Quality, sent: str | None) -> None:
    """A daemon of an earlier version refuses fields that it does not know."""
    recipe = make_recipe(quality=quality)
    assert dialects.DIALECTS["afterframe"].fields(recipe, EndpointConfig("http://there")).get("quality") == sent


@pytest.mark.parametrize("dialect", ["openai", "sglang", "vllm-omni", "fastvideo"])
def test_a_server_that_takes_no_wish_for_quality_says_so(dialect: str) -> None:
    adapt = dialects.DIALECTS[dialect].adapt
    assert "takes no wish" in adapt(make_recipe(quality=Quality.FAST)).because["quality"][-1]
    assert "quality" not in adapt(make_recipe()).because


@pytest.mark.parametrize("changes", [{"loop": True}, {"direction": Direction.BEFORE}])
def test_what_the_protocol_cannot_say_is_refused(
    changes: dict[str, Any], start: Callable[..., VideoServer], remote: Callable[..., Remote]
) -> None:
    with pytest.raises(GenerateError, match="cannot make") as caught:
        remote(start("sglang")).adapt(make_recipe(**changes))
    assert not caught.value.transient


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_server_gets_one_photo_alone(
    dialect: str, start: Callable[..., VideoServer], remote: Callable[..., Remote]
) -> None:
    with pytest.raises(GenerateError, match="goes to another") as caught:
        remote(start(dialect)).adapt(make_recipe(end_photo="/photos/b.jpg"))
    assert not caught.value.transient


def test_portrait_photos_stay_portrait(start: Callable[..., VideoServer], remote: Callable[..., Remote]) -> None:
    assert remote(start("openai")).adapt(make_recipe(size=(853, 1280))).size == (720, 1280)
    assert remote(start("sglang")).adapt(make_recipe(size=(720, 1280))).size in ((704, 1280), (736, 1280))


# -- which server ----------------------------------------------------------------------------


def test_the_least_loaded_server_gets_the_clip(
    start: Callable[..., VideoServer], remote: Callable[..., Remote]
) -> None:
    busy, free = start("sglang", work_s=60), start("vllm-omni")
    other = remote(busy)
    recipe = other.adapt(make_recipe())
    stop = threading.Event()
    someone = threading.Thread(target=_ignore_cancel, args=(other, recipe, stop))
    someone.start()
    try:
        _until(lambda: bool(busy.jobs))
        clip_of(remote(busy, free))
        assert len(free.deleted) == 1
        assert not busy.deleted
    finally:
        stop.set()
        someone.join()


def _ignore_cancel(generator: Remote, recipe: Recipe, stop: threading.Event) -> None:
    with pytest.raises(Cancelled):
        generator.generate(photo_for(recipe), recipe, ignore, stop.is_set)


def _until(condition: Callable[[], bool]) -> None:
    pause = threading.Event()
    for _ in range(1000):
        if condition():
            return
        pause.wait(0.02)
    raise AssertionError("not within 20 s")


@pytest.mark.slow
def test_a_server_never_has_more_clips_than_slots(
    start: Callable[..., VideoServer], remote: Callable[..., Remote]
) -> None:
    server = start("sglang", work_s=0.3)
    most = []
    create = server.create
    server.create = lambda: (most.append(len(server.jobs)), create())[1]  # type: ignore[method-assign]
    with server.running():  # a second listener of the same server, with the counting method
        threads = [threading.Thread(target=clip_of, args=(remote(server),)) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert most == [0, 0, 0]


def test_a_server_that_is_named_is_the_only_one(
    start: Callable[..., VideoServer], remote: Callable[..., Remote]
) -> None:
    first, second = start("sglang"), start("sglang")
    clip_of(remote(first, second, only="box1"))
    assert (len(first.deleted), len(second.deleted)) == (0, 1)


def test_an_unknown_server_is_named_with_those_that_are_there(home_of_its_own: Path) -> None:
    settings = settings_for(home_of_its_own, (EndpointConfig("http://gpu1:8000"),))
    assert registry.resolve("remote:gpu1:8000", settings) == "remote:gpu1:8000"
    with pytest.raises(NotFound, match="box7") as caught:
        registry.resolve("remote:box7", settings)
    assert "gpu1:8000" in caught.value.hint


def test_without_any_server_the_remedy_is_named(home_of_its_own: Path) -> None:
    with pytest.raises(NotFound) as caught:
        Remote(settings_for(home_of_its_own, ()))
    assert "[[remote.endpoints]]" in caught.value.hint


# -- when it goes wrong ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "trouble",
    [
        {"fails_with": "CUDA error: out of memory"},
        {"refuses_with": (400, "Unsupported size")},
        {"refuses_with": (503, "no room")},
        {"forgets": True},
        {"redirects_to": "http://127.0.0.1:9/elsewhere"},
        {"key": KEY},
    ],
    ids=str,
)
@pytest.mark.parametrize("dialect", ["sglang", "vllm-omni"])
def test_another_server_makes_it_up(
    dialect: str, trouble: dict[str, Any], start: Callable[..., VideoServer], remote: Callable[..., Remote]
) -> None:
    bad, good = start(dialect, **trouble), start(dialect)
    assert clip_of(remote(bad, good)).count == 9
    assert len(good.deleted) == 1


def test_when_nobody_answers_the_job_waits(remote: Callable[..., Remote]) -> None:
    gone = VideoServer("sglang", url="http://127.0.0.1:9")
    with pytest.raises(Unavailable, match="box0: the connection is refused") as caught:
        clip_of(remote(gone))
    assert "Start one of them" in caught.value.hint


def test_a_job_that_fails_everywhere_tells_the_servers_own_words(
    start: Callable[..., VideoServer], remote: Callable[..., Remote]
) -> None:
    server = start("vllm-omni", fails_with="the scheduler\nexploded")
    with pytest.raises(GenerateError, match="box0: the scheduler exploded") as caught:
        clip_of(remote(server))
    assert not caught.value.transient
    assert len(server.deleted) == 1


def test_memory_that_ran_out_there_is_known_for_what_it_is(
    start: Callable[..., VideoServer], remote: Callable[..., Remote]
) -> None:
    with pytest.raises(OutOfMemory, match="ran out of memory"):
        clip_of(remote(start("fastvideo", fails_with="CUDA out of memory. Tried to allocate 2 GiB")))


CLOUD = "Video has been uploaded to cloud storage. Please use the cloud URL: https://bucket.example/a.mp4"


@pytest.mark.parametrize(
    ("withholds", "again"),
    [
        ((400, CLOUD), False),
        ((403, "not yours"), False),
        ((410, "swept away"), False),
        ((302, "over there"), False),
        ((404, "Generated video file not found on disk."), True),
        ((429, "later"), True),
        ((500, "the disk"), True),
        ((503, "no room"), True),
    ],
    ids=str,
)
def test_a_finished_clip_that_is_not_given_out_counts_as_a_render_and_is_told_in_the_servers_words(
    withholds: tuple[int, str],
    again: bool,
    start: Callable[..., VideoServer],
    remote: Callable[..., Remote],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("afterframe.generators.remote.generator.FETCH_PAUSE_S", 0.0)
    server = start("sglang", withholds=withholds)
    with pytest.raises(GenerateError, match=f"box0: .*{withholds[0]}") as caught:
        clip_of(remote(server))
    assert not isinstance(caught.value, Unavailable)  # which would be tried for ever
    assert (caught.value.transient, caught.value.rendered, server.created) == (again, 1, 1)
    assert withholds[1].rstrip(".") in caught.value.message or withholds[0] < 400
    assert ".." not in caught.value.message


def test_a_clip_in_a_cloud_storage_is_told_with_the_remedy_and_not_fetched_by_its_address(
    start: Callable[..., VideoServer], remote: Callable[..., Remote]
) -> None:
    elsewhere = start("openai")
    server = start("sglang", withholds=(400, CLOUD), uploads_to=f"{elsewhere.url}/v1/videos")
    with pytest.raises(GenerateError, match="turn its upload to a cloud off"):
        clip_of(remote(server))
    assert not elsewhere.seen_keys


@pytest.mark.parametrize("withholds", [(404, "Generation is still in-progress"), (500, "for a moment")], ids=str)
def test_a_finished_clip_that_is_there_a_moment_later_is_fetched(
    withholds: tuple[int, str],
    start: Callable[..., VideoServer],
    remote: Callable[..., Remote],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("afterframe.generators.remote.generator.FETCH_PAUSE_S", 0.0)
    server = start("fastvideo", withholds=withholds, withheld=1)
    assert clip_of(remote(server)).count == 9
    assert server.created == 1


def test_what_is_withheld_by_one_server_is_made_by_another_at_most_three_times_in_all(
    start: Callable[..., VideoServer], remote: Callable[..., Remote]
) -> None:
    servers = [start("sglang", withholds=(400, CLOUD)) for _ in range(5)]
    with pytest.raises(GenerateError) as caught:
        clip_of(remote(*servers))
    assert sum(server.created for server in servers) == caught.value.rendered == 3
    good = start("sglang")
    assert clip_of(remote(servers[0], good)).count == 9


def test_a_server_that_answers_and_forgets_its_jobs_is_no_server_that_is_away(
    start: Callable[..., VideoServer], remote: Callable[..., Remote]
) -> None:
    with pytest.raises(GenerateError, match="no longer knows the job") as caught:
        clip_of(remote(start("sglang", forgets=True)))
    assert caught.value.transient
    assert not isinstance(caught.value, Unavailable)


def test_only_a_clip_shortens_the_time_that_a_failing_server_is_left_alone(home_of_its_own: Path) -> None:
    now = 0.0
    server = ServerClient(EndpointConfig("http://127.0.0.1:9", "box", "sglang"))
    server.active_jobs = lambda: 0  # type: ignore[method-assign]  # its list always answers
    pool = EndpointPool([server], home_of_its_own, lambda: now)
    (member,) = pool.members
    left_alone = []
    for _ in range(3):
        with pool.take((), lambda: None):
            pool.mark_away(member, "it lost the clip")
        left_alone.append(member.retry_at - now)
        now = member.retry_at
    assert left_alone == [5.0, 15.0, 60.0]
    pool.record_duration(member, 1.0)
    pool.mark_away(member, "once more")
    assert member.retry_at - now == 5.0


@pytest.mark.parametrize("dialect", ["sglang", "fastvideo"])
def test_a_clip_that_does_not_show_its_photo_is_the_servers_failure(
    dialect: str, start: Callable[..., VideoServer], remote: Callable[..., Remote]
) -> None:
    server = start(dialect, rubbish=make_clip(96, 64, 9, 8))  # of the right shape, of nothing in the photo
    with pytest.raises(GenerateError, match=r"does not show the photo; .*model\?$") as caught:
        clip_of(remote(server))
    assert not caught.value.transient
    assert server.created == 1


def test_a_clip_of_another_size_and_length_says_its_own_in_the_record(
    start: Callable[..., VideoServer], remote: Callable[..., Remote]
) -> None:
    server = start("sglang", makes=(64, 42, 17, 16))
    generator = remote(server)
    recipe = generator.adapt(make_recipe(size=(96, 64), fps=8, duration_s=1.0))
    made = generator.generate(photo_for(recipe), recipe, ignore, no)
    assert made.model is not None
    settings = made.model.settings
    assert [settings[name] for name in ("size", "num_frames", "fps")] == ["64x42", "17", "16"]


@pytest.mark.parametrize(
    ("dialect", "claimed"),
    [("fastvideo", {"guidance_scale_2": 2.0}), ("sglang", {"guidance_scale_2": 2.0, "flow_shift": 5.0})],
)
def test_a_field_that_a_server_drops_is_not_claimed(
    dialect: str, claimed: dict[str, float], start: Callable[..., VideoServer], remote: Callable[..., Remote]
) -> None:
    extra = {"guidance_scale_2": 2.0, "flow_shift": 5.0, "no_such_field": 1.0}
    server = start(dialect)
    generator = remote(server, extra=extra)
    recipe = generator.adapt(make_recipe(size=(96, 64), fps=8, duration_s=1.0))
    made = generator.generate(photo_for(recipe), recipe, ignore, no)
    assert made.model is not None
    assert {name: made.model.settings[name] for name in extra if name in made.model.settings} == claimed
    assert server.fields["guidance_scale_2"] == "2.0"


@pytest.mark.slow
def test_a_server_that_takes_too_long_is_given_up(
    start: Callable[..., VideoServer], remote: Callable[..., Remote]
) -> None:
    server = start("sglang", work_s=600)
    with pytest.raises(GenerateError, match="longer than 1 s"):
        clip_of(remote(server, timeout_s=1.0))
    assert len(server.deleted) == 1


def test_cancelling_deletes_the_job_on_the_server(
    start: Callable[..., VideoServer], remote: Callable[..., Remote]
) -> None:
    server = start("vllm-omni", work_s=600)
    with pytest.raises(Cancelled):
        clip_of(remote(server), cancelled=lambda: bool(server.jobs))
    assert len(server.deleted) == 1
    assert not server.jobs


def test_what_a_killed_process_left_at_work_is_deleted_before_the_next_clip(
    start: Callable[..., VideoServer], remote: Callable[..., Remote], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException): ...

    def die(*_: object) -> None:
        raise Killed

    busy, free = start("vllm-omni", work_s=600), start("vllm-omni")
    with monkeypatch.context() as death, pytest.raises(Killed):
        death.setattr(ServerClient, "delete", die)
        clip_of(remote(busy), cancelled=lambda: bool(busy.jobs))
    (orphan,) = busy.jobs
    busy.work_s = 0.0
    for _ in range(2):
        clip_of(remote(free, busy))
    assert busy.deleted == [orphan]


def test_a_server_that_is_gone_keeps_nobody_from_the_next_clip(
    start: Callable[..., VideoServer], remote: Callable[..., Remote], home_of_its_own: Path
) -> None:
    gone, good = VideoServer("sglang", url="http://127.0.0.1:9"), start("sglang")
    generator = remote(gone, good)
    note = generator._pool.members[0].slots[0].note
    note.write_text("video_of/old")
    assert clip_of(generator).count == 9
    assert not note.exists()


def test_doctor_looks_whether_the_servers_answer(
    start: Callable[..., VideoServer], home_of_its_own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BOX_KEY", "wrong")
    good, locked = start("sglang"), start("openai", key=KEY)
    home = Home(home_of_its_own).make()
    settings = f'[[remote.endpoints]]\nname = "good"\nurl = "{good.url}"\n'
    home.config.write_text(settings)
    check = next(check for check in examine(home) if check.name == "servers")
    assert check.detail == "good answers"
    assert check.hint == ""  # OpenAI's protocol deletes
    home.config.write_text(settings + 'dialect = "sglang"\n')
    assert "stay in the folders of good" in next(check for check in examine(home) if check.name == "servers").hint
    settings += f'[[remote.endpoints]]\nname = "locked"\nurl = "{locked.url}"\nkey_env = "BOX_KEY"\n'
    settings += '[[remote.endpoints]]\nname = "gone"\nurl = "http://127.0.0.1:9"\n'
    home.config.write_text(settings)
    check = next(check for check in examine(home) if check.name == "servers")
    assert not check.ok
    assert "locked: it does not accept the key" in check.detail
    assert "gone: the connection is refused" in check.detail


# -- keys ------------------------------------------------------------------------------------


def test_the_key_goes_to_the_server_and_nowhere_else(
    start: Callable[..., VideoServer],
    remote: Callable[..., Remote],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("BOX_KEY", KEY)
    server = start("vllm-omni", key=KEY)
    frames = clip_of(remote(server, key_env="BOX_KEY"))
    assert server.seen_keys == {f"Bearer {KEY}"}
    assert KEY not in caplog.text
    assert frames.model is not None
    assert KEY not in str(frames.model)


def test_a_server_that_repeats_a_wrong_key_does_not_bring_it_into_messages(
    start: Callable[..., VideoServer], remote: Callable[..., Remote], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BOX_KEY", "sk-wrong-but-still-secret")
    server = start("openai", key=KEY)
    with pytest.raises(GenerateError, match="does not accept the key") as caught:
        clip_of(remote(server, key_env="BOX_KEY"))
    assert "secret" not in caught.value.message
    assert "[key]" in caught.value.message


def test_the_key_does_not_follow_a_redirect(start: Callable[..., VideoServer], remote: Callable[..., Remote]) -> None:
    other = start("sglang")
    server = start("sglang", redirects_to=f"{other.url}/v1/videos")
    with pytest.raises(GenerateError, match="redirects to another address"):
        clip_of(remote(server))
    assert not other.seen_keys


def test_a_key_that_is_not_there_is_named(
    start: Callable[..., VideoServer], remote: Callable[..., Remote], tmp_path: Path
) -> None:
    server = start("sglang")
    with pytest.raises(GenerateError, match="NO_SUCH_KEY"):
        clip_of(remote(server, key_env="NO_SUCH_KEY"))
    with pytest.raises(GenerateError, match="no such file"):
        clip_of(remote(server, key_file=str(tmp_path / "no such file")))
    assert not server.seen_keys


# -- answers that no server should give --------------------------------------------------------


class Odd(BaseHTTPRequestHandler):
    """Answers everything with one body, or with one that does not end until nobody listens."""

    body: bytes | None = None

    def do_GET(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(200)
        self.end_headers()
        with suppress(ConnectionError):
            while self.body is None:
                self.wfile.write(b" " * 65536)
            self.wfile.write(self.body)

    def do_POST(self) -> None:
        self.do_GET()

    def do_DELETE(self) -> None:
        self.do_GET()

    def log_message(self, *_: object) -> None: ...


@contextmanager
def odd_server(body: bytes | None) -> Iterator[EndpointConfig]:
    with ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (Odd,), {"body": body})) as http:
        thread = threading.Thread(target=http.serve_forever, args=(0.01,))
        thread.start()
        yield EndpointConfig(url=f"http://127.0.0.1:{http.server_port}", name="odd", timeout_s=10.0)
        http.shutdown()
        thread.join()


def test_an_answer_without_end_is_left() -> None:
    with odd_server(None) as endpoint:
        assert "larger than 4 MB" in (check_endpoints([endpoint])["odd"] or "")


def test_an_answer_that_trickles_is_left_when_its_time_is_over(tmp_path: Path) -> None:
    with odd_server(None) as endpoint, (tmp_path / "clip").open("wb") as file:
        seconds = count(step=6.0)  # by the clock, each piece takes longer than an answer may
        server = ServerClient(endpoint, clock=lambda: next(seconds))
        with pytest.raises(ServerGone, match="in time"):
            server.status("1")
        with pytest.raises(ServerFailed, match="did not arrive within 10 s"):
            server.download("1", file, no)
        server.close()
    assert (tmp_path / "clip").stat().st_size < MAX_CLIP_BYTES


def test_a_status_that_is_no_word_is_told_with_the_server_and_the_remedy(home_of_its_own: Path) -> None:
    with odd_server(b'{"id": 5, "status": ["x"], "data": [{"status": {}}]}') as endpoint:
        assert "status that is not text" in (check_endpoints([endpoint])["odd"] or "")
        generator = Remote(settings_for(home_of_its_own, (endpoint,)))
        with pytest.raises(GenerateError, match="odd: its answer has a job's status that is not text") as caught:
            clip_of(generator)
        generator.close()
    assert "config.toml" in caught.value.hint


# -- settings --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("endpoint", "named"),
    [
        ('name = "x"', "not a valid address"),
        ('url = "gpu1:8000"', "not a valid address"),
        ('url = "http://[::1"', "#1.url is not a valid address"),
        ('url = "http://gpu1:0"', "not a valid address"),
        ('url = "http://gpu1:65536"', "not a valid address"),
        ('url = "http://gpu1:port"', "not a valid address"),
        ('url = "http://me:secret@gpu1:8000"', "more than host"),
        ('url = "http://gpu1:8000/?key=1"', "more than host"),
        ('url = "http://gpu1:8000"\ndialect = "klingon"', "klingon"),
        ('url = "http://gpu1:8000"\nslots = 0', "#1.slots cannot be 0"),
        ('url = "http://gpu1:8000"\nkey = "sk-1"', "“key” is not a setting"),
        ('url = "http://gpu1:8000"\n[[remote.endpoints]]\nurl = "http://gpu1:8000"', "two endpoints"),
    ],
)
def test_a_mistake_in_an_endpoint_is_named(tmp_path: Path, endpoint: str, named: str) -> None:
    (tmp_path / "config.toml").write_text(f"[[remote.endpoints]]\n{endpoint}\n")
    with pytest.raises(ConfigError, match=named) as caught:
        read_config(tmp_path / "config.toml")
    assert "secret" not in caught.value.message


def test_every_setting_of_an_endpoint_is_documented() -> None:
    page = (Path(__file__).parents[3] / "docs" / "settings.md").read_text("utf-8")
    section = page.partition("\n## [[remote.endpoints]]\n")[2].partition("\n## ")[0]
    assert set(re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE)) == {f.name for f in fields(EndpointConfig)}
    assert all(f'`"{dialect}"`' in section for dialect in DIALECTS)
