"""Remote: clips from servers of the OpenAI Videos protocol, least loaded first.

    dialects  how the servers differ          server  one server: create, look, download, delete
    pool      which server is next

A server that goes away in the middle costs the photo nothing: another one gets it, or it waits in the queue.
"""

from __future__ import annotations

import json
import logging
import os
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import psutil

from afterframe.config import EndpointConfig, Settings
from afterframe.domain import Recipe
from afterframe.errors import Cancelled, GenerateError, NotFound, OutOfMemory, Unavailable
from afterframe.generators.interface import Capabilities
from afterframe.generators.remote.dialects import DIALECTS, Dialect
from afterframe.generators.remote.pool import Endpoint, EndpointPool, EndpointSlot, NobodyThere
from afterframe.generators.remote.server import Answer, Failed, Gone, Interrupted, Refused, Server, State, key_of
from afterframe.imaging.frames import CancelCheck, EncodedClip, Model, PreparedPhoto, Progress
from photometa import MetadataError
from photometa.containers import mp4
from photometa.xmp import packets

__all__ = ["Remote", "check_endpoints"]

WAIT_S = 0.2
"""Between two looks for a free slot, seconds."""
LOOK_S = (0.1, 2.0)
"""Between two looks at a job: at least, and at most, seconds."""
LOOK_SHARE = 0.03
"""In between: this share of the time that it has taken so far. A finished clip waits for half of it."""
LOSSES = 2
"""A server that lost the same clip so often does not get it again."""
PHOTO_SHARE = 0.02
"""Of the whole clip: sending the photo. Fetching the clip is as much."""

log = logging.getLogger(__name__)


class Remote:
    """The generator; see the module.

    Args:
        settings: name the endpoints, and the folder for clips and lock files.
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
        self.capabilities = Capabilities(trained=True, graded=True)
        self._keyless: dict[str, str] = {}
        self._folder = settings.home.cache / "remote"
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._sweep()
        self._clip = self._folder / f"{os.getpid()}.mp4"
        self._pool = EndpointPool([self._server(endpoint) for endpoint in chosen], self._folder)
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

    def _server(self, endpoint: EndpointConfig) -> Server:
        try:
            return Server(endpoint, key_of(endpoint))
        except Refused as error:
            self._keyless[endpoint.title] = str(error)
            return Server(endpoint)

    def _sweep(self) -> None:
        """Remove clips that processes left behind when they died."""
        for clip in self._folder.glob("*.mp4"):
            if not psutil.pid_exists(int(clip.stem)) or int(clip.stem) == os.getpid():
                clip.unlink(missing_ok=True)

    def adapt(self, recipe: Recipe) -> Recipe:
        """The recipe as all the servers can do it, so that it does not matter which one gets it.

        Raises:
            GenerateError: one of them cannot do it at all.
        """
        # OpenAI's few sizes last: they are what any other server can do, not the other way round.
        spoken = {member.server.endpoint.dialect for member in self._pool.members}
        for dialect in sorted(spoken, key=lambda dialect: (dialect == "openai", dialect)):
            recipe = DIALECTS[dialect].adapt(recipe)
        return recipe

    def overscan(self, recipe: Recipe) -> float:
        """None: the model makes up what the camera finds beyond the frame."""
        return 0.0

    def generate(self, photo: PreparedPhoto, recipe: Recipe, progress: Progress, cancelled: CancelCheck) -> EncodedClip:
        """Have a clip made, and fetch it.

        Raises:
            Unavailable: no server answers.
            GenerateError: they answer, and cannot or will not.
            Cancelled: ``cancelled()`` became true; the job on the server is deleted.
        """
        picture = _png(photo)
        unwanted = dict(self._keyless)
        losses: Counter[str] = Counter()

        def wait() -> None:
            if cancelled():
                raise Cancelled("The clip was cancelled.")
            progress(0.0)  # waiting for a slot is no standstill
            self._pause.wait(WAIT_S)

        self._pool.end_orphans()
        while True:
            try:
                with self._pool.take(unwanted, wait) as (member, slot):
                    try:
                        return self._render(member, slot, picture, recipe, progress, cancelled)
                    except Gone as error:
                        self._pool.miss(member, str(error))
                        losses[member.title] += 1
                        if losses[member.title] >= LOSSES:
                            unwanted[member.title] = f"it lost the clip {LOSSES} times: {error}"
                    except (Refused, Failed) as error:
                        log.warning("%s: %s", member.title, error)
                        unwanted[member.title] = str(error)
            except NobodyThere:
                raise self._why_nobody(unwanted, losses) from None

    def _why_nobody(self, unwanted: dict[str, str], losses: Counter[str]) -> GenerateError:
        reasons = {member.title: unwanted.get(member.title) or member.reason for member in self._pool.members}
        told = "; ".join(f"{title}: {reason}" for title, reason in reasons.items())
        if any(title not in unwanted or losses[title] >= LOSSES for title in reasons):
            return Unavailable(
                f"No server that could make the clip is there. {told}.",
                "Start one of them.",
            )
        if any("out of memory" in reason.lower() for reason in reasons.values()):
            return OutOfMemory(f"The server's memory ran out. {told}.", "Choose a smaller size or a shorter clip.")
        return GenerateError(
            f"The server did not make the clip. {told}.",
            "Mend what it names in config.toml or on the server, then press Retry.",
            code="server_refused",
        )

    def _render(
        self,
        member: Endpoint,
        slot: EndpointSlot,
        picture: bytes,
        recipe: Recipe,
        progress: Progress,
        cancelled: CancelCheck,
    ) -> EncodedClip:
        server, dialect = member.server, DIALECTS[member.server.endpoint.dialect]
        began = time.monotonic()
        fields = {**dialect.fields(recipe, server.endpoint), **_texts(server.endpoint)}
        job = server.create(fields, picture)
        try:
            slot.keep(job.id)
            progress(PHOTO_SHARE)
            answer = self._follow(server, job, progress, cancelled)
            self._fetch(server, job.id, cancelled)
        finally:
            # Done, failed, cancelled or lost: the photo and its clip do not stay there.
            server.delete(job.id)
            slot.forget()
        self._pool.done(member, time.monotonic() - began)
        return self._movie(dialect, answer, recipe, fields, server.endpoint)

    def _follow(self, server: Server, job: Answer, progress: Progress, cancelled: CancelCheck) -> Answer:
        """Look at the job until it is done."""
        began = heard = time.monotonic()
        while True:
            try:
                answer = server.look(job.id)
            except Gone as error:
                if time.monotonic() - heard > error.patience_s:
                    raise
            else:
                heard = time.monotonic()
                if answer.state is State.DONE:
                    return replace(answer, model=answer.model or job.model)
                if answer.state is State.FAILED:
                    raise Failed(answer.error)
                progress(PHOTO_SHARE + answer.share * (1 - 2 * PHOTO_SHARE))
            taken_s = time.monotonic() - began
            if taken_s > server.endpoint.timeout_s:
                raise Failed(f"it took longer than {server.endpoint.timeout_s:g} s")
            if cancelled():
                raise Cancelled("The clip was cancelled.")
            self._pause.wait(min(LOOK_S[1], max(LOOK_S[0], taken_s * LOOK_SHARE)))

    def _fetch(self, server: Server, job_id: str, cancelled: CancelCheck) -> None:
        try:
            with self._clip.open("wb") as file:
                server.download(job_id, file, cancelled)
        except Interrupted:
            raise Cancelled("The clip was cancelled.") from None

    def _movie(
        self, dialect: Dialect, answer: Answer, recipe: Recipe, fields: dict[str, str], endpoint: EndpointConfig
    ) -> EncodedClip:
        told = _told_by(self._clip) if dialect.tells else {}
        trained = told.get("Iptc4xmpExt:DigitalSourceType", "").endswith("trainedAlgorithmicMedia") or not told
        self.capabilities = Capabilities(trained=trained, graded=trained and not told)
        settings = {name: value for name, value in fields.items() if name not in ("prompt", "model", "extra_body")}
        model = Model(
            name=told.get("Iptc4xmpExt:AISystemUsed") or answer.model or endpoint.model or endpoint.dialect,
            version=told.get("Iptc4xmpExt:AISystemVersionUsed", ""),
            prompt=told.get("Iptc4xmpExt:AIPromptInformation") or recipe.prompt,
            settings={**settings, **endpoint.extra, "server": endpoint.dialect},
        )
        longest_s = recipe.duration_s if dialect.cut else 2 * recipe.duration_s
        return EncodedClip(self._clip, recipe.size, longest_s, model if trained else None)

    def close(self) -> None:
        """Close the connections and remove the last clip."""
        for member in self._pool.members:
            member.server.close()
        self._clip.unlink(missing_ok=True)


def check_endpoints(endpoints: Sequence[EndpointConfig]) -> dict[str, str | None]:
    """Each server's title, and why it cannot be used; None: it answers."""
    found: dict[str, str | None] = {}
    for endpoint in endpoints:
        try:
            server = Server(endpoint, key_of(endpoint))
            try:
                server.working()
            finally:
                server.close()
        except (Gone, Refused) as error:
            found[endpoint.title] = str(error)
        else:
            found[endpoint.title] = None
    return found


def _png(photo: PreparedPhoto) -> bytes:
    done, data = cv2.imencode(".png", photo.pixels[..., ::-1], [cv2.IMWRITE_PNG_COMPRESSION, 1])
    assert done
    return data.tobytes()


def _texts(endpoint: EndpointConfig) -> dict[str, str]:
    """The endpoint's further fields as a form carries them."""
    return {name: value if isinstance(value, str) else json.dumps(value) for name, value in endpoint.extra.items()}


def _told_by(clip: Path) -> dict[str, str]:
    """What the XMP packet in a clip says in plain words; nothing where it has none that can be read."""
    try:
        packet = mp4.read_xmp(clip)
        properties = packets.parse(packet) if packet else {}
    except MetadataError:
        return {}
    return {name: value for name, value in properties.items() if isinstance(value, str)}
