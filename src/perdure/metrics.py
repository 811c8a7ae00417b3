"""Figures that a server counts and measures about itself, to be scraped.

`CATALOG` is the one list of metrics: the scraped text, the table in the documents and the check of
the dashboard are made of it. Counting costs a look-up in a dictionary, and imports nothing: the
library that writes the text is loaded with the first scrape (`api/exposition.py`).
"""

from bisect import bisect_left
from typing import Literal, NamedTuple

# What stands for a label that is in no list of ours.
OTHER = "other"
# More than this in one metric: all else counts under `OTHER`, whatever the labels say.
MOST_SERIES = 2000

_SHORT = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_LONG = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0)


class Metric(NamedTuple):
    """A metric, as it is scraped: `name` in full, but for the endings of a histogram. `buckets`
    are upper bounds, for histograms only.
    """

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    meaning: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()


RUNS = Metric(
    "perdure_runs_total",
    "counter",
    "Runs that ended, by the server that wrote the end; `code` is the code of the error or the "
    "reason of an incomplete run, else `none`",
    ("status", "code"),
)
RUN_SECONDS = Metric(
    "perdure_run_seconds",
    "histogram",
    "From the request that made a run to its end, waits for tool outputs included",
    ("status",),
    (*_LONG, 1800.0, 3600.0),
)
RUN_ROUNDS = Metric(
    "perdure_run_rounds",
    "histogram",
    "Steps of a run that ended: rounds of tools, and the answer",
    (),
    (0, 1, 2, 3, 5, 8, 13, 21, 34),
)
TAKE_OVERS = Metric(
    "perdure_take_overs_total", "counter", "Runs that this server took from a worker that was gone"
)
RUNS_IN_HAND = Metric("perdure_runs_in_hand", "gauge", "Runs that this server works on")
ACTIVE_RUNS = Metric(
    "perdure_active_runs",
    "gauge",
    "Runs of all servers that have not ended, from the database; up to 20,000 are counted",
    ("status",),
)
QUEUE_AGE = Metric(
    "perdure_queue_age_seconds",
    "gauge",
    "How long the run has waited that waits longest, of all servers, from the database",
)
MODEL_CALLS = Metric(
    "perdure_model_calls_total",
    "counter",
    "Model calls of runs, by what they led to",
    ("server", "model", "outcome"),
)
MODEL_CALL_SECONDS = Metric(
    "perdure_model_call_seconds",
    "histogram",
    "From a model call to the end of its answer, attempts that failed included",
    ("server", "model"),
    _LONG,
)
FIRST_TOKEN_SECONDS = Metric(
    "perdure_first_token_seconds",
    "histogram",
    "From a model call to the first token of its answer",
    ("server", "model"),
    _LONG,
)
MODEL_ATTEMPTS_FAILED = Metric(
    "perdure_model_attempts_failed_total",
    "counter",
    "Attempts of model calls of runs that led to no answer, those included after which another "
    "one did",
    ("server", "model"),
)
TOKENS = Metric(
    "perdure_tokens_total",
    "counter",
    "Tokens of the model calls of runs: `input`, `cached_input` (a part of it) and `output`",
    ("server", "model", "kind"),
)
TOOL_SECONDS = Metric(
    "perdure_tool_seconds",
    "histogram",
    "How long a run waited for a tool in one round: `file_search`, `python` (the code "
    "interpreter), or `function`, which the client answers (in whole seconds)",
    ("tool",),
    (*_LONG, 1800.0, 3600.0),
)
STREAMS = Metric("perdure_streams_open", "gauge", "Streams of events that are open")
HTTP_REQUESTS = Metric(
    "perdure_http_requests_total",
    "counter",
    "Requests by the template of their route and the status of the answer",
    ("method", "route", "code"),
)
HTTP_SECONDS = Metric(
    "perdure_http_request_seconds",
    "histogram",
    "From the head of a request to the beginning of its answer",
    ("route",),
    _SHORT,
)
WRITE_GROUPS = Metric(
    "perdure_write_group_seconds",
    "histogram",
    "How long the writer of the database took for a group of commands, commit included",
    (),
    _SHORT,
)
WRITE_COMMANDS = Metric(
    "perdure_write_commands_total", "counter", "Commands that the writer of the database has run"
)
FILES_READ = Metric(
    "perdure_files_read_total",
    "counter",
    "Files that were read into vector stores; `code` is the code of the error, else `none`",
    ("status", "code"),
)
FILE_SECONDS = Metric(
    "perdure_file_read_seconds",
    "histogram",
    "How long reading a file into a vector store took",
    (),
    _LONG,
)
CODE_SESSIONS = Metric(
    "perdure_code_sessions", "gauge", "Sessions of the code interpreter that belong to a thread"
)
WEBHOOKS = Metric(
    "perdure_webhook_attempts_total",
    "counter",
    "Attempts to deliver an event: `delivered`, `postponed`, `given_up`, `silenced`",
    ("webhook", "outcome"),
)
CONTENTS = Metric(
    "perdure_contents_bytes_total",
    "counter",
    "Bytes of files `written` to and `read` from a store: `database`, `folder`, `s3`",
    ("store", "operation"),
)
DATABASE_UP = Metric(
    "perdure_database_up",
    "gauge",
    "1 if the database answered when the figures of all servers were asked for, else 0",
)
INFO = Metric("perdure_info", "gauge", "1, with the version and the role", ("version", "role"))

CATALOG = (
    RUNS,
    RUN_SECONDS,
    RUN_ROUNDS,
    TAKE_OVERS,
    RUNS_IN_HAND,
    ACTIVE_RUNS,
    QUEUE_AGE,
    MODEL_CALLS,
    MODEL_CALL_SECONDS,
    FIRST_TOKEN_SECONDS,
    MODEL_ATTEMPTS_FAILED,
    TOKENS,
    TOOL_SECONDS,
    STREAMS,
    HTTP_REQUESTS,
    HTTP_SECONDS,
    WRITE_GROUPS,
    WRITE_COMMANDS,
    FILES_READ,
    FILE_SECONDS,
    CODE_SESSIONS,
    WEBHOOKS,
    CONTENTS,
    DATABASE_UP,
    INFO,
)

Labels = tuple[str, ...]


class Distribution:
    """The observations of one series: how many fell below each bound, and their sum."""

    __slots__ = ("counts", "sum")

    def __init__(self, buckets: int) -> None:
        # one more, for what is above all bounds
        self.counts = [0] * (buckets + 1)
        self.sum = 0.0


class Metrics:
    """The figures of one server. All calls come from its event loop."""

    def __init__(self) -> None:
        self.numbers: dict[str, dict[Labels, float]] = {
            metric.name: {} for metric in CATALOG if metric.kind != "histogram"
        }
        self.distributions: dict[str, dict[Labels, Distribution]] = {
            metric.name: {} for metric in CATALOG if metric.kind == "histogram"
        }
        # A rate needs a first value, and these have but one series.
        for metric in (*(each for each in CATALOG if each.kind == "counter"), STREAMS):
            if not metric.labels:
                self.set(metric, 0)

    def count(self, metric: Metric, *labels: str, by: float = 1) -> None:
        """Adds to a counter, or to a gauge, which may go down too."""
        series = self.numbers[metric.name]
        if labels not in series and len(series) >= MOST_SERIES:
            labels = (OTHER,) * len(labels)
        series[labels] = series.get(labels, 0) + by

    def observe(self, metric: Metric, value: float, *labels: str) -> None:
        """Adds an observation to a histogram."""
        series = self.distributions[metric.name]
        found = series.get(labels)
        if found is None:
            if len(series) >= MOST_SERIES:
                labels = (OTHER,) * len(labels)
            found = series.setdefault(labels, Distribution(len(metric.buckets)))
        found.counts[bisect_left(metric.buckets, value)] += 1
        found.sum += value

    def set(self, metric: Metric, value: float, *labels: str) -> None:
        """Sets a gauge."""
        self.numbers[metric.name][labels] = value
