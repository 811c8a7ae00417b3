"""Operations on files, uploads and vector stores, by method and path as in `ROUTES`."""

from perdure.api.openapi.operation import BYTES, FormBody, Listed, Operation
from perdure.api.openapi.parameters import PAGE
from perdure.wire.file_batches import CreateFileBatch, FileBatch
from perdure.wire.files import CreateFile, File
from perdure.wire.lists import Deleted
from perdure.wire.search import SearchRequest, SearchResultsPage
from perdure.wire.uploads import CompleteUpload, CreateUpload, Part, Upload
from perdure.wire.vector_store_files import (
    CreateVectorStoreFile,
    FileChunk,
    FileContentPage,
    ModifyVectorStoreFile,
    VectorStoreFile,
)
from perdure.wire.vector_stores import CreateVectorStore, ModifyVectorStore, VectorStore

_STORE = "/vector_stores/{vector_store_id}"
_FILE = f"{_STORE}/files/{{file_id}}"
_BATCH = f"{_STORE}/file_batches/{{batch_id}}"
_CURSORS = ("after", "before")

OPERATIONS: dict[str, Operation] = {
    "POST /vector_stores": Operation(
        "createVectorStore",
        "Create a vector store",
        VectorStore,
        CreateVectorStore,
        body_required=False,
    ),
    "GET /vector_stores": Operation(
        "listVectorStores", "List vector stores", Listed(VectorStore), query=PAGE
    ),
    f"GET {_STORE}": Operation("getVectorStore", "Retrieve a vector store", VectorStore),
    f"POST {_STORE}": Operation(
        "modifyVectorStore", "Modify a vector store", VectorStore, ModifyVectorStore
    ),
    f"DELETE {_STORE}": Operation(
        "deleteVectorStore", "Delete a vector store; its files stay", Deleted
    ),
    f"POST {_STORE}/search": Operation(
        "searchVectorStore",
        "Search a vector store",
        SearchResultsPage,
        SearchRequest,
    ),
    f"POST {_STORE}/files": Operation(
        "createVectorStoreFile",
        "Add a file to a vector store",
        VectorStoreFile,
        CreateVectorStoreFile,
    ),
    f"GET {_STORE}/files": Operation(
        "listVectorStoreFiles",
        "List the files of a vector store",
        Listed(VectorStoreFile),
        query=(*PAGE, "filter"),
    ),
    f"GET {_FILE}": Operation(
        "getVectorStoreFile", "Retrieve a file of a vector store", VectorStoreFile
    ),
    f"POST {_FILE}": Operation(
        "updateVectorStoreFileAttributes",
        "Replace the attributes of a file of a vector store",
        VectorStoreFile,
        ModifyVectorStoreFile,
    ),
    f"DELETE {_FILE}": Operation(
        "deleteVectorStoreFile", "Take a file out of a vector store", Deleted
    ),
    f"GET {_FILE}/content": Operation(
        "retrieveVectorStoreFileContent",
        "Retrieve the text that was read of a file",
        FileContentPage,
    ),
    f"GET {_FILE}/chunks": Operation(
        "listVectorStoreFileChunks",
        "List the chunks of a file as they are stored and found",
        Listed(FileChunk),
        query=("limit", "chunk_order", *_CURSORS),
    ),
    f"POST {_STORE}/file_batches": Operation(
        "createVectorStoreFileBatch",
        "Add files to a vector store together",
        FileBatch,
        CreateFileBatch,
    ),
    f"GET {_BATCH}": Operation("getVectorStoreFileBatch", "Retrieve a batch of files", FileBatch),
    f"POST {_BATCH}/cancel": Operation(
        "cancelVectorStoreFileBatch", "Cancel the files of a batch that are not done", FileBatch
    ),
    f"GET {_BATCH}/files": Operation(
        "listFilesInVectorStoreBatch",
        "List the files of a batch",
        Listed(VectorStoreFile),
        query=(*PAGE, "filter"),
    ),
    "POST /files": Operation("createFile", "Upload a file", File, FormBody("file", CreateFile)),
    "GET /files": Operation(
        "listFiles",
        "List files",
        Listed(File),
        query=("files_limit", "order", *_CURSORS, "purpose"),
    ),
    "GET /files/{file_id}": Operation("retrieveFile", "Retrieve a file", File),
    "DELETE /files/{file_id}": Operation("deleteFile", "Delete a file", Deleted),
    "GET /files/{file_id}/content": Operation(
        "downloadFile", "Download the content of a file, whole or one range of it", BYTES
    ),
    "POST /files/{file_id}/content": Operation(
        "supplyFileContent",
        "Supply the content of a file that was imported without it",
        File,
        FormBody("file"),
    ),
    "POST /uploads": Operation("createUpload", "Begin an upload in parts", Upload, CreateUpload),
    "POST /uploads/{upload_id}/parts": Operation(
        "addUploadPart", "Add a part to an upload", Part, FormBody("data")
    ),
    "POST /uploads/{upload_id}/complete": Operation(
        "completeUpload", "Make a file of the parts of an upload", Upload, CompleteUpload
    ),
    "POST /uploads/{upload_id}/cancel": Operation("cancelUpload", "Cancel an upload", Upload),
}
