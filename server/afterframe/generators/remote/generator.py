"""Remote: clips from servers of the OpenAI Videos protocol, least loaded first.

    dialects  how the servers differ          client  one server: create, status, download, delete
    pool      which server is next            connections  their time limits

When a server goes away in the middle of a clip, another one makes it, or it waits in the queue. A server that answers
and has no clip to show for a job is no server that is away: the job gets a strike, so that nothing is paid for without
end.
"""

from __future__ import annotations

import json
import logging
import os
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import cv2
import psutil

from afterframe.config import EndpointConfig, Settings
from afterframe.domain import Direction, Recipe
from afterframe.encode.process import Encoding
from afterframe.encode.remote_clip import decode_clip, frame_at
from afterframe.errors import Cancelled, EncodeError, GenerateError, NotFound, OutOfMemory, Unavailable
from afterframe.generators.interface import Capabilities
from afterframe.generators.remote.client import (
    Answer,
    DownloadInterrupted,
    RemoteJobState,
    ServerClient,
    ServerFailed,
    ServerGone,
    ServerRefused,
    api_key_of,
    plain,
)
from afterframe.generators.remote.dialects import DIALECTS, Dialect
from afterframe.generators.remote.pool import Endpoint, EndpointPool, EndpointSlot, NoServer
from afterframe.grade.fidelity import shows_photo
from afterframe.imaging.frames import CancelCheck, EncodedClip, Frames, Model, PreparedPhoto, Progress
from afterframe.recipe.settings import LONGEST_PROMPT
from photometa import MetadataError
from photometa.containers import mp4
from photometa.xmp import packets

__all__ = ["Remote", "check_endpoints", "keeping"]

WAIT_S = 0.2
"""How often a free slot is looked for, seconds."""
POLL_INTERVAL_S = (0.1, 2.0)
"""Between two questions about a job: at least, and at most, seconds."""
POLL_SHARE = 0.03
"""In between: this share of the time that the job has taken so far. A finished clip waits for half of it on average."""
MAX_LOSSES = 2
"""A server that lost the same clip this often does not get it again."""
MAX_RENDERED = 3
"""Complete renders of one clip that may come to nothing."""
FETCH_PAUSE_S = 2.0
"""Until a finished clip that was not there is asked for once more, seconds."""
PHOTO_SHARE = 0.02
"""Progress that sending the photo counts for; fetching the clip counts for as much."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RemoteClipRequest:
    """A clip that is wanted from any of the servers."""

    prepared: PreparedPhoto
    photo: bytes
    """The same as a PNG."""
    recipe: Recipe
    progress: Progress
    cancelled: CancelCheck


@dataclass(slots=True)
class ServersTried:
    """What became of one clip on the servers, by their titles."""

    excluded: dict[str, str]
    """Servers that do not get the clip (again), each with the reason."""
    losses: Counter[str] = field(default_factory=Counter)
    lost_while_there: bool = False
    """A server that answers does not have (any more) what it accepted or made."""
    rendered: int = 0
    """Jobs that a server said are done, and that brought no clip."""

    def lost(self, title: str, error: ServerGone) -> None:
        """A server lost the clip; after :data:`MAX_LOSSES` it does not get it again."""
        self.losses[title] += 1
        self.lost_while_there |= error.answers
        if self.losses[title] >= MAX_LOSSES:
            self.excluded[title] = f"it lost the clip {MAX_LOSSES} times: {error}"

    def may_come_back(self, title: str) -> bool:
        """Whether a server has not refused the clip: it is only not there now."""
        return title not in self.excluded or self.losses[title] >= MAX_LOSSES


class Remote:
    """The generator; see the module.

    Args:
        settings: these name the endpoints, and the folder for clips and lock files.
        model: the title of the one endpoint to use; empty: all of them.
    """

    name = "remote"

    def __init__(self, settings: Settings, model: str = "") -> None:
        endpoints = settings.config.remote.endpoints
        chosen = [endpoint for endpoint in endpoints if model in ("", endpoint.title)]
        if not chosen:
            raise NotFound(
                f"config.toml names no server called “{model}”." if model else "config.toml names no server.",
                "Write one under [[remote.endpoints]]; docs/studio.md shows how.",
                code="no_endpoint",
            )
        self.version = "1"
        self.capabilities = Capabilities(trained=True, graded=True, elsewhere=True)
        self._keyless: dict[str, str] = {}
        self._folder = settings.home.cache / "remote"
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._sweep()
        self._clip_file = self._folder / f"{os.getpid()}.mp4"
        self._pool = EndpointPool([self._server(endpoint) for endpoint in chosen], self._folder)
        render = settings.config.render
        self._encoding = Encoding(render.ffmpeg, render.preset, render.crf)
        self._pause = threading.Event()

    @staticmethod
    def find_model(name: str, settings: Settings, *, folders: bool = True) -> str:  # noqa: ARG004 - part of the agreement
        """The title of the endpoint that ``name`` means.

        Raises:
            NotFound: config.toml names none of that title.
        """
        endpoints = settings.config.remote.endpoints
        if name in {endpoint.title for endpoint in endpoints}:
            return name
        raise NotFound(
            f"config.toml names no server called “{name}”.",
            f"It names {', '.join(endpoint.title for endpoint in endpoints) or 'none'}.",
            code="no_endpoint",
        )

    def _server(self, endpoint: EndpointConfig) -> ServerClient:
        try:
            return ServerClient(endpoint, api_key_of(endpoint))
        except ServerRefused as error:
            self._keyless[endpoint.title] = str(error)
            return ServerClient(endpoint)

    def _sweep(self) -> None:
        """Remove clips of processes that died."""
        for clip in self._folder.glob("*.mp4"):
            if not psutil.pid_exists(int(clip.stem)) or int(clip.stem) == os.getpid():
                clip.unlink(missing_ok=True)

    def adapt(self, recipe: Recipe) -> Recipe:
        """The recipe as all the servers can do it, so that any of them may get it.

        Raises:
            GenerateError: one of them cannot do it at all.
        """
        if recipe.end_photo:
            raise GenerateError(
                "A server gets one photo: it cannot make a clip that goes to another.",
                "Leave end_photo out, or use a model on this machine, or parallax.",
                code="cannot_do",
            )
        # OpenAI's few sizes come last: any other server can do them, but not the other way round.
        spoken = {member.server.endpoint.dialect for member in self._pool.members}
        for dialect in sorted(spoken, key=lambda dialect: (dialect == "openai", dialect)):
            recipe = DIALECTS[dialect].adapt(recipe)
        return recipe

    def overscan(self, recipe: Recipe) -> float:
        """0: the model invents what the camera sees beyond the frame."""
        return 0.0

    def generate(self, photo: PreparedPhoto, recipe: Recipe, progress: Progress, cancelled: CancelCheck) -> EncodedClip:
        """Have a clip made, and fetch it.

        Raises:
            Unavailable: no server answers.
            GenerateError: they answer, but cannot make the clip or refuse to.
            Cancelled: ``cancelled()`` became true; the job on the server is deleted.
        """
        order = RemoteClipRequest(photo, _png(photo), recipe, progress, cancelled)
        tried = ServersTried(dict(self._keyless))
        self._pool.end_orphans()
        while tried.rendered < MAX_RENDERED:
            try:
                with self._pool.take(tried.excluded, partial(self._wait_for_slot, order)) as (member, slot):
                    if clip := self._try(member, slot, order, tried):
                        return clip
            except NoServer:
                break
        raise self._why_no_server(tried)

    def _wait_for_slot(self, order: RemoteClipRequest) -> None:
        if order.cancelled():
            raise Cancelled("The clip was cancelled.")
        order.progress(0.0)  # a render that waits for a slot has not stalled
        self._pause.wait(WAIT_S)

    def _try(
        self, member: Endpoint, slot: EndpointSlot, order: RemoteClipRequest, tried: ServersTried
    ) -> EncodedClip | None:
        """The clip from one server; None: it did not make it, which ``tried`` notes."""
        try:
            return self._render(member, slot, order, tried)
        except ServerGone as error:
            self._pool.mark_away(member, str(error))
            tried.lost(member.title, error)
        except (ServerRefused, ServerFailed) as error:
            log.warning("%s: %s", member.title, error)
            tried.excluded[member.title] = str(error)
        return None

    def _why_no_server(self, tried: ServersTried) -> GenerateError:
        reasons = {member.title: tried.excluded.get(member.title) or member.reason for member in self._pool.members}
        listed = "; ".join(f"{title}: {reason}" for title, reason in reasons.items())
        listed += "" if listed.endswith("?") else "."
        if tried.rendered or tried.lost_while_there:
            return GenerateError(
                f"The server did not bring a clip that it began. {listed}",
                "Fix what it names on the server, then press Retry.",
                code="clip_lost",
                transient=tried.lost_while_there or any(tried.may_come_back(title) for title in reasons),
                rendered=tried.rendered,
            )
        if any(tried.may_come_back(title) for title in reasons):
            return Unavailable(
                f"No server that could make the clip is available. {listed}",
                "Start one of them.",
            )
        if any("out of memory" in reason.lower() for reason in reasons.values()):
            return OutOfMemory(f"The server ran out of memory. {listed}", "Choose a smaller size or a shorter clip.")
        return GenerateError(
            f"The server did not make the clip. {listed}",
            "Fix what it names in config.toml or on the server, then press Retry.",
            code="server_refused",
        )

    def _render(
        self, member: Endpoint, slot: EndpointSlot, order: RemoteClipRequest, tried: ServersTried
    ) -> EncodedClip:
        server, dialect = member.server, DIALECTS[member.server.endpoint.dialect]
        began = time.monotonic()
        fields = {**dialect.fields(order.recipe, server.endpoint), **_form_fields(server.endpoint)}
        job = server.create(fields, order.photo, as_json=dialect.as_json)
        try:
            slot.record_job(job.id)
            order.progress(PHOTO_SHARE)
            answer = self._follow(server, job, order)
            tried.rendered += 1
            self._fetch(server, replace(answer, id=job.id), order)
        finally:
            # Done, failed, cancelled or lost: photo and clip do not stay there, as far as the server removes them.
            server.delete(job.id)
            slot.clear_job()
        clip = self._checked(self._clip(dialect, answer, order.recipe, fields, server.endpoint), order)
        tried.rendered -= 1
        self._pool.record_duration(member, time.monotonic() - began)
        return clip

    def _checked(self, clip: EncodedClip, order: RemoteClipRequest) -> EncodedClip:
        """The clip with the settings that it really has; what is not the photo's clip is the server's failure."""
        try:
            frames = decode_clip(clip, self._encoding)
            index = frames.count - 1 if order.recipe.direction is Direction.BEFORE else 0
            photos = frame_at(clip, frames, index, self._encoding)
        except EncodeError as error:
            if error.error_code in ("no_movie", "wrong_shape"):
                raise ServerFailed(error.message.rstrip(".")) from error
            raise
        if not shows_photo(photos, order.prepared):
            raise ServerFailed("its clip does not show the photo; does it serve an image-to-video model?")
        return clip if clip.model is None else replace(clip, model=_as_made(clip.model, frames))

    def _follow(self, server: ServerClient, job: Answer, order: RemoteClipRequest) -> Answer:
        """Ask for the job's state until it is done."""
        began = heard = time.monotonic()
        while True:
            try:
                answer = server.status(job.id)
            except ServerGone as error:
                if time.monotonic() - heard > error.patience_s:
                    raise
            else:
                heard = time.monotonic()
                if answer.state is RemoteJobState.DONE:
                    return replace(answer, model=answer.model or job.model)
                if answer.state is RemoteJobState.FAILED:
                    raise ServerFailed(answer.error)
                order.progress(PHOTO_SHARE + answer.share * (1 - 2 * PHOTO_SHARE))
            taken_s = time.monotonic() - began
            if taken_s > server.endpoint.timeout_s:
                raise ServerFailed(f"it took longer than {server.endpoint.timeout_s:g} s")
            if order.cancelled():
                raise Cancelled("The clip was cancelled.")
            self._pause.wait(min(POLL_INTERVAL_S[1], max(POLL_INTERVAL_S[0], taken_s * POLL_SHARE)))

    def _fetch(self, server: ServerClient, job: Answer, order: RemoteClipRequest) -> None:
        """Download a finished clip; what is not there is asked for once more."""

        def cancelled() -> bool:
            order.progress(1 - PHOTO_SHARE)  # a clip that arrives slowly has not stalled
            return order.cancelled()

        try:
            try:
                self._download(server, job.id, cancelled)
            except ServerGone:
                self._pause.wait(FETCH_PAUSE_S)
                self._download(server, job.id, cancelled)
        except DownloadInterrupted:
            raise Cancelled("The clip was cancelled.") from None
        except ServerFailed as error:
            if not job.kept_elsewhere:
                raise
            raise ServerFailed(f"{error}; turn its upload to a cloud off") from None

    def _download(self, server: ServerClient, job_id: str, cancelled: CancelCheck) -> None:
        with self._clip_file.open("wb") as file:
            server.download(job_id, file, cancelled)

    def _clip(
        self, dialect: Dialect, answer: Answer, recipe: Recipe, fields: dict[str, str], endpoint: EndpointConfig
    ) -> EncodedClip:
        packet = _packet_of(self._clip_file) if dialect.describes_itself else {}
        trained = packet.get("Iptc4xmpExt:DigitalSourceType", "").endswith("trainedAlgorithmicMedia") or not packet
        self.capabilities = Capabilities(trained=trained, graded=trained and not packet, elsewhere=True)
        apart = {"prompt", "model", "extra_body", *endpoint.extra}
        settings = {name: value for name, value in fields.items() if name not in apart}
        sent = (
            endpoint.extra if dialect.reads is None else {k: v for k, v in endpoint.extra.items() if k in dialect.reads}
        )
        model = Model(
            name=packet.get("Iptc4xmpExt:AISystemUsed") or answer.model or endpoint.model or endpoint.dialect,
            version=packet.get("Iptc4xmpExt:AISystemVersionUsed", ""),
            prompt=packet.get("Iptc4xmpExt:AIPromptInformation") or recipe.prompt,
            settings={**settings, **sent, "server": endpoint.dialect},
        )
        longest_s = recipe.duration_s if dialect.cut else 2 * recipe.duration_s
        made = model if trained else None
        return EncodedClip(self._clip_file, recipe.size, longest_s, made, shortest_s=recipe.duration_s / 2)

    def close(self) -> None:
        """Close the connections and remove the last clip."""
        for member in self._pool.members:
            member.server.close()
        self._clip_file.unlink(missing_ok=True)


def check_endpoints(endpoints: Sequence[EndpointConfig]) -> dict[str, str | None]:
    """The title of each server, and why it cannot be used; None: it answers."""
    found: dict[str, str | None] = {}
    for endpoint in endpoints:
        try:
            server = ServerClient(endpoint, api_key_of(endpoint))
            try:
                server.active_jobs()
            finally:
                server.close()
        except (ServerGone, ServerRefused) as error:
            found[endpoint.title] = str(error)
        else:
            found[endpoint.title] = None
    return found


def keeping(endpoints: Sequence[EndpointConfig]) -> list[str]:
    """The titles of the servers that keep photos and clips although they are told to delete them."""
    return [endpoint.title for endpoint in endpoints if DIALECTS[endpoint.dialect].keeps_files]


def _png(photo: PreparedPhoto) -> bytes:
    done, data = cv2.imencode(".png", photo.pixels[..., ::-1], [cv2.IMWRITE_PNG_COMPRESSION, 1])
    assert done
    return data.tobytes()


def _form_fields(endpoint: EndpointConfig) -> dict[str, str]:
    """The endpoint's further fields as text fields of a form."""
    return {name: value if isinstance(value, str) else json.dumps(value) for name, value in endpoint.extra.items()}


def _as_made(model: Model, frames: Frames) -> Model:
    """The settings with the size, rate and number of frames that the clip has: some servers choose their own."""
    made = {"size": f"{frames.size[0]}x{frames.size[1]}", "fps": str(frames.fps), "num_frames": str(frames.count)}
    return replace(model, settings={**model.settings, **{k: v for k, v in made.items() if k in model.settings}})


def _packet_of(clip: Path) -> dict[str, str]:
    """The text values of the XMP packet in a clip; empty where it has none that can be read."""
    try:
        packet = mp4.read_xmp(clip)
        properties = packets.parse(packet) if packet else {}
    except MetadataError:
        return {}
    return {name: plain(value, LONGEST_PROMPT) for name, value in properties.items() if isinstance(value, str)}
