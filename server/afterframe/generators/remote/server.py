"""One server of the OpenAI Videos protocol: create, look, download, delete."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import quote

import urllib3

from afterframe.config import EndpointConfig
from afterframe.imaging.frames import CancelCheck

CONNECT_S = 5.0
ANSWER_S = 5.0
"""Until a question about a job is answered, seconds: an order to stop waits no longer than this."""
TAKE_S = 60.0
"""Until a photo that was sent is taken, seconds."""
BUSY_S = 30.0
"""A server at work may leave a question unanswered for so long, seconds."""
CLOSED_S = 1.0
"""A port that stays closed for so long has nobody behind it, seconds."""
PIECE = 1 << 18
"""Bytes of a download between two looks at whether to stop."""
MOST_BYTES = 1 << 30
"""No clip is larger."""
MOST_WORDS = 1 << 22
"""Bytes; no answer about jobs is larger."""
WORDS = 300
"""Of a server's own words, this many characters are shown."""


class Gone(Exception):
    """The server does not answer, or has forgotten the job. Another one may do it.

    Args:
        patience_s: a job that is under way there is given up after so long without an answer, seconds.
    """

    def __init__(self, reason: str, patience_s: float = 0.0) -> None:
        super().__init__(reason)
        self.patience_s = patience_s


class Refused(Exception):
    """The server answers, but will not do it: wrong key, unknown model, a size that it cannot."""


class Failed(Exception):
    """The server tried, and it did not work out."""


class Interrupted(Exception):
    """The download was stopped because the user asked to."""


class _Slow(Exception):
    """A body goes on arriving for longer than it may."""


class State(StrEnum):
    """What a job on a server is doing."""

    WORKING = "working"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server says about a job; servers leave out what they do not know."""

    id: str
    state: State
    share: float
    """Done, 0-1; 0 where the server does not tell."""
    model: str
    error: str


_DONE = {"completed", "succeeded"}
_FAILED = {"failed", "error", "cancelled", "canceled", "deleted", "expired"}


class Server:
    """One endpoint.

    Args:
        key: sent as bearer token; it appears in no message.
        clock: seconds.
    """

    def __init__(self, endpoint: EndpointConfig, key: str = "", clock: Callable[[], float] = time.monotonic) -> None:
        self.endpoint = endpoint
        self._clock = clock
        self._key = key
        url = endpoint.url.rstrip("/")
        self._base = url if url.endswith("/v1") else f"{url}/v1"
        # No retries and no redirects: the key goes to the address that the user wrote, and nowhere else.
        self._http = urllib3.PoolManager(num_pools=1, maxsize=2, retries=False, headers=self._headers())

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._key}"} if self._key else {}

    def close(self) -> None:
        """Close the connections."""
        self._http.clear()

    def working(self) -> int:
        """How many jobs it has that are not done, whoever gave them; 0 where it does not tell.

        Raises:
            Gone: it does not answer.
            Refused: it does not accept the key, or its answer makes no sense.
        """
        status, body = self._ask("GET", "/videos?limit=100", ANSWER_S)
        if status in (401, 403):
            raise Refused(self._refusal(status, body))
        jobs = body.get("data") if status == 200 else None
        if not isinstance(jobs, list):
            return 0
        return sum(_state(job.get("status")) is State.WORKING for job in jobs if isinstance(job, dict))

    def create(self, fields: Mapping[str, str], photo: bytes) -> Answer:
        """Give it a job.

        Args:
            photo: a PNG.
        Raises:
            Gone: it does not answer, or has no room now.
            Refused: it will not do it.
        """
        form: dict[str, Any] = {**fields, "input_reference": ("photo.png", photo, "image/png")}
        status, body = self._ask("POST", "/videos", TAKE_S, fields=form)
        if status in (408, 425, 429) or status >= 500:
            raise Gone(f"it has no room now ({status}): {self._words(body)}")
        if status >= 300:
            raise Refused(self._refusal(status, body))
        answer = _answer(body)
        if not answer.id:
            raise Refused("its answer names no job")
        return answer

    def look(self, job_id: str) -> Answer:
        """How far a job is.

        Raises:
            Gone: it does not answer, or knows no such job (any more).
        """
        status, body = self._ask("GET", f"/videos/{_quoted(job_id)}", ANSWER_S)
        # A failed job may be told with a failing status (vLLM-Omni); what the body says goes first.
        if "status" in body and isinstance(body["status"], str):
            return _answer(body, self._words(body))
        if status == 404:
            raise Gone("it knows nothing of the job any more; was it restarted?")
        raise Gone(f"it answers {status}: {self._words(body)}", BUSY_S)

    def download(self, job_id: str, target: BinaryIO, cancelled: CancelCheck) -> None:
        """Fetch a finished clip.

        Raises:
            Gone: it does not answer, or does not have it yet.
            Failed: the clip is larger than any is, or takes longer to come than a clip may take.
            Stopped: ``cancelled()`` became true.
        """
        try:
            response = self._http.request(
                "GET",
                f"{self._base}/videos/{_quoted(job_id)}/content",
                redirect=False,
                preload_content=False,
                timeout=urllib3.Timeout(connect=CONNECT_S, read=TAKE_S),
            )
            try:
                if response.status != 200:
                    raise Gone(f"it answers {response.status} when asked for the clip")
                taken = 0
                for piece in self._pieces(response, self.endpoint.timeout_s):
                    taken += len(piece)
                    if cancelled():
                        raise Interrupted
                    if taken > MOST_BYTES:
                        raise Failed(f"its clip is larger than {MOST_BYTES >> 20} MB")
                    target.write(piece)
            finally:
                response.close()
        except _Slow:
            raise Failed(f"its clip did not come within {self.endpoint.timeout_s:g} s") from None
        except urllib3.exceptions.HTTPError as error:
            raise _gone(error) from None

    def delete(self, job_id: str) -> None:
        """Stop a job and remove what is kept of it, as far as the server does that; never an error."""
        try:
            self._ask("DELETE", f"/videos/{_quoted(job_id)}", ANSWER_S)
        except Gone:
            return

    def _ask(self, method: str, path: str, answer_s: float, **more: Any) -> tuple[int, dict[str, Any]]:
        """The status, and the JSON object in the body (empty where there is none)."""
        try:
            response = self._http.request(
                method,
                self._base + path,
                redirect=False,
                preload_content=False,
                timeout=urllib3.Timeout(connect=CONNECT_S, read=answer_s),
                **more,
            )
            text = bytearray()
            try:
                for piece in self._pieces(response, answer_s):
                    text += piece
                    if len(text) > MOST_WORDS:
                        raise Gone(f"its answer is larger than {MOST_WORDS >> 20} MB; is that a server of videos?")
            except BaseException:
                response.close()  # what is still to come is not waited for
                raise
            response.release_conn()
        except _Slow:
            raise Gone("it did not answer in time", BUSY_S) from None
        except urllib3.exceptions.HTTPError as error:
            raise _gone(error) from None  # the cause's text may hold the request
        try:
            body = json.loads(text)
        except (ValueError, RecursionError):
            body = {}
        return response.status, body if isinstance(body, dict) else {}

    def _pieces(self, response: urllib3.BaseHTTPResponse, most_s: float) -> Iterator[bytes]:
        """The body as it arrives, at most :data:`PIECE` bytes at a time; a socket's timeout ends no trickle.

        Raises:
            _Slow: it is not all there after ``most_s`` seconds.
        """
        until = self._clock() + most_s
        while piece := response.read1(PIECE, decode_content=False):  # no encoding was asked for
            if self._clock() > until:
                raise _Slow
            yield piece

    def _refusal(self, status: int, body: Mapping[str, Any]) -> str:
        if status in (401, 403):
            return f"it does not accept the key ({status}): {self._words(body)}"
        if status < 400:
            return f"it sends us elsewhere ({status}); write the address that it leads to into config.toml"
        return f"it refuses the job ({status}): {self._words(body)}"

    def _words(self, body: Mapping[str, Any]) -> str:
        """The error that a server tells: OpenAI's form, FastAPI's, or none."""
        error = body.get("error") or body.get("detail") or body.get("message") or ""
        if isinstance(error, dict):
            error = error.get("message") or ""
        return self._clean(error if isinstance(error, str) else json.dumps(error)) or "without a reason"

    def _clean(self, text: str) -> str:
        """A server's words as they may be shown: without the key, on one line, not too many."""
        if self._key:
            text = text.replace(self._key, "[key]")
        return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:WORDS]


def _answer(body: Mapping[str, Any], error: str = "") -> Answer:
    share = body.get("progress")
    return Answer(
        id=str(body.get("id") or ""),
        state=_state(body.get("status")),
        share=min(100, max(0, share)) / 100 if isinstance(share, int | float) else 0.0,
        model=str(body.get("model") or ""),
        error=error,
    )


def _state(status: object) -> State:
    if not isinstance(status, str | None):
        raise Refused("its answer gives a job's status not as a word; is its url that of a server of videos?")
    if status in _DONE:
        return State.DONE
    return State.FAILED if status in _FAILED else State.WORKING


def _quoted(job_id: str) -> str:
    """A job's id as a part of a path; it is the server's word, so it may hold anything."""
    return quote(job_id, safe="")


def _gone(error: urllib3.exceptions.HTTPError) -> Gone:
    """Why there was no answer, in words."""
    match error:
        case urllib3.exceptions.NameResolutionError():
            return Gone("its name is not known in this network", BUSY_S)
        case urllib3.exceptions.NewConnectionError():
            return Gone("the connection is refused", CLOSED_S)
        case urllib3.exceptions.ConnectTimeoutError():
            return Gone("nobody answers there", BUSY_S)
        case urllib3.exceptions.ReadTimeoutError():
            return Gone("it did not answer in time", BUSY_S)
        case urllib3.exceptions.SSLError():
            return Gone("its certificate is not valid here")
        case _:
            return Gone("the connection broke off", CLOSED_S)


def key_of(endpoint: EndpointConfig) -> str:
    """An endpoint's key; empty when none is set.

    Raises:
        Refused: the variable or the file that should hold it does not.
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
        raise Refused(f"{where}, which should hold its key, holds none")
    return key
