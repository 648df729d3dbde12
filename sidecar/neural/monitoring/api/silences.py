"""Silences: list, make, end."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, replace

from neural.monitoring.api.operation import Call, Operation, Reply
from neural.monitoring.api.problems import Problem
from neural.monitoring.api.silence_body import EXAMPLE, body_schema, checked
from neural.monitoring.clock import Clock
from neural.monitoring.store import Silence, Store
from neural.monitoring.views import silence_dict

_REPLY = {"$ref": "#/components/schemas/Silence"}


@dataclass(frozen=True, slots=True)
class Silences:
    """``writer`` is a store that may be written; silences are for the alert engine to read at its next evaluation."""

    store: Store
    writer: Store
    clock: Clock

    def list(self, _: Call) -> Reply:
        return Reply({"silences": [silence_dict(one) for one in self.store.silences(active_at=self.clock())]})

    def make(self, call: Call) -> Reply:
        body, now = checked(call.body), self.clock()
        made = Silence(
            uuid.uuid4().hex, body["matchers"], now, now + float(body["seconds"]), body.get("author", ""), body.get("reason", "")
        )
        if every := body.get("every", ""):
            made = replace(
                made,
                ends_at=now + float(body["ends_in_seconds"]),
                every=every.strip(),
                lasts=float(body["seconds"]),
                time_zone=body.get("time_zone", "UTC"),
            )
        self.writer.put_silence(made)
        return Reply(silence_dict(made), 201, {"Location": f"/api/v1/silences/{made.silence_id}"})

    def end(self, call: Call) -> Reply:
        now = self.clock()
        found = [one for one in self.store.silences(active_at=now) if one.silence_id == call.path["silence_id"]]
        if not found:
            raise Problem(404, "no such silence is in force")
        self.writer.put_silence(replace(found[0], ends_at=now))
        return Reply(None, 204)


def silence_operations(store: Store, writer: Store | None, clock: Clock) -> tuple[dict[str, Operation], dict[str, Operation]]:
    """The operations of /silences and of /silences/{silence_id}. Without a writer they can only be read."""
    silences = Silences(store, writer or store, clock)
    listing = Operation(
        "silences", "The silences in force", silences.list, response={"$ref": "#/components/schemas/Silences"}, tag="alerts"
    )
    if writer is None:
        return {"GET": listing}, {}
    make = Operation(
        "silence", "Deliver no alert that matches, for a while", silences.make, response=_REPLY, body_schema=body_schema(),
        body_example=EXAMPLE, mutates=True, success=201, problems=(401, 403, 413, 415, 422), tag="alerts",
    )  # fmt: skip
    end = Operation(
        "end_silence", "End a silence now", silences.end, mutates=True, success=204, problems=(401, 403, 404), tag="alerts"
    )
    return {"GET": listing, "POST": make}, {"DELETE": end}
