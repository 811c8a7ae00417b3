"""Lines of the log without colours are those of structlog, and cost less."""

from hypothesis import given
from hypothesis import strategies as st
from structlog.dev import ConsoleRenderer

from perdure.cli.logs import plain_columns

_VALUES = st.text() | st.integers() | st.none() | st.booleans() | st.floats(allow_nan=False)
_LINES = st.fixed_dictionaries(
    {"event": st.text(), "level": st.sampled_from(["info", "warning", "error", "debug"])},
    optional={"timestamp": st.text(alphabet="0123456789:TZ-", min_size=1)},
)


@given(line=_LINES, more=st.dictionaries(st.sampled_from("abcdefgh"), _VALUES))
def test_a_line_without_colours_is_the_one_that_structlog_writes(
    line: dict[str, object], more: dict[str, object]
) -> None:
    ours = ConsoleRenderer(columns=plain_columns())(None, "", {**line, **more})
    assert ours == ConsoleRenderer(colors=False)(None, "", {**line, **more})
