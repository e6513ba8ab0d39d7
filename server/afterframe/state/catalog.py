"""The catalogue: photos, their clips, and the photographer's verdicts.

It can be made again from the sidecars (``afterframe rebuild``): nothing that a user decided
stands here alone.
"""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import time
from collections.abc import Callable, Mapping
from dataclasses import astuple, fields
from pathlib import Path
from typing import Any

from afterframe.domain import Clip, Failure, Photo, Stamp, Verdict
from afterframe.errors import NotFound
from afterframe.field_mapping import from_column, mapping_of, stored, to_column
from afterframe.formats import strict_json
from afterframe.scene import Scene
from afterframe.state.damage import of_row
from afterframe.state.database import Database
from afterframe.state.search_key_tables import CLIP_KEYS, RENDER_KEYS, put_keys
from afterframe.state.search_keys import search_keys

WAITING = Failure("waiting", "It waits with the folder's other photos.", "Confirm the folder on the page.")
"""Why a photo of a large backlog is not animated yet."""


def path_key(path: Path | str) -> str:
    """A path as SQLite can hold it: bytes that are not UTF-8 become question marks.

    Such files are only ever refused, so that no other path needs to be told from the key.
    """
    return str(path).encode("utf-8", "replace").decode()


def inside(folder: Path | str) -> tuple[str, str]:
    """The bounds of the keys of all paths under a folder: the first one, and the one behind the last."""
    prefix = path_key(folder) + os.sep
    return prefix, prefix + "\U0010ffff"


class Catalog:
    """Photos, clips, verdicts.

    Args:
        database: the state file.
        clock: Unix time, seconds; injected by tests.
    """

    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        self._db = database
        self._clock = clock

    # -- photos ------------------------------------------------------------------------------

    def put_photo(
        self,
        path: Path,
        stamp: Stamp,
        sha256: str,
        facts: Mapping[str, Any],
        scene: Scene | None = None,
        size: tuple[int, int] | None = None,
    ) -> Photo:
        """Remember a photo that could be read; new content replaces that of the earlier row.

        Args:
            size: upright (width, height), pixels; None: not known.
        """
        seen = strict_json.dumps(scene.to_dict() if scene else {})
        with self._db.transaction() as connection:
            row = connection.execute(
                """INSERT INTO photos
                     (path, size, mtime_ns, ctime_ns, sha256, facts, scene, width, height, problem, seen_at)
                   VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, NULL, ?)
                   ON CONFLICT (path) DO UPDATE SET width = excluded.width, height = excluded.height,
                     size = excluded.size, mtime_ns = excluded.mtime_ns,
                     ctime_ns = excluded.ctime_ns, sha256 = excluded.sha256, facts = excluded.facts,
                     scene = excluded.scene, problem = NULL, on_hold = 0, seen_at = excluded.seen_at,
                     made_again = made_again AND sha256 IS excluded.sha256,
                     words_changed_at = CASE WHEN sha256 IS excluded.sha256 THEN words_changed_at END
                   RETURNING *""",
                (
                    *(str(path), *astuple(stamp), sha256, strict_json.dumps(facts), seen),
                    *(size or (None, None)),
                    self._clock(),
                ),
            ).fetchone()
        return _photo(row)

    def record_rejection(self, path: Path, stamp: Stamp, problem: Failure) -> None:
        """Remember a file that could not be read, and why, so that it is not tried again until it changes."""
        with self._db.transaction() as connection:
            known = self.problem_at(path)
            connection.execute(
                """INSERT INTO photos (path, size, mtime_ns, ctime_ns, problem, seen_at)
                   VALUES (?, ?, ?, ?, ?, ?)
                   ON CONFLICT (path) DO UPDATE SET size = excluded.size, mtime_ns = excluded.mtime_ns,
                     ctime_ns = excluded.ctime_ns, problem = excluded.problem, on_hold = 0,
                     seen_at = excluded.seen_at""",
                (path_key(path), *astuple(stamp), json.dumps(problem.to_dict()), self._clock()),
            )
            if known != problem:  # it may be tried again and again
                self._db.emit("refused", {"photo": path_key(path), "error": problem.to_dict()}, self._clock())

    def photo_at(self, path: Path) -> Photo | None:
        """The photo at a path, None when it was never read."""
        row = self._db.connection.execute(
            "SELECT * FROM photos WHERE path = ? AND sha256 IS NOT NULL", (path_key(path),)
        ).fetchone()
        return _photo(row) if row else None

    def photos_named(self, folder: Path, name: str) -> list[Photo]:
        """The photos in a folder of this name, with a suffix or without."""
        path = path_key(folder / name)
        rows = self._db.connection.execute(
            "SELECT * FROM photos WHERE sha256 IS NOT NULL AND (path = ? OR path >= ? AND path < ?)",
            (path, f"{path}.", f"{path}/"),  # the slash comes right behind the point
        )
        return [_photo(row) for row in rows]

    def photos_like(self, sha256: str) -> list[Photo]:
        """The photos with these bytes, oldest first."""
        rows = self._db.connection.execute("SELECT * FROM photos WHERE sha256 = ? ORDER BY id", (sha256,))
        return [_photo(row) for row in rows]

    def move_photo(self, photo: Photo, path: Path) -> None:
        """A photo was renamed or moved: its row, its clips and its renders go with it; their files are to follow.

        The row of another photo that had this path before gets the path that became free: those two changed places, or
        its own new path is found later.
        """
        target, source = path_key(path), path_key(photo.path)
        with self._db.transaction() as connection:
            connection.execute("DELETE FROM photos WHERE path = ? AND sha256 IS NULL", (target,))
            connection.execute("UPDATE photos SET path = ? WHERE id = ?", (f"{source}//", photo.id))
            other = connection.execute(
                "UPDATE photos SET path = ? WHERE path = ? RETURNING id, sha256", (source, target)
            ).fetchone()
            connection.execute("UPDATE photos SET path = ? WHERE id = ?", (target, photo.id))
            moved = [(photo.id, photo.sha256, source, target)]
            if other:
                moved.append((other["id"], other["sha256"], target, source))
            for photo_id, sha256, left, taken in moved:
                done = connection.execute("DELETE FROM ingested WHERE path = ? AND sha256 = ?", (left, sha256)).rowcount
                if done:
                    self.mark_auto_animated(Path(taken), sha256)
                connection.execute(
                    "UPDATE jobs SET held_folder = NULL, real_folder = ? WHERE photo_id = ?",
                    (os.path.realpath(Path(taken).parent), photo_id),
                )
                self._follow_photo(connection, photo_id)
                self.let_clips_follow(photo_id)

    def let_clips_follow(self, photo_id: int) -> None:
        """The sidecars of a photo's clips, and their names, are to be those of the photo as it is called now."""
        with self._db.transaction() as connection:
            connection.execute("UPDATE photos SET clips_to_follow = 1 WHERE id = ?", (photo_id,))

    def moved_photos(self) -> list[int]:
        """The photos whose clips' files are still to follow them."""
        return [row["id"] for row in self._db.connection.execute("SELECT id FROM photos WHERE clips_to_follow")]

    def clips_followed(self, photo_id: int) -> None:
        """The files of a photo's clips have followed it."""
        with self._db.transaction() as connection:
            connection.execute("UPDATE photos SET clips_to_follow = 0 WHERE id = ?", (photo_id,))

    def _follow_photo(self, connection: sqlite3.Connection, photo_id: int) -> None:
        """Compute the search keys of a moved photo's clips and renders again."""
        for clip in self.clips_of(photo_id):
            self._put_keys(connection, clip)
            self._db.emit("clip", {"id": clip.id, "photo": clip.photo_path, "path": clip.path}, self._clock())
        renders = connection.execute(
            """SELECT jobs.seq, jobs.recipe, jobs.created_at, photos.path, photos.facts
               FROM jobs JOIN render_keys USING (seq) JOIN photos ON photos.id = jobs.photo_id WHERE photos.id = ?""",
            (photo_id,),
        ).fetchall()
        for row in renders:
            keys = search_keys(row["path"], row["created_at"], json.loads(row["recipe"]), json.loads(row["facts"]))
            put_keys(connection, RENDER_KEYS, row["seq"], keys)

    def problem_at(self, path: Path) -> Failure | None:
        """Why the file at a path is not animated: it was refused, or is on hold."""
        row = self._db.connection.execute(
            "SELECT problem, on_hold FROM photos WHERE path = ?", (path_key(path),)
        ).fetchone()
        if row and row["problem"]:
            return Failure(**json.loads(row["problem"]))
        return WAITING if row and row["on_hold"] else None

    def is_on_hold(self, path: Path) -> bool:
        """Whether a photo waits, with the rest of a large backlog, for the user's confirmation."""
        row = self._db.connection.execute("SELECT on_hold FROM photos WHERE path = ?", (path_key(path),)).fetchone()
        return row is not None and bool(row["on_hold"])

    def problems(self, limit: int = 200) -> list[tuple[str, Failure]]:
        """Files that were refused, latest first, with the reason."""
        rows = self._db.connection.execute(
            "SELECT path, problem FROM photos WHERE problem IS NOT NULL ORDER BY seen_at DESC LIMIT ?", (limit,)
        )
        return [(row["path"], Failure(**json.loads(row["problem"]))) for row in rows]

    def stamps(self, folder: Path) -> dict[str, Stamp]:
        """What is known of the files under a folder: path -> stamp. One query, for scans."""
        rows = self._db.connection.execute(
            "SELECT path, size, mtime_ns, ctime_ns FROM photos WHERE path >= ? AND path < ?", inside(folder)
        )
        return {row["path"]: _stamp(row) for row in rows}

    def stamp_at(self, path: Path) -> Stamp | None:
        """What is known of the file at a path."""
        row = self._db.connection.execute(
            "SELECT size, mtime_ns, ctime_ns FROM photos WHERE path = ?", (path_key(path),)
        ).fetchone()
        return _stamp(row) if row else None

    def renew_facts(self, photo_id: int, facts: Mapping[str, Any], *, words_changed: bool) -> None:
        """What a photo's sidecar says has changed since the photo was read."""
        with self._db.transaction() as connection:
            connection.execute(
                """UPDATE photos SET facts = ?, words_changed_at = CASE WHEN ? THEN ? ELSE words_changed_at END
                   WHERE id = ?""",
                (strict_json.dumps(facts), words_changed, self._clock(), photo_id),
            )
            self._follow_photo(connection, photo_id)

    def renew_scene(self, photo_id: int, sha256: str, scene: Scene, size: tuple[int, int] | None = None) -> None:
        """Remember what is seen in a photo that was looked at again, unless its content has changed meanwhile.

        Args:
            size: upright (width, height), pixels; None: as it was known.
        """
        with self._db.transaction() as connection:
            connection.execute(
                """UPDATE photos SET scene = ?, width = COALESCE(?, width), height = COALESCE(?, height)
                   WHERE id = ? AND sha256 IS ?""",
                (strict_json.dumps(scene.to_dict()), *(size or (None, None)), photo_id, sha256),
            )

    def words_still_for(self, seconds: float) -> list[tuple[Photo, float]]:
        """The photos whose words changed at least so long ago and were not dealt with, and when they did."""
        rows = self._db.connection.execute(
            "SELECT * FROM photos WHERE words_changed_at <= ? AND sha256 IS NOT NULL", (self._clock() - seconds,)
        )
        return [(_photo(row), row["words_changed_at"]) for row in rows]

    def settle_words(self, photo_id: int, *, make_again: bool) -> bool:
        """A photo's changed words are dealt with.

        Args:
            make_again: its clip is to be made again because of them.
        Returns:
            Whether that may be: it is done once for the same content.
        """
        with self._db.transaction() as connection:
            row = connection.execute("SELECT made_again FROM photos WHERE id = ?", (photo_id,)).fetchone()
            allowed = make_again and not row["made_again"]
            connection.execute(
                "UPDATE photos SET words_changed_at = NULL, made_again = ? WHERE id = ?",
                (bool(row["made_again"] or allowed), photo_id),
            )
        return allowed

    def read_times(self, folder: Path) -> dict[str, float]:
        """When the photos under a folder were read: path -> Unix time, seconds."""
        rows = self._db.connection.execute(
            "SELECT path, seen_at FROM photos WHERE sha256 IS NOT NULL AND path >= ? AND path < ?", inside(folder)
        )
        return {row["path"]: row["seen_at"] for row in rows}

    def renew_stamp(self, path: Path, stamp: Stamp) -> None:
        """A photo's stamp has changed, and its bytes have not."""
        with self._db.transaction() as connection:
            connection.execute(
                "UPDATE photos SET size = ?, mtime_ns = ?, ctime_ns = ? WHERE path = ?",
                (*astuple(stamp), path_key(path)),
            )

    def mark_auto_animated(self, path: Path, sha256: str) -> bool:
        """Mark a photo as animated automatically; False when it had been before."""
        with self._db.transaction() as connection:
            changed = connection.execute("INSERT OR IGNORE INTO ingested VALUES (?, ?)", (str(path), sha256)).rowcount
        return changed == 1

    # -- clips -------------------------------------------------------------------------------

    def put_clip(self, clip: Clip) -> None:
        """Add a published clip, or replace the row of the clip that stood at its path."""
        with self._db.transaction() as connection:
            replaced = connection.execute(
                "DELETE FROM clips WHERE path = ? AND id <> ? RETURNING id", (clip.path, clip.id)
            ).fetchall()
            for row in replaced:
                self._db.emit("clip_gone", {"id": row["id"]}, self._clock())
            connection.execute(PUT_CLIP, [to_column(column, clip) for column in CLIP_COLUMNS])
            self._put_keys(connection, clip)
            self._db.emit("clip", {"id": clip.id, "photo": clip.photo_path, "path": clip.path}, self._clock())

    def _put_keys(self, connection: sqlite3.Connection, clip: Clip) -> None:
        row = connection.execute(
            """SELECT clips.seq, photos.path, photos.facts FROM clips JOIN photos ON photos.id = clips.photo_id
               WHERE clips.id = ?""",
            (clip.id,),
        ).fetchone()
        keys = search_keys(row["path"], clip.created_at, clip.recipe.to_dict(), json.loads(row["facts"]))
        put_keys(connection, CLIP_KEYS, row["seq"], keys)

    def clip(self, clip_id: str) -> Clip:
        """One clip.

        Raises:
            NotFound: there is none of that id.
        """
        row = self._db.connection.execute(f"{SELECT_CLIP} WHERE clips.id = ?", (clip_id,)).fetchone()
        if row is None:
            raise NotFound(f"There is no clip {clip_id}.", "It may have been replaced by a newer one.")
        return clip_of(row)

    def find_clip(self, clip_id: str) -> Clip | None:
        """One clip, if there is one of that id."""
        with contextlib.suppress(NotFound):
            return self.clip(clip_id)
        return None

    def clip_at(self, path: Path) -> Clip | None:
        """The clip of a path, its file there or not."""
        row = self._db.connection.execute(f"{SELECT_CLIP} WHERE clips.path = ?", (path_key(path),)).fetchone()
        return clip_of(row) if row else None

    def clips_of(self, photo_id: int) -> list[Clip]:
        """A photo's clips, oldest first, those whose file is gone included."""
        rows = self._db.connection.execute(
            f"{SELECT_CLIP} WHERE clips.photo_id = ? ORDER BY clips.seq", (photo_id,)
        ).fetchall()
        return [clip_of(row) for row in rows]

    def newest_clips(self, limit: int) -> list[Clip]:
        """The clips made last that are there, newest first."""
        rows = self._db.connection.execute(
            f"{SELECT_CLIP} WHERE clips.present ORDER BY clips.seq DESC LIMIT ?", (limit,)
        )
        return [clip_of(row) for row in rows]

    def refined(self, clip_id: str) -> bool:
        """Whether another render was made from this clip."""
        row = self._db.connection.execute("SELECT 1 FROM jobs WHERE parent_clip = ? LIMIT 1", (clip_id,)).fetchone()
        return row is not None

    def set_verdict(self, clip_id: str, verdict: Verdict, rating: int) -> Clip:
        """What the photographer decided. The caller has written it to the sidecar, which is the authority."""
        with self._db.transaction() as connection:
            connection.execute("UPDATE clips SET verdict = ?, rating = ? WHERE id = ?", (verdict, rating, clip_id))
            clip = self.clip(clip_id)
            self._db.emit("verdict", {"id": clip_id, "verdict": verdict, "rating": rating}, self._clock())
        return clip

    def mark_absent(self, clip_id: str) -> None:
        """The file is not there any more. It is not made again by itself, and listed again when it comes back."""
        with self._db.transaction() as connection:
            connection.execute("UPDATE clips SET present = 0 WHERE id = ?", (clip_id,))
            self._db.emit("clip_gone", {"id": clip_id}, self._clock())

    def mark_present(self, clip_id: str, verdict: Verdict, rating: int) -> None:
        """The file is there again, with what its sidecar says of it."""
        with self._db.transaction() as connection:
            connection.execute("UPDATE clips SET present = 1 WHERE id = ?", (clip_id,))
            clip = self.set_verdict(clip_id, verdict, rating)
            self._db.emit("clip", {"id": clip.id, "photo": clip.photo_path, "path": clip.path}, self._clock())

    def clip_paths(self, folder: Path) -> dict[str, tuple[str, bool]]:
        """path -> (id, whether it was there last time) of the clips under a folder."""
        rows = self._db.connection.execute(
            "SELECT id, path, present FROM clips WHERE path >= ? AND path < ?", inside(folder)
        )
        return {row["path"]: (row["id"], bool(row["present"])) for row in rows}


CLIP_COLUMNS = stored(Clip)
"""A clip's fields that have a column in the table of clips; the path of its photo stands in that of photos."""


def _put_clip_sql() -> str:
    names = [column.name for column in CLIP_COLUMNS]
    changed = [f"{column.name} = excluded.{column.name}" for column in CLIP_COLUMNS if not mapping_of(column).fixed]
    return f"""INSERT INTO clips ({", ".join(names)}) VALUES ({", ".join("?" * len(names))})
               ON CONFLICT (id) DO UPDATE SET {", ".join(changed)}"""  # noqa: S608 - our own names


PUT_CLIP = _put_clip_sql()
"""Adds a clip, or changes the row of the clip with its id; takes the values of :data:`CLIP_COLUMNS`."""
SELECT_CLIP = "SELECT clips.*, photos.path AS photo_path FROM clips JOIN photos ON photos.id = clips.photo_id"
"""How every clip is read; :func:`clip_of` makes it of a row."""


def _stamp(row: sqlite3.Row) -> Stamp:
    return Stamp(row["size"], row["mtime_ns"], row["ctime_ns"])


@of_row
def _photo(row: sqlite3.Row) -> Photo:
    return Photo(
        id=row["id"],
        path=row["path"],
        sha256=row["sha256"],
        size=row["size"],
        mtime_ns=row["mtime_ns"],
        ctime_ns=row["ctime_ns"],
        facts=json.loads(row["facts"]),
        scene=Scene.from_dict(json.loads(row["scene"])),
        upright_size=(row["width"], row["height"]) if row["width"] else None,
    )


@of_row
def clip_of(row: sqlite3.Row) -> Clip:
    """A row of :data:`SELECT_CLIP`."""
    return Clip(**{column.name: from_column(column, row[column.name]) for column in fields(Clip)})
