"""The daemon's counts for monitoring."""

from __future__ import annotations

from flask import Response
from prometheus_client import CONTENT_TYPE_LATEST

from afterframe.web.connections.entry import Lane
from afterframe.web.http.routes import Call, Caller, Routes

ROUTES = Routes()


@ROUTES.add(
    "GET",
    "/metrics",
    "Counts for Prometheus and its like: renders, queue, disks, memory, requests.",
    lane=Lane.PICTURES,
    caller=Caller.TOKEN,
    media=("text/plain",),
)
def get_metrics(call: Call) -> Response:
    """Every metric, as text."""
    return Response(call.context.metrics.text(), content_type=CONTENT_TYPE_LATEST)
