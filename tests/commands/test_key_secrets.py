"""The secrets of API keys: what one looks like, and that a mistyped one is known."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perdure.commands import key_secrets
from perdure.commands.key_secrets import KeyKind

KINDS: tuple[KeyKind, ...] = ("admin", "project")


@pytest.mark.parametrize(("kind", "prefix"), [("admin", "sk-admin-"), ("project", "sk-proj-")])
def test_a_secret_has_its_prefix_and_no_two_are_alike(kind: KeyKind, prefix: str) -> None:
    made = {key_secrets.new(kind) for _ in range(100)}
    assert len(made) == 100
    assert all(secret.startswith(prefix) and len(secret) == len(prefix) + 49 for secret in made)
    assert all(map(key_secrets.is_wellformed, made))


@given(st.data())
def test_a_mistyped_secret_is_known_by_its_checksum(data: st.DataObject) -> None:
    secret = key_secrets.new(data.draw(st.sampled_from(KINDS)))
    place = data.draw(st.integers(0, len(secret) - 1))
    typed = data.draw(st.sampled_from(string.ascii_letters + string.digits + "-_ é\0\n"))
    changed = secret[:place] + typed + secret[place + 1 :]
    assert key_secrets.is_wellformed(changed) == (changed == secret)
    assert not key_secrets.is_wellformed(secret + typed)
    assert not key_secrets.is_wellformed(secret[:place])


@given(st.text())
def test_any_text_has_a_hash_and_only_a_secret_has_the_form(text: str) -> None:
    assert len(key_secrets.hash_of(text)) == 64
    assert not key_secrets.is_wellformed(text)


def test_of_a_secret_its_prefix_and_four_characters_are_shown() -> None:
    secret = key_secrets.new("project")
    assert key_secrets.redacted(secret, "project") == f"sk-proj-...{secret[-4:]}"
