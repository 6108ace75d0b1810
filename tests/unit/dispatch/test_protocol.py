"""A commit of the harness whose rounds speak another protocol is refused in a sentence."""

from __future__ import annotations

import tempfile

import pytest

from harness.dispatch import forkserver
from harness.dispatch.forkserver import ForkServer
from harness.errors import WorkerLost
from harness.worker.messages import PROTOCOL, Effort, Job
from tests.unit.dispatch.test_pairs import planned


@pytest.mark.parametrize("waits", [False, True], ids=["at once", "after waiting for the import"])
def test_another_protocol_is_refused(monkeypatch: pytest.MonkeyPatch, waits: bool) -> None:
    monkeypatch.setattr(forkserver, "PROTOCOL", PROTOCOL + 1)
    server = ForkServer()
    job = Job(planned().cell, 0, 0, Effort(0.1, 1, 1), quality=False)
    try:
        if waits:
            server.await_import(60)
        with tempfile.TemporaryFile() as file, pytest.raises(WorkerLost, match="speak protocol"):
            server.start(job, file.fileno(), file.fileno())
    finally:
        server.close()
