"""A call of file_search while the model writes it and it is answered."""

from perdure.tools.open_call import OpenCall
from perdure.wire.base import to_json_object
from perdure.wire.events import Delta, file_search_delta
from perdure.wire.run_steps import FileSearch, FileSearchToolCall, StepSearchRanking


class OpenSearchCall(OpenCall):
    """Publishes nothing before its step ends but the ranking options (spec 04 §3.3)."""

    def __init__(
        self, step_id: str, index: int, call_id: str, name: str, *, ranking: StepSearchRanking
    ) -> None:
        super().__init__(step_id, index, call_id, name)
        self.answered: FileSearchToolCall | None = None
        self._ranking = ranking

    @property
    def stored(self) -> FileSearchToolCall:
        search = FileSearch(ranking_options=self._ranking)
        return self.answered or FileSearchToolCall(id=self.id, file_search=search)

    def begin(self) -> Delta:
        ranking = to_json_object(self._ranking)
        return file_search_delta(self._step_id, self.index, self.id, ranking)
