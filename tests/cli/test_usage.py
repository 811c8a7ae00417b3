"""`perdure usage` and `perdure projects limit`, against a running server."""

from pathlib import Path

import pytest
from openai import OpenAI, RateLimitError

from tests.cli.processes import perdure, serving

ADMIN = "sk-admin-of-the-tests"


def test_usage_and_limits_are_told_and_changed_from_the_command_line(tmp_path: Path) -> None:
    (tmp_path / "perdure.toml").write_text("[prices]\nm = {input = 1000000, output = 500000}\n")
    with serving(tmp_path / "data", environment={"PERDURE_ADMIN_KEY": ADMIN}) as served:

        def run(*arguments: str) -> str:
            admin = ("--url", served.url, "--admin-key", ADMIN)
            done = perdure(*arguments, *admin, cwd=tmp_path)
            assert done.returncode == 0, done.stderr
            return done.stdout

        def limit(*arguments: str) -> list[str]:
            return run("projects", "limit", "proj_default", *arguments).splitlines()

        assert run("usage") == "Nothing was used in the last 30 days.\n"
        with OpenAI(base_url=served.base_url, api_key="any", max_retries=0) as client:
            assistant = client.beta.assistants.create(model="m")
            made = client.beta.threads.create_and_run_poll(
                assistant_id=assistant.id,
                thread={"messages": [{"role": "user", "content": "say: Hi\nusage: 20 5"}]},
            )
            assert made.status == "completed"
            shown = run("usage", "--days", "1").splitlines()
            head, row = shown
            assert head.split()[:4] == ["KIND", "PROJECT", "KEY", "MODEL"]
            assert row.split() == [
                *("completions", "proj_default", "none", "m"),
                *("1", "20", "0", "5", "22.50"),
            ]
            none = [
                "runs at once: no limit",
                "bytes of files: no limit",
                "spend a month: no limit",
                "models: all",
            ]
            assert limit() == none
            assert limit("--model", "m", "--requests", "0") == [
                "m: 0 requests, no limit tokens a minute",
                *none,
            ]
            with pytest.raises(RateLimitError):
                client.chat.completions.create(
                    model="m", messages=[{"role": "user", "content": "say: Hi"}]
                )
        limit("--model", "m", "--requests", "none")
        some = limit(
            "--runs", "5", "--file-bytes", "1_000_000", "--dollars", "2.5", "--allow", "m",
            "--allow", "n*",
        )  # fmt: skip
        assert some == [
            "runs at once: 5",
            "bytes of files: 1,000,000",
            "spend a month: 2.50 USD, used up",
            "models: only m, n*",
        ]
        gone = ("--runs", "none", "--file-bytes", "none", "--dollars", "none", "--allow", "none")
        assert limit(*gone) == none


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        (["--requests", "5"], "--requests and --tokens need --model"),
        (["--model", "m"], "--model needs --requests"),
        (["--runs", "many"], "--runs takes a number, or none"),
        (["--dollars", "1.234"], "--dollars takes an amount"),
        (["--allow", "a", "--deny", "b"], "cannot be given together"),
    ],
)
def test_limits_that_cannot_be_are_refused_before_anything_is_asked(
    tmp_path: Path, flags: list[str], told: str
) -> None:
    refused = perdure("projects", "limit", "p", *flags, "--admin-key", ADMIN, cwd=tmp_path)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert told in refused.stderr
