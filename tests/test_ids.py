"""Ids are opaque, distinct and carry their prefix (spec 01 §1)."""

from perdure import ids


def test_an_object_id_is_its_prefix_and_24_base_62_characters() -> None:
    made = {ids.new(ids.RUN) for _ in range(1000)}
    assert len(made) == 1000
    assert all(one.startswith("run_") and len(one) == 28 and one[4:].isalnum() for one in made)


def test_a_request_id_is_req_and_32_hex_digits() -> None:
    made = ids.new_request_id()
    assert made.startswith("req_")
    assert len(bytes.fromhex(made.removeprefix("req_"))) == 16
