"""Direct search in a vector store over HTTP (spec 01 §11, 06 §1.7)."""

from perdure.api.http import Answer, ApiCall
from perdure.commands import vector_stores
from perdure.errors import BadRequest
from perdure.retrieval import rewrite
from perdure.retrieval import search as retrieval
from perdure.wire.search import SearchRanking, SearchRequest, SearchResult, SearchResultsPage
from perdure.wire.vector_store_files import ContentText


async def search(call: ApiCall) -> Answer:
    store_id = call.id("vector_store_id")
    body = await call.body(SearchRequest)
    queries = [body.query] if isinstance(body.query, str) else body.query
    if not any(query.strip() for query in queries):
        raise BadRequest(
            "Invalid 'query': there is nothing to search for.", param="query", code="invalid_value"
        )
    services = call.services
    if not await services.database.read(
        vector_stores.is_recently_used, store_id, project=call.project, now=call.now
    ):
        await services.database.write(
            vector_stores.touch, store_id, project=call.project, now=call.now
        )
    if body.rewrite_query and (model := services.settings.rewrite_model):
        queries = await rewrite.rewrite_queries(services.provider, model, queries)
    ranking = body.ranking_options or SearchRanking()
    passages = await retrieval.search(
        services.database,
        services.embedders,
        [store_id],
        queries,
        limit=body.max_num_results,
        score_threshold=ranking.score_threshold,
        ranker=ranking.ranker,
        filters=body.filters,
    )
    results = [
        SearchResult(
            file_id=passage.file_id,
            filename=passage.filename,
            score=passage.score,
            attributes=passage.attributes,
            content=[ContentText(text=passage.text)],
        )
        for passage in passages
    ]
    return SearchResultsPage(search_query=list(queries), data=results)
