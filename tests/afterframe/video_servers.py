"""Servers of the OpenAI Videos protocol, each with the habits that its source shows. Real HTTP, real clips.

``python video_servers.py DIALECT WORK_S`` serves until it is killed and prints its port first.

- sglang: ``multimodal_gen/runtime/entrypoints/openai/video_api.py``: multipart needs a file; the older form knows
  no ``seed`` but reads ``extra_body``; states are queued, completed, failed; DELETE forgets the record while the
  render goes on.
- vllm-omni: ``entrypoints/openai/api_server.py``: a wrong ``model`` is 400, a failed job is told with status 500,
  DELETE stops the job and answers ``video.deleted``.
- fastvideo: ``entrypoints/openai/video_api.py``: ``seed`` is 1024 by default, progress 0 until done, errors
  without a code.
- openai: the retired API: unknown fields, other sizes or lengths are 400; a key is needed.
"""

from __future__ import annotations

import base64
import json
import logging
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from flask import Flask, Response, request
from werkzeug.serving import make_server

from afterframe.encode.encode import encode
from afterframe.encode.process import Encoding
from afterframe.imaging.frames import Frames, Sound

OPENAI_FIELDS = {"model", "prompt", "seconds", "size"}
OPENAI_SIZES = {"720x1280", "1280x720", "1024x1792", "1792x1024"}
FASTVIDEO_FORM = {
    *("prompt", "model", "seconds", "size", "fps", "num_frames", "seed", "negative_prompt"),
    *("guidance_scale", "num_inference_steps", "enable_teacache"),
}
FASTVIDEO_JSON = FASTVIDEO_FORM | {"guidance_scale_2", "true_cfg_scale", "output_path"}
LONGEST_SIDE = 96
"""Clips are made no larger than this, whatever is asked for: tests have no time for more."""


@dataclass
class VideoJob:
    id: str
    fields: dict[str, str]
    picture: tuple[int, int]
    """(width, height) of the photo that came."""
    began: float
    clip: bytes = b""
    deleted: bool = False
    fetched: int = 0


@dataclass
class VideoServer:
    """One server: what it was asked, and what it is told to do wrong."""

    dialect: str
    work_s: float = 0.0
    key: str = ""
    model: str = "tiny-video"
    fails_with: str = ""
    """Every job fails with these words."""
    refuses_with: tuple[int, str] | None = None
    """Every creation is refused with this status and these words."""
    forgets: bool = False
    """Jobs are forgotten as soon as they are made, as by a restart."""
    withholds: tuple[int, str] | None = None
    """Who asks for a finished clip gets this status and these words."""
    withheld: float = float("inf")
    """That many times; then the clip."""
    uploads_to: str = ""
    """Finished jobs name this address of a cloud storage, as SGLang's do."""
    makes: tuple[int, int, int, int] | None = None
    """(width, height, frames, fps) of every clip, whatever is asked for: some models have their own."""
    fields: dict[str, str] = field(default_factory=dict)
    """What the engine got of the last job."""
    rubbish: bytes = b""
    """Sent in place of every clip."""
    tone_s: float = 0.0
    """Every clip comes with a tone so long, seconds."""
    redirects_to: str = ""
    jobs: dict[str, VideoJob] = field(default_factory=dict)
    deleted: list[str] = field(default_factory=list)
    created: int = 0
    seen_keys: set[str] = field(default_factory=set)
    url: str = ""
    lock: threading.Lock = field(default_factory=threading.Lock)

    # -- what it does ------------------------------------------------------------------------

    def app(self) -> Flask:
        app = Flask(f"videos-{self.dialect}")
        app.before_request(self._check_key)
        app.add_url_rule("/v1/videos", "create", self.create, methods=["POST"])
        app.add_url_rule("/v1/videos", "list", self.list, methods=["GET"])
        app.add_url_rule("/v1/videos/<job_id>", "look", self.look, methods=["GET"])
        app.add_url_rule("/v1/videos/<job_id>", "delete", self.delete, methods=["DELETE"])
        app.add_url_rule("/v1/videos/<job_id>/content", "content", self.content, methods=["GET"])
        return app

    def _check_key(self) -> Response | None:
        given = request.headers.get("Authorization", "")
        self.seen_keys.add(given)
        if self.redirects_to:
            return Response(status=307, headers={"Location": self.redirects_to})
        if self.key and given != f"Bearer {self.key}":
            return self._error(401, f"Incorrect API key provided: {given.removeprefix('Bearer ')}.")
        return None

    def _error(self, status: int, words: str) -> Response:
        body = {"error": {"message": words, "type": "x"}} if self.dialect == "openai" else {"detail": words}
        return Response(json.dumps(body), status, mimetype="application/json")

    def create(self) -> Response:
        if self.refuses_with:
            return self._error(*self.refuses_with)
        form, data = self._read()
        if wrong := self._wrong(form, bool(data)):
            return self._error(*wrong)
        picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
        if picture is None:
            return self._error(400, "Failed to process image")
        job = VideoJob(f"video_{uuid.uuid4().hex}", form, (picture.shape[1], picture.shape[0]), time.monotonic())
        job.clip = self.rubbish or make_clip(*(self.makes or self._shape(form)), self.tone_s, begin=data)
        with self.lock:
            self.jobs[job.id] = job
            self.created += 1
            self.fields = form
        return self._json(self._told(job, fresh=True))

    def _read(self) -> tuple[dict[str, str], bytes]:
        """The fields that reach the engine, and the photo; what its form does not have is dropped without a word."""
        if request.is_json:
            form = {name: str(value) for name, value in request.get_json().items() if name != "reference_url"}
            data = base64.b64decode(request.get_json()["reference_url"].partition("base64,")[2])
        else:
            file = request.files.get("input_reference")
            form, data = dict(request.form), file.read() if file else b""
        known = FASTVIDEO_JSON if request.is_json else FASTVIDEO_FORM
        if self.dialect == "fastvideo":
            form = {name: value for name, value in form.items() if name in known}
        return form, data

    def _wrong(self, form: dict[str, str], has_file: bool) -> tuple[int, str] | None:
        if not form.get("prompt"):
            return (422 if self.dialect == "vllm-omni" else 400), "prompt is required"
        if self.dialect == "sglang" and not has_file:
            return 400, "input_reference file is required"
        if self.dialect == "vllm-omni" and form.get("model", self.model) != self.model:
            return 400, f"Model mismatch: request specifies '{form['model']}' but server is running '{self.model}'."
        if self.dialect == "openai":
            if unknown := form.keys() - OPENAI_FIELDS:
                return 400, f"Unknown parameter: '{min(unknown)}'."
            if form.get("size") not in OPENAI_SIZES or form.get("seconds") not in ("4", "8", "12"):
                return 400, "Invalid value."
        return None

    def _shape(self, form: dict[str, str]) -> tuple[int, int, int, int]:
        """(width, height, frames, fps) of the clip, as this server would understand the form."""
        if self.dialect == "sglang":
            form = {**json.loads(form.get("extra_body", "{}")), **form}
        width, height = map(int, form["size"].split("x"))
        scale = min(1.0, LONGEST_SIDE / max(width, height))
        fps = int(form.get("fps", 30))
        count = int(form.get("num_frames", fps * int(form.get("seconds", 4))))
        return round(width * scale / 2) * 2, round(height * scale / 2) * 2, count, fps

    def seed_of(self, job: VideoJob) -> int:
        """The seed that this server would use."""
        if self.dialect == "sglang":  # its older form knows only what extra_body says
            return int(json.loads(job.fields.get("extra_body", "{}")).get("seed", 1024))
        return int(job.fields.get("seed", 1024))

    def list(self) -> Response:
        with self.lock:
            return self._json({"object": "list", "data": [self._told(job) for job in self.jobs.values()]})

    def look(self, job_id: str) -> Response:
        job = self.jobs.get(job_id)
        if job is None or self.forgets:
            return self._error(404, "Video not found")
        told = self._told(job)
        failed = told["status"] == "failed" and self.dialect == "vllm-omni"
        return self._json(told, 500 if failed else 200)

    def _told(self, job: VideoJob, fresh: bool = False) -> dict[str, Any]:
        done = not fresh and time.monotonic() - job.began >= self.work_s
        working = "queued" if fresh or self.dialect in ("sglang", "fastvideo") else "in_progress"
        status = working if not done else "failed" if self.fails_with else "completed"
        told: dict[str, Any] = {"id": job.id, "object": "video", "status": status, "model": self.model}
        if self.dialect != "vllm-omni" or done:
            told["progress"] = 100 if status == "completed" else 0
        if status == "completed" and self.uploads_to:
            told |= {"url": self.uploads_to, "urls": [self.uploads_to]}
        if status == "failed":
            told["error"] = {"message": self.fails_with}
        return told

    def delete(self, job_id: str) -> Response:
        with self.lock:
            self.deleted.append(job_id)
            job = self.jobs.get(job_id)
            if job is None:
                return self._error(404, "Video not found")
            job.deleted = True
            # SGLang and FastVideo forget the record; their render goes on. vLLM-Omni stops it.
            del self.jobs[job_id]
        if self.dialect in ("vllm-omni", "openai"):
            return self._json({"id": job_id, "deleted": True, "object": "video.deleted"})
        return self._json({**self._told(job), "status": "deleted"})

    def content(self, job_id: str) -> Response:
        job = self.jobs.get(job_id)
        if job is None:
            return self._error(404, "Video not found")
        if self._told(job)["status"] != "completed":
            return self._error(404, "Generation is still in-progress")
        if self.withholds and self.withheld > 0:
            self.withheld -= 1
            return self._error(*self.withholds)
        job.fetched += 1
        return Response(job.clip, mimetype="video/mp4")

    def _json(self, body: dict[str, Any], status: int = 200) -> Response:
        return Response(json.dumps(body), status, mimetype="application/json")

    # -- running it --------------------------------------------------------------------------

    @contextmanager
    def running(self, port: int = 0) -> Iterator[VideoServer]:
        server = make_server("127.0.0.1", port, self.app(), threaded=True)
        self.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield self
        finally:
            server.shutdown()
            thread.join()
            server.server_close()


@lru_cache
def make_clip(width: int, height: int, count: int, fps: int, tone_s: float = 0.0, begin: bytes = b"") -> bytes:
    """A real MP4 whose picture grows brighter, with a tone of 440 Hz, one channel, if it is to have one.

    Args:
        begin: the photo that it begins with, PNG; without one it is a plain grey.
    """
    first = np.full((height, width, 3), 60, np.uint8)
    if begin:
        photo = cv2.imdecode(np.frombuffer(begin, np.uint8), cv2.IMREAD_COLOR)
        assert photo is not None
        first = cv2.resize(photo, (width, height), interpolation=cv2.INTER_AREA)[..., ::-1]
    pictures = (cv2.add(first, np.full_like(first, 100 * index // count)) for index in range(count))
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "clip.mp4"
        tone = np.sin(np.arange(round(tone_s * 16_000)) / 16_000 * 440 * 2 * np.pi).astype(np.float32)
        sound = Sound(tone[:, None], 16_000) if tone_s else None
        frames = Frames("rgb24", (width, height), fps, count, pictures, sound=lambda: sound)
        encode(frames, target, Encoding(preset="ultrafast"), lambda share, eta_s=None: None, lambda: False)
        return target.read_bytes()


def main() -> None:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    with VideoServer(sys.argv[1], float(sys.argv[2])).running() as server:
        sys.stdout.write(server.url + "\n")
        sys.stdout.flush()
        sys.stdin.read()


if __name__ == "__main__":
    main()
