"""Every error that Afterframe raises on purpose.

    AfterframeError
    ├── ConfigError        config.toml or afterframe.toml says something we cannot do
    ├── UsageError         a request that makes no sense as asked
    │   ├── NotFound       no such render, clip, folder, generator
    │   ├── NotAllowed     outside the watched folders and allowed roots
    │   └── WrongState     cannot be done now (cancelling a finished render, say)
    ├── PhotoError         this file cannot be animated; the batch goes on
    ├── RecipeError        a setting out of range or unknown
    ├── GenerateError      the generator failed; ``transient`` says whether again can help
    │   ├── OutOfMemory    never retried with the same parameters
    │   ├── Unavailable    the machine that should do it is not there: nothing is wrong with the photo
    │   └── Cancelled      the user asked to stop
    ├── EncodeError        ffmpeg failed, or its file did not decode
    ├── PublishError       the clip could not be put beside its photo
    │   └── FolderUnavailable  its folder is away, full, read-only or failing: the render waits
    ├── AlreadyRunning     another daemon holds the lock
    ├── Stopping           Afterframe ends; nothing is wrong with what it was asked
    ├── StateDamaged       the state file holds what we did not write
    ├── StateUnusable      the state file cannot be used now: a full disk, another program's lock
    └── NewerState         a newer Afterframe wrote the state file

Each carries a ``code`` for programs, a ``message`` that names the file, and a ``hint``:
what the photographer can do about it.
"""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar


def shortened(value: object, most: int = 80) -> str:
    """What somebody sent, as a message repeats it: at most so many characters, the middle left out."""
    text = str(value)
    return text if len(text) <= most else f"{text[: most // 2]}…{text[-(most // 2 - 1) :]}"


class AfterframeError(Exception):
    """The base: code, message, hint, and whether doing it again could help.

    Args:
        message: what went wrong, naming the file, in a photographer's words.
        hint: the remedy, one sentence; empty when there is none.
        code: a stable name for programs; the class's own by default.
        transient: doing the same again may succeed.
    """

    code: ClassVar[str] = "error"
    status: ClassVar[int] = 500
    """The HTTP status that the API answers with."""

    def __init__(self, message: str, hint: str = "", *, code: str = "", transient: bool = False) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.error_code = code or self.code
        self.transient = transient

    def to_dict(self) -> dict[str, str]:
        """The error as JSON: {code, message, hint}."""
        return {"code": self.error_code, "message": self.message, "hint": self.hint}


class ConfigError(AfterframeError):
    """config.toml or afterframe.toml says something we cannot do."""

    code = "config"
    status = 400


class UsageError(AfterframeError):
    """A request that makes no sense as asked."""

    code = "bad_request"
    status = 400


class NotFound(UsageError):
    """No such render, clip, folder or generator."""

    code = "not_found"
    status = 404


class NotAllowed(UsageError):
    """Outside the watched folders and allowed roots, or without the token."""

    code = "not_allowed"
    status = 403


class WrongState(UsageError):
    """It cannot be done in the state that the thing is in."""

    code = "wrong_state"
    status = 409


class PhotoError(AfterframeError):
    """This file cannot be animated; the batch goes on."""

    code = "photo"
    status = 422


class RecipeError(AfterframeError):
    """A setting that is unknown or out of range."""

    code = "recipe"
    status = 400


class GenerateError(AfterframeError):
    """The generator failed. ``transient`` says whether trying again can help.

    Args:
        rendered: complete renders that brought no clip. Each is a strike: somebody may have paid for it.
    """

    code = "generate"

    def __init__(
        self, message: str, hint: str = "", *, code: str = "", transient: bool = False, rendered: int = 0
    ) -> None:
        super().__init__(message, hint, code=code, transient=transient)
        self.rendered = rendered


class OutOfMemory(GenerateError):
    """Memory ran out. Never retried with the same parameters.

    Args:
        smaller_plan: the number of the generator's next, more frugal memory plan; None: there is none.
            The job is tried again with it, in a fresh process.
    """

    code = "out_of_memory"

    def __init__(self, message: str, hint: str = "", *, smaller_plan: int | None = None) -> None:
        super().__init__(message, hint)
        self.smaller_plan = smaller_plan


class Unavailable(GenerateError):
    """The machine that should do it is not there, or left in the middle. The job waits, without a strike."""

    code = "unavailable"

    def __init__(self, message: str, hint: str = "", *, code: str = "") -> None:
        super().__init__(message, hint, code=code, transient=True)


class Cancelled(GenerateError):
    """The user asked to stop."""

    code = "cancelled"


class EncodeError(AfterframeError):
    """ffmpeg failed, or the file that it wrote did not decode."""

    code = "encode"


class PublishError(AfterframeError):
    """The clip could not be put beside its photo."""

    code = "publish"


class FolderUnavailable(PublishError):
    """A folder cannot be used for now: it is away, full, read-only or failing. Its renders wait, without a strike.

    Args:
        folder: the folder, or one around it.
    """

    code = "folder_unavailable"

    def __init__(self, folder: Path, message: str, hint: str, *, code: str = "") -> None:
        super().__init__(message, hint, code=code)
        self.folder = folder
        self.reason = message
        """The message without the photo's name, which a render's error gets."""


class AlreadyRunning(AfterframeError):
    """Another daemon holds the lock of this AFTERFRAME_HOME."""

    code = "already_running"
    status = 409


class Stopping(AfterframeError):
    """Afterframe ends while this is asked; nothing is wrong with the photo."""

    code = "stopping"
    status = 503

    def __init__(self) -> None:
        super().__init__("Afterframe is stopping.", "Ask again once it runs.")

    def __reduce__(self) -> tuple[type[Stopping], tuple[()]]:
        return type(self), ()


class StateDamaged(AfterframeError):
    """The state file holds what we did not write. The sidecars make it again."""

    code = "state_damaged"


class StateUnusable(AfterframeError):
    """The state file cannot be used now: a full disk, another program's lock."""

    code = "state_unusable"
    status = 503


class NewerState(AfterframeError):
    """The state file was written by a newer version of Afterframe."""

    code = "newer_state"
