"""None of some hundred strange requests is answered with a 5xx, or without the error envelope."""

from pathlib import Path

from tests.fuzz.campaign import campaign


def test_strange_requests_are_refused_in_order(tmp_path: Path, database_url: str | None) -> None:
    with campaign(tmp_path, database_url) as sending:
        sending.run(0.02, derandomized=True)
        sending.check()
        assert sending.sent > 150
        assert {200, 400, 404} <= sending.client.counts.keys()
