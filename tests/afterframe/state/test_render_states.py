"""Whatever has a word, a status or a column for each state of a render has one for every state."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from afterframe.domain import JobState
from afterframe.state.catalog import Catalog
from afterframe.state.database import Database
from afterframe.state.list_index import STATES
from afterframe.state.queue import Queue
from afterframe.web.openai.video_resource import STATUS
from afterframe.web.pages import i18n
from factories import make_job

ROOT = Path(__file__).parents[3]
LANGUAGES = [language for language in i18n.LANGUAGES if language != "en"]

every_state = pytest.mark.parametrize("state", JobState)


def scripts(folder: str, suffix: str) -> str:
    return "\n".join(file.read_text("utf-8") for file in sorted((ROOT / folder).rglob(f"*{suffix}")))


@every_state
def test_a_state_has_its_word_in_every_language(state: JobState) -> None:
    assert all(i18n.STATES[state] in i18n.dictionary(language) for language in LANGUAGES)


@every_state
def test_the_page_has_the_same_word(state: JobState) -> None:
    assert f'{state}: t("{i18n.STATES[state]}")' in scripts("server/afterframe/web/static", ".js")


@every_state
def test_a_state_has_a_status_of_a_video(state: JobState) -> None:
    assert STATUS[state] in ("queued", "in_progress", "completed", "failed")


@every_state
def test_lists_show_a_state_or_another_in_its_place(state: JobState) -> None:
    assert state.listed_as in STATES


@every_state
def test_lightroom_has_a_status_for_a_state(state: JobState) -> None:
    """Of a photo that is done, its verdict is the status."""
    assert state == JobState.DONE or re.search(rf'^  {state} = "\w+",$', scripts("lrplugin", ".lua"), re.MULTILINE)


@every_state
def test_darktable_has_a_tag_for_a_state(state: JobState) -> None:
    """What is under way is tagged as queued."""
    folder = ROOT / "lrplugin" / "darktable"
    (tags,) = re.findall(r"^local STATES = \{(.*)\}$", (folder / "photos.lua").read_text("utf-8"), re.MULTILINE)
    under_way = re.findall(r'entry\.state == "(\w+)"', (folder / "status.lua").read_text("utf-8"))
    assert state in under_way or f'"{state}"' in tags


def test_the_page_cancels_and_retries_what_the_queue_does() -> None:
    script = scripts("server/afterframe/web/static", ".js")
    for rule in ("cancellable", "retryable"):
        states = [f'"{state}"' for state in JobState if getattr(state, rule)]
        assert any(f"[{', '.join(order)}]" in script for order in (states, states[::-1]))


@every_state
def test_the_state_file_holds_every_state(queue: Queue, catalog: Catalog, database: Database, state: JobState) -> None:
    job = make_job(queue, catalog)
    database.connection.execute("UPDATE jobs SET state = ?", (state,))
    assert queue.get(job.id).state is state
    assert queue.counts()[state] == 1


def test_a_state_of_tomorrow_needs_no_migration(queue: Queue, catalog: Catalog, database: Database) -> None:
    make_job(queue, catalog)
    database.connection.execute("UPDATE jobs SET state = 'resting'")
