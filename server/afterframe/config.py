"""The user's settings: Afterframe's own folder (`AFTERFRAME_HOME`) and the config.toml in it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal, get_args
from urllib.parse import urlsplit

from platformdirs import user_data_path, user_pictures_path

from afterframe.errors import ConfigError
from afterframe.formats import typed_toml
from afterframe.formats.typed_toml import Range

Preset = Literal["ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower", "veryslow"]
"""x264's own."""
PRESETS: tuple[str, ...] = get_args(Preset)
DialectName = Literal["openai", "sglang", "vllm-omni", "fastvideo", "afterframe"]
"""How servers of the OpenAI Videos protocol differ."""
DIALECTS: tuple[str, ...] = get_args(DialectName)
ALL_INTERFACES = ("0.0.0.0", "::")  # noqa: S104 - to recognise them, not to bind them


@dataclass(frozen=True, slots=True)
class Home:
    """Where Afterframe keeps its own files."""

    root: Path

    @classmethod
    def find(cls) -> Home:
        """`AFTERFRAME_HOME`, else the platform's folder for user data."""
        named = os.environ.get("AFTERFRAME_HOME")
        return cls(Path(named).expanduser().absolute() if named else user_data_path("afterframe", appauthor=False))

    def make(self) -> Home:
        """Create the folders, readable by the user alone."""
        for folder in (self.root, self.logs, self.cache, self.owners, self.backups):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        return self

    @property
    def config(self) -> Path:
        """config.toml, written by the user."""
        return self.root / "config.toml"

    @property
    def database(self) -> Path:
        """The SQLite file."""
        return self.root / "state.db"

    @property
    def token(self) -> Path:
        """The secret with which plugins authenticate."""
        return self.root / "token"

    @property
    def sessions(self) -> Path:
        """sessions.json: the browsers that were let in."""
        return self.root / "sessions.json"

    @property
    def login_pages(self) -> Path:
        """Files that lead a browser to a one-time link; each is removed when it was followed."""
        return self.root / "login"

    @property
    def daemon(self) -> Path:
        """daemon.json: url, pid and version of a running daemon."""
        return self.root / "daemon.json"

    @property
    def program(self) -> Path:
        """program.json: the command that started the last daemon, so that a host's plugin can start it again."""
        return self.root / "program.json"

    @property
    def logs(self) -> Path:
        """Log files."""
        return self.root / "logs"

    @property
    def cache(self) -> Path:
        """Files that can be made again: drafts, posters and the like."""
        return self.root / "cache"

    @property
    def received(self) -> Path:
        """Uploads while they are received; nothing is left there."""
        return self.cache / "received"

    @property
    def uploads(self) -> Path:
        """Photos sent to /v1, each with its clip in its own folder; never watched."""
        return self.root / "uploads"

    @property
    def owners(self) -> Path:
        """One lock file for each process that holds leases."""
        return self.root / "owners"

    @property
    def models(self) -> Path:
        """The user's own model profiles, TOML files."""
        return self.root / "models"

    @property
    def detectors(self) -> Path:
        """The two nets that see faces, people and things."""
        return self.models / "vision"

    @property
    def backups(self) -> Path:
        """Sidecars as they were before Afterframe changed them."""
        return self.root / "backups"


def default_folder() -> Path:
    """The folder that is watched when none is named: Afterframe in the user's pictures folder."""
    return user_pictures_path() / "Afterframe"


@dataclass(frozen=True, slots=True)
class ServerConfig:
    """[server]: where the daemon answers."""

    host: str = "127.0.0.1"
    port: Annotated[int, Range(0, 65535)] = 8723
    allowed_hosts: tuple[str, ...] = ()
    """Further host names under which browsers and plugins may reach this machine."""


@dataclass(frozen=True, slots=True)
class WatchConfig:
    """[watch]: which folders, and when a photo counts as complete."""

    folders: tuple[str, ...] = ()
    allowed: tuple[str, ...] = ()
    """Folders whose photos may be requested by path but are not animated automatically."""
    settle_s: Annotated[float, Range(0, 3600)] = 2.0
    """Size and modification time must not change for this long, seconds."""
    broken_s: Annotated[float, Range(0, 86_400)] = 10.0
    """A photo that does not decode is reported once it has not changed for this long, seconds."""
    rescan_s: Annotated[float, Range(1, 86_400)] = 300.0
    """How often every folder is scanned, seconds."""
    poll_s: Annotated[float, Range(1, 86_400)] = 10.0
    """The same for folders on network shares, which send no change events, seconds."""
    backlog_limit: Annotated[int, Range(0, 10_000_000)] = 200
    """More photos than this in a new folder wait for confirmation."""
    ignore: tuple[str, ...] = ()
    """Names of further folders and files that are left alone; ``*`` stands for any letters."""


@dataclass(frozen=True, slots=True)
class FilesConfig:
    """[files]: the files beside the photos."""

    rename_clips: bool = False
    """Clips are renamed with their photo. Off, they keep their names: a photo program knows them by path."""


@dataclass(frozen=True, slots=True)
class RenderConfig:
    """[render]: how clips are made and encoded."""

    generator: str = "auto"
    preset: Preset = "medium"
    """x264's speed preset."""
    crf: Annotated[int, Range(0, 51)] = 18
    """x264's constant rate factor, 0-51; lower is better and larger."""
    poster: bool = False
    """Also write DSC_0042_motion.jpg beside the clip."""
    draft: bool = False
    """The page shows a draft of a model's clip until the clip is done."""
    back_link: bool = False
    """Name the clip in the photo's sidecar, where one exists already."""
    ffmpeg: str = ""
    """The ffmpeg to use in place of the packaged one."""
    keep_warm_s: Annotated[float, Range(0, 86_400)] = 600.0
    """A model stays loaded this long after the last render, seconds."""
    stall_s: Annotated[float, Range(0.1, 86_400)] = 300.0
    """A render without progress for this long is stopped, seconds."""
    slots: Annotated[int, Range(0, 64)] = 0
    """Renders at a time on this machine; 0: one for each GPU, or one where there is none."""


@dataclass(frozen=True, slots=True)
class VisionConfig:
    """[vision]: trained networks that analyse photos."""

    depth_model: str = ""
    """Estimates depth for the embedded generator; a folder as transformers saves it, as the next one is."""
    describer: str = ""
    """Describes photos without a caption, for models that follow a prompt."""
    detectors: str = ""
    """Folder of the two nets that see faces, people and things; empty: models/vision in Afterframe's own folder."""

    @property
    def depth_folder(self) -> Path | None:
        """The folder of :attr:`depth_model`; None: depth is estimated from cues in the photo."""
        return Path(self.depth_model).expanduser() if self.depth_model else None


@dataclass(frozen=True, slots=True)
class LimitsConfig:
    """[limits]: how much one photo may use."""

    megapixels: Annotated[float, Range(0.01, 10_000)] = 200.0
    read_s: Annotated[float, Range(0.1, 3600)] = 30.0
    """Time to read one photo, seconds."""
    memory_mb: Annotated[int, Range(1024, 1 << 20)] = 4096
    """Memory of the process that reads photos, MiB (where the system can limit it).

    With less than 1024, the libraries that read photos cannot even be loaded.
    """
    upload_mb: Annotated[float, Range(0.01, 4096)] = 512.0
    """Largest photo that is accepted over the network, MiB."""


@dataclass(frozen=True, slots=True)
class EndpointConfig:
    """[[remote.endpoints]]: one server of the OpenAI Videos protocol."""

    url: str = ""
    """Its address, with or without /v1 at the end."""
    name: str = ""
    """Its name in messages; empty: its host and port."""
    dialect: DialectName = "openai"
    """How its server differs from the others."""
    model: str = ""
    """The model to request; empty: the one it serves."""
    slots: Annotated[int, Range(1, 64)] = 1
    """Clips at a time."""
    key_env: str = ""
    """The environment variable that holds its key."""
    key_file: str = ""
    """The file that holds its key."""
    timeout_s: Annotated[float, Range(1, 86_400)] = 3600.0
    """Longest time for one clip, seconds."""
    extra: Mapping[str, Any] = field(default_factory=dict)
    """Further fields that this server accepts (num_inference_steps, guidance_scale ...)."""

    @property
    def title(self) -> str:
        """Its name in messages."""
        return self.name or urlsplit(self.url).netloc


@dataclass(frozen=True, slots=True)
class RemoteConfig:
    """[remote]: servers that make clips."""

    endpoints: tuple[EndpointConfig, ...] = ()


@dataclass(frozen=True, slots=True)
class ClusterConfig:
    """[cluster]: a Ray cluster that makes clips."""

    address: str = ""
    """Host and port of its head; empty: none."""
    slots: Annotated[int, Range(1, 256)] = 1
    """Renders at a time; at most as many as the cluster has GPUs."""
    generator: str = "auto"
    """The generator that makes the frames there."""
    token_file: str = ""
    """The file that holds its token; empty: where Ray looks for it."""
    open: bool = False
    """A cluster that asks for no token is used all the same."""


@dataclass(frozen=True, slots=True)
class Config:
    """config.toml."""

    server: ServerConfig = field(default_factory=ServerConfig)
    watch: WatchConfig = field(default_factory=WatchConfig)
    files: FilesConfig = field(default_factory=FilesConfig)
    render: RenderConfig = field(default_factory=RenderConfig)
    vision: VisionConfig = field(default_factory=VisionConfig)
    limits: LimitsConfig = field(default_factory=LimitsConfig)
    remote: RemoteConfig = field(default_factory=RemoteConfig)
    cluster: ClusterConfig = field(default_factory=ClusterConfig)
    recipe: Mapping[str, Any] = field(default_factory=dict)
    """Recipe fields that apply to every photo; checked where recipes are composed."""


def read_config(path: Path) -> Config:
    """Read config.toml; without the file, the defaults.

    Raises:
        ConfigError: as :func:`parse_config`, or it cannot be read.
    """
    try:
        text = typed_toml.read_text(path)
    except FileNotFoundError:
        return Config()
    return parse_config(text, str(path))


def parse_config(text: str, where: str) -> Config:
    """The settings that a config.toml's text gives.

    Args:
        where: the file, as errors name it.
    Raises:
        ConfigError: it is not TOML, or a setting is unknown, of the wrong kind or out of range.
    """
    config = typed_toml.parse(Config, text, where, "docs/settings.md")
    _check_endpoints(config.remote.endpoints, where)
    _check_names(config.watch.ignore, f"{where}: watch.ignore")
    return config


class Settings:
    """Afterframe's own folder and the settings in its config.toml, handed to every part that needs either.

    It can be pickled: processes that draw for the page get it with each call.

    Args:
        home: Afterframe's own folder.
        config: the settings; None: they are read from config.toml.
    Raises:
        ConfigError: as :func:`read_config`.
    """

    def __init__(self, home: Home, config: Config | None = None) -> None:
        self.home = home
        self.config = read_config(home.config) if config is None else config

    @property
    def detectors(self) -> Path:
        """The folder of the two detectors; it need not be there."""
        named = self.config.vision.detectors
        return Path(named).expanduser() if named else self.home.detectors


def _check_endpoints(endpoints: tuple[EndpointConfig, ...], where: str) -> None:
    for number, endpoint in enumerate(endpoints, 1):
        _check_address(endpoint.url, f"{where}: remote.endpoints #{number}.url")
    titles = [endpoint.title for endpoint in endpoints]
    if twice := next((title for title in titles if titles.count(title) > 1), None):
        raise ConfigError(f"{where}: two endpoints are called {twice}.", "Give each a name of its own.")


def _check_names(names: tuple[str, ...], where: str) -> None:
    for name in names:
        if not name.strip("*?. ") or "/" in name or "\\" in name:
            raise ConfigError(
                f"{where} holds {name!r}, which is not the name of a folder or a file.",
                'Write a name alone, such as "Proofs" or "*-small.jpg".',
            )


def _check_address(url: str, where: str) -> None:
    """Refuse an address that cannot be used. It may hold a password, so no message shows it."""
    try:
        address = urlsplit(url)
        usable = address.scheme in ("http", "https") and bool(address.hostname) and address.port != 0
    except ValueError:  # brackets that do not match, a port above 65535
        usable = False
    if not usable:
        raise ConfigError(
            f"{where} is not a valid address.",
            'Write url = "http://HOST:PORT" for each endpoint; a port goes from 1 to 65535.',
        )
    if address.username or address.password or address.query or address.fragment:
        raise ConfigError(
            f"{where} holds more than host, port and path (host {address.hostname}).",
            "Put its key into a file or the environment, and name that as key_file or key_env.",
        )
