"""One server of the OpenAI Videos protocol: create, status, download, delete."""

from __future__ import annotations

import json
import os
import re
import time
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, BinaryIO, NoReturn
from urllib.parse import quote

import urllib3

from afterframe.config import EndpointConfig
from afterframe.generators.remote.connections import connections
from afterframe.imaging.frames import CancelCheck

CONNECT_TIMEOUT_S = 5.0
ANSWER_TIMEOUT_S = 5.0
"""How long a question about a job may take, seconds: a cancelled clip waits no longer than this."""
TRANSFER_TIMEOUT_S = 60.0
"""How long a server may take to accept a photo, or to go on with a clip that it sends, seconds."""
BUSY_S = 30.0
"""A server at work may leave questions unanswered for this long, seconds."""
CLOSED_S = 1.0
"""A port that stays closed for this long has no server behind it, seconds."""
PIECE_BYTES = 1 << 18
"""A download checks for cancellation after each piece of this size."""
MAX_CLIP_BYTES = 1 << 30
"""Larger clips are refused."""
MAX_ANSWER_BYTES = 1 << 22
"""Larger answers about jobs are refused."""
PASSING = frozenset({404, 408, 425, 429})
"""Statuses below 500 after which the same request may succeed (RFC 9110, RFC 8470, RFC 6585); 404: not there yet."""
JOB_ID = re.compile(r"(?!\.+$)[\x21-\x7e]{1,200}")
"""A job's id: it becomes part of an address."""
MAX_NAME_CHARACTERS = 200
"""How much of a model's name is kept."""
MAX_MESSAGE_CHARACTERS = 300
"""How much of a server's own error message is shown."""


class ServerGone(Exception):
    """The server does not answer, or has forgotten the job. Another server may do it.

    Args:
        patience_s: a job that is under way there is given up after this long without an answer, seconds.
        answers: it is there, and does not have (any more) what it accepted.
    """

    def __init__(self, reason: str, patience_s: float = 0.0, *, answers: bool = False) -> None:
        super().__init__(reason)
        self.patience_s = patience_s
        self.answers = answers


class ServerRefused(Exception):
    """The server answers, but refuses the job: wrong key, unknown model, a size that it cannot make."""


class ServerFailed(Exception):
    """The server accepted the job and could not finish it."""


class DownloadInterrupted(Exception):
    """The user cancelled while the clip was downloaded."""


class _Slow(Exception):
    """A response's body takes longer to arrive than it may."""


class RemoteJobState(StrEnum):
    """What a job on a server is doing."""

    WORKING = "working"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server says about a job; empty where it says nothing."""

    id: str
    state: RemoteJobState
    share: float
    """How much is done, 0-1; 0 where the server does not say."""
    model: str
    error: str
    kept_elsewhere: bool = False
    """It names an address from which the clip could be fetched (SGLang with a cloud storage)."""


_DONE = {"completed", "succeeded"}
_FAILED = {"failed", "error", "cancelled", "canceled", "deleted", "expired"}


class ServerClient:
    """Requests to one server of the OpenAI Videos protocol.

    Args:
        key: sent as a bearer token; no message shows it.
        clock: seconds.
    """

    def __init__(self, endpoint: EndpointConfig, key: str = "", clock: Callable[[], float] = time.monotonic) -> None:
        self.endpoint = endpoint
        self._clock = clock
        self._key = key
        url = endpoint.url.rstrip("/")
        self._base = url if url.endswith("/v1") else f"{url}/v1"
        # No retries and no redirects: the key goes to the address that the user wrote, and nowhere else.
        self._http = connections(self._headers())

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._key}"} if self._key else {}

    def close(self) -> None:
        """Close the connections."""
        self._http.clear()

    def active_jobs(self) -> int:
        """How many unfinished jobs it has, from any client; 0 where it does not say.

        Raises:
            ServerGone: it does not answer.
            ServerRefused: it does not accept the key, or its answer cannot be understood.
        """
        status, body = self._ask("GET", "/videos?limit=100", ANSWER_TIMEOUT_S)
        if status in (401, 403):
            raise ServerRefused(self._refusal(status, body))
        jobs = body.get("data") if status == 200 else None
        if not isinstance(jobs, list):
            return 0
        return sum(_state(job.get("status")) is RemoteJobState.WORKING for job in jobs if isinstance(job, dict))

    def create(self, fields: Mapping[str, str], photo: bytes, *, as_json: bool = False) -> Answer:
        """Send it a job.

        Args:
            photo: a PNG.
            as_json: instead of as a form, with the photo as a data URL.
        Raises:
            ServerGone: it does not answer, or is too busy.
            ServerRefused: it does not accept the job.
        """
        form: dict[str, Any] = {"fields": {**fields, "input_reference": ("photo.png", photo, "image/png")}}
        if as_json:
            form = {"json": {**fields, "reference_url": f"data:image/png;base64,{b64encode(photo).decode()}"}}
        status, body = self._ask("POST", "/videos", TRANSFER_TIMEOUT_S, **form)
        if (status in PASSING and status != 404) or status >= 500:
            raise ServerGone(f"it does not take it now ({status}): {self._error_text(body)}")
        if status >= 300:
            raise ServerRefused(self._refusal(status, body))
        answer = self._answer(body)
        if not JOB_ID.fullmatch(answer.id):
            raise ServerRefused("its answer names no job")
        return answer

    def status(self, job_id: str) -> Answer:
        """The state of a job.

        Raises:
            ServerGone: it does not answer, or does not know the job (any more).
        """
        status, body = self._ask("GET", f"/videos/{_quoted(job_id)}", ANSWER_TIMEOUT_S)
        # vLLM-Omni reports a failed job with a failing HTTP status: what the body says counts.
        if "status" in body and isinstance(body["status"], str):
            return self._answer(body, self._error_text(body))
        if status == 404:
            raise ServerGone("it no longer knows the job; was it restarted?", answers=True)
        raise ServerGone(f"it answers {status}: {self._error_text(body)}", BUSY_S)

    def download(self, job_id: str, target: BinaryIO, cancelled: CancelCheck) -> None:
        """Fetch a finished clip.

        Raises:
            ServerGone: it does not answer, or does not have the clip (yet, or any more).
            ServerFailed: it does not give the clip out; or the clip is larger than any is, or takes longer to arrive
                than a clip may take.
            DownloadInterrupted: ``cancelled()`` became true.
        """
        received = 0
        try:
            with self._response("GET", f"/videos/{_quoted(job_id)}/content", TRANSFER_TIMEOUT_S) as response:
                if response.status != 200:
                    self._not_given(response)
                for piece in self._pieces(response, self.endpoint.timeout_s):
                    received += len(piece)
                    if cancelled():
                        raise DownloadInterrupted
                    if received > MAX_CLIP_BYTES:
                        raise ServerFailed(f"its clip is larger than {MAX_CLIP_BYTES >> 20} MB")
                    target.write(piece)
        except _Slow:
            raise ServerFailed(f"its clip did not arrive within {self.endpoint.timeout_s:g} s") from None

    def _not_given(self, response: urllib3.BaseHTTPResponse) -> NoReturn:
        """Say why a finished clip is not sent, in the server's own words."""
        status, words = response.status, self._error_text(self._body(response, ANSWER_TIMEOUT_S))
        if status in PASSING or status >= 500:
            raise ServerGone(f"it answers {status} when asked for the clip: {words}", answers=True)
        if status < 400:
            words = "it sends to another address for the clip, and Afterframe fetches clips from the server alone"
        raise ServerFailed(f"it made the clip and does not give it out ({status}): {words}")

    def delete(self, job_id: str) -> None:
        """Stop a job and remove its files, as far as the server does that; never an error."""
        try:
            self._ask("DELETE", f"/videos/{_quoted(job_id)}", ANSWER_TIMEOUT_S)
        except ServerGone:
            return

    def _ask(self, method: str, path: str, timeout_s: float, **more: Any) -> tuple[int, dict[str, Any]]:
        """The status, and the JSON object in the body (empty where there is none)."""
        try:
            with self._response(method, path, timeout_s, **more) as response:
                return response.status, self._body(response, timeout_s)
        except _Slow:
            raise ServerGone("it did not answer in time", BUSY_S) from None

    def _body(self, response: urllib3.BaseHTTPResponse, timeout_s: float) -> dict[str, Any]:
        """The JSON object in a response's body; empty where there is none."""
        text = bytearray()
        for piece in self._pieces(response, timeout_s):
            text += piece
            if len(text) > MAX_ANSWER_BYTES:
                raise ServerGone(f"its answer is larger than {MAX_ANSWER_BYTES >> 20} MB; is it a video server?")
        try:
            body = json.loads(text)
        except (ValueError, RecursionError):
            return {}
        return body if isinstance(body, dict) else {}

    @contextmanager
    def _response(self, method: str, path: str, timeout_s: float, **more: Any) -> Iterator[urllib3.BaseHTTPResponse]:
        """A response whose body is still to be read; a connection that fails is a :class:`ServerGone`."""
        timeout = urllib3.Timeout(connect=CONNECT_TIMEOUT_S, read=timeout_s)
        try:
            response = self._http.request(
                method, self._base + path, redirect=False, preload_content=False, timeout=timeout, **more
            )
            try:
                yield response
            except BaseException:
                response.close()  # the rest of the body is not waited for
                raise
            response.release_conn()
        except urllib3.exceptions.HTTPError as error:
            raise _gone(error) from None  # the cause's text may hold the request

    def _pieces(self, response: urllib3.BaseHTTPResponse, most_s: float) -> Iterator[bytes]:
        """The body as it arrives, at most :data:`PIECE_BYTES` at a time.

        A socket's timeout does not end a body that trickles in.

        Raises:
            _Slow: it has not all arrived after ``most_s`` seconds.
        """
        until = self._clock() + most_s
        while piece := response.read1(PIECE_BYTES, decode_content=False):  # no encoding was asked for
            if self._clock() > until:
                raise _Slow
            yield piece

    def _refusal(self, status: int, body: Mapping[str, Any]) -> str:
        if status == 401:
            return f"it does not accept the key ({status}): {self._error_text(body)}"
        if status < 400:
            return f"it redirects to another address ({status}); write that address into config.toml"
        return f"it refuses the job ({status}): {self._error_text(body)}"

    def _error_text(self, body: Mapping[str, Any]) -> str:
        """The error in a server's answer: in OpenAI's form, FastAPI's, or none."""
        error = body.get("error") or body.get("detail") or body.get("message") or ""
        if isinstance(error, dict):
            error = error.get("message") or ""
        # A full stop is ours to set.
        return self._clean(error if isinstance(error, str) else json.dumps(error)).rstrip(".") or "no reason given"

    def _clean(self, text: str, longest: int = MAX_MESSAGE_CHARACTERS) -> str:
        """A server's text as it may be shown: without the key, on one line, of limited length."""
        if self._key:
            text = text.replace(self._key, "[key]")
        return plain(text, longest)

    def _answer(self, body: Mapping[str, Any], error: str = "") -> Answer:
        job_id, share, model = body.get("id"), body.get("progress"), body.get("model")
        return Answer(
            id=str(job_id) if isinstance(job_id, str | int) and not isinstance(job_id, bool) else "",
            state=_state(body.get("status")),
            share=min(100, max(0, share)) / 100 if isinstance(share, int | float) else 0.0,
            model=self._clean(model, MAX_NAME_CHARACTERS) if isinstance(model, str) else "",
            error=error,
            kept_elsewhere=bool(body.get("url") or body.get("urls")),
        )


def plain(text: str, longest: int) -> str:
    """Text from elsewhere on one line, without what does not print, of limited length."""
    return " ".join("".join(c if c.isprintable() else " " for c in text[: 4 * longest]).split())[:longest]


def _state(status: object) -> RemoteJobState:
    if not isinstance(status, str | None):
        raise ServerRefused("its answer has a job's status that is not text; is its url that of a video server?")
    if status in _DONE:
        return RemoteJobState.DONE
    return RemoteJobState.FAILED if status in _FAILED else RemoteJobState.WORKING


def _quoted(job_id: str) -> str:
    """A job's id as part of a path; it comes from the server, so it may hold anything."""
    return quote(job_id, safe="")


def _gone(error: urllib3.exceptions.HTTPError) -> ServerGone:
    """Why there was no answer."""
    match error:
        case urllib3.exceptions.NameResolutionError():
            return ServerGone("its host name is not known on this network", BUSY_S)
        case urllib3.exceptions.NewConnectionError():
            return ServerGone("the connection is refused", CLOSED_S)
        case urllib3.exceptions.ConnectTimeoutError():
            return ServerGone("nothing answers at its address", BUSY_S)
        case urllib3.exceptions.ReadTimeoutError():
            return ServerGone("it did not answer in time", BUSY_S)
        case urllib3.exceptions.SSLError():
            return ServerGone("its certificate is not valid here")
        case _:
            return ServerGone("the connection was interrupted", CLOSED_S)


def api_key_of(endpoint: EndpointConfig) -> str:
    """An endpoint's key; empty when none is set.

    Raises:
        ServerRefused: the variable or the file that should hold it does not.
    """
    if not endpoint.key_env and not endpoint.key_file:
        return ""
    if endpoint.key_env:
        where, key = f"the environment variable {endpoint.key_env}", os.environ.get(endpoint.key_env, "")
    else:
        where = f"the file {endpoint.key_file}"
        try:
            key = Path(endpoint.key_file).expanduser().read_text("utf-8")
        except (OSError, UnicodeDecodeError):
            key = ""
    if not (key := key.strip()) or not (key.isascii() and key.isprintable()):
        raise ServerRefused(f"{where}, which should hold its key, does not")
    return key
