"""/v1/files and /v1/models, which clients of /v1/videos use beside it."""

from __future__ import annotations

from afterframe.errors import NotFound
from afterframe.generators import registry
from afterframe.web.connections.entry import Lane
from afterframe.web.http import schemas
from afterframe.web.http.context import Services
from afterframe.web.http.forms import FILE
from afterframe.web.http.routes import Call, Caller, Routes
from afterframe.web.http.schemas import Json, form, listed, one_of
from afterframe.web.openai.upload_store import UploadRecord, UploadStore

ROUTES = Routes()

STORED: Json = form(
    {
        "id": schemas.ID,
        "object": one_of("file"),
        "bytes": schemas.COUNT,
        "created_at": schemas.WHOLE,
        "filename": schemas.TEXT,
        "purpose": schemas.TEXT,
        "status": one_of("processed"),
    }
)
MODEL: Json = form({"id": schemas.TEXT, "object": one_of("model"), "created": schemas.WHOLE, "owned_by": schemas.TEXT})


def file_store(services: Services) -> UploadStore:
    """Photos uploaded in advance, to be named by id."""
    return UploadStore(services.home.uploads / "files", "file-")


def file_json(services: Services, record: UploadRecord) -> Json:
    """A file as the protocol has it."""
    return {
        "id": record.id,
        "object": "file",
        "bytes": file_store(services).photo(record).stat().st_size,
        "created_at": int(record.created_at),
        "filename": record.photo,
        "purpose": record.purpose,
        "status": "processed",
    }


@ROUTES.add(
    "POST",
    "/v1/files",
    "Save a photo, to be named as input_reference by its id.",
    lane=Lane.PHOTOS,
    caller=Caller.TOKEN,
    form=form({"file": FILE, "purpose": schemas.NAME}),
    answer=STORED,
)
def create_file(call: Call) -> Json:
    """Save a photo; nothing is left behind if it cannot be read as a photo, whatever the purpose."""
    services, store = call.services, file_store(call.services)
    for record in store.deleted():
        store.remove(record)
    with store.adding(call.body["file"], purpose=call.body["purpose"]) as record:
        services.ingest.inspect(store.photo(record))
        return file_json(services, record)


@ROUTES.add("GET", "/v1/files/<file_id>", "One file.", caller=Caller.TOKEN, answer=STORED)
def retrieve_file(call: Call) -> Json:
    """One file."""
    return file_json(call.services, file_store(call.services).get(call.args["file_id"]))


@ROUTES.add(
    "DELETE",
    "/v1/files/<file_id>",
    "Remove a file. Videos made from it keep their own copy.",
    caller=Caller.TOKEN,
    answer=form({"id": schemas.ID, "object": one_of("file"), "deleted": schemas.BOOLEAN}),
)
def delete_file(call: Call) -> Json:
    """Remove a file."""
    store = file_store(call.services)
    record = store.get(call.args["file_id"])
    store.mark_deleted(record)
    store.remove(record)
    return {"id": record.id, "object": "file", "deleted": True}


@ROUTES.add(
    "GET",
    "/v1/models",
    "The generators, by the names that POST /v1/videos accepts.",
    caller=Caller.TOKEN,
    answer=form({"object": one_of("list"), "data": listed(MODEL)}),
)
def list_models(_call: Call) -> Json:
    """All generators."""
    return {"object": "list", "data": [_model(name) for name in registry.available()]}


@ROUTES.add("GET", "/v1/models/<name>", "One generator.", caller=Caller.TOKEN, answer=MODEL)
def retrieve_model(call: Call) -> Json:
    """One generator."""
    name = call.args["name"]
    if name not in registry.available():
        raise NotFound(f"There is no model {name[:100]}.", "GET /v1/models lists them; other names mean the default.")
    return _model(name)


def _model(name: str) -> Json:
    return {"id": name, "object": "model", "created": 0, "owned_by": "afterframe"}
