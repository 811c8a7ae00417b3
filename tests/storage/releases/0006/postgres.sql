SELECT pg_catalog.set_config('search_path', '', false);
CREATE TABLE public.assistants (
    seq bigint NOT NULL,
    id text NOT NULL,
    project text NOT NULL,
    body text NOT NULL
);
ALTER TABLE public.assistants ALTER COLUMN seq ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.assistants_seq_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.blobs (
    id text NOT NULL,
    state text NOT NULL,
    owner text,
    place bigint,
    bytes bigint,
    lease_until double precision,
    CONSTRAINT blobs_check CHECK (((state = 'writing'::text) = (lease_until IS NOT NULL))),
    CONSTRAINT blobs_check1 CHECK (((state = 'kept'::text) = (owner IS NOT NULL))),
    CONSTRAINT blobs_check2 CHECK (((owner IS NULL) = (place IS NULL))),
    CONSTRAINT blobs_check3 CHECK (((owner IS NULL) = (bytes IS NULL))),
    CONSTRAINT blobs_state_check CHECK ((state = ANY (ARRAY['writing'::text, 'kept'::text, 'doomed'::text])))
);
CREATE TABLE public.chunks (
    ingestion bigint NOT NULL,
    "position" integer NOT NULL,
    start bigint NOT NULL,
    tokens integer NOT NULL,
    text text NOT NULL,
    vector bytea
);
ALTER TABLE ONLY public.chunks ALTER COLUMN vector SET STORAGE EXTERNAL;
CREATE TABLE public.events (
    seq bigint NOT NULL,
    run_id text NOT NULL,
    name text NOT NULL,
    data text NOT NULL,
    told_at bigint NOT NULL
);
ALTER TABLE public.events ALTER COLUMN seq ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.events_seq_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.file_batch_files (
    batch_id text NOT NULL,
    file bigint NOT NULL
);
CREATE TABLE public.file_batches (
    seq bigint NOT NULL,
    id text NOT NULL,
    vector_store_id text NOT NULL,
    cancelled integer DEFAULT 0 NOT NULL,
    body text NOT NULL
);
ALTER TABLE public.file_batches ALTER COLUMN seq ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.file_batches_seq_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.file_uses (
    file_id text NOT NULL,
    owner text NOT NULL
);
CREATE TABLE public.files (
    seq bigint NOT NULL,
    id text NOT NULL,
    project text NOT NULL,
    purpose text NOT NULL,
    expires_at bigint,
    body text NOT NULL
);
ALTER TABLE public.files ALTER COLUMN seq ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.files_seq_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.ingestions (
    id bigint NOT NULL,
    vector_store_id text NOT NULL,
    file_id text NOT NULL,
    dropped integer DEFAULT 0 NOT NULL
);
ALTER TABLE public.ingestions ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.ingestions_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.messages (
    seq bigint NOT NULL,
    id text NOT NULL,
    project text NOT NULL,
    thread_id text NOT NULL,
    run_id text,
    role text NOT NULL,
    status text NOT NULL,
    body text NOT NULL,
    CONSTRAINT messages_role_check CHECK ((role = ANY (ARRAY['user'::text, 'assistant'::text]))),
    CONSTRAINT messages_status_check CHECK ((status = ANY (ARRAY['in_progress'::text, 'incomplete'::text, 'completed'::text])))
);
ALTER TABLE public.messages ALTER COLUMN seq ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.messages_seq_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.pieces (
    id bigint NOT NULL,
    ingestion bigint NOT NULL,
    segment bigint NOT NULL,
    base integer NOT NULL,
    first integer NOT NULL,
    chunks integer NOT NULL,
    words bigint NOT NULL,
    signs bytea
);
ALTER TABLE ONLY public.pieces ALTER COLUMN signs SET STORAGE EXTERNAL;
ALTER TABLE public.pieces ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.pieces_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.postings (
    segment bigint NOT NULL,
    word text NOT NULL COLLATE pg_catalog."C",
    packed bytea NOT NULL
);
ALTER TABLE ONLY public.postings ALTER COLUMN packed SET STORAGE EXTERNAL;
CREATE TABLE public.run_steps (
    seq bigint NOT NULL,
    id text NOT NULL,
    project text NOT NULL,
    thread_id text NOT NULL,
    run_id text NOT NULL,
    status text NOT NULL,
    usage text,
    body text NOT NULL,
    CONSTRAINT run_steps_status_check CHECK ((status = ANY (ARRAY['in_progress'::text, 'cancelled'::text, 'failed'::text, 'completed'::text, 'expired'::text])))
);
ALTER TABLE public.run_steps ALTER COLUMN seq ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.run_steps_seq_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.runs (
    seq bigint NOT NULL,
    id text NOT NULL,
    project text NOT NULL,
    thread_id text NOT NULL,
    status text NOT NULL,
    expires_at bigint,
    ended_at bigint,
    owner text,
    epoch bigint DEFAULT 0 NOT NULL,
    lease_until double precision,
    body text NOT NULL,
    CONSTRAINT runs_check CHECK (((status = ANY (ARRAY['queued'::text, 'in_progress'::text, 'requires_action'::text, 'cancelling'::text])) = (ended_at IS NULL))),
    CONSTRAINT runs_check1 CHECK (((ended_at IS NOT NULL) OR (expires_at IS NOT NULL))),
    CONSTRAINT runs_check2 CHECK (((owner IS NULL) = (lease_until IS NULL))),
    CONSTRAINT runs_check3 CHECK (((owner IS NULL) OR (status = ANY (ARRAY['in_progress'::text, 'cancelling'::text])))),
    CONSTRAINT runs_status_check CHECK ((status = ANY (ARRAY['queued'::text, 'in_progress'::text, 'requires_action'::text, 'cancelling'::text, 'cancelled'::text, 'failed'::text, 'completed'::text, 'incomplete'::text, 'expired'::text])))
);
ALTER TABLE public.runs ALTER COLUMN seq ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.runs_seq_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.schema_migrations (
    name text NOT NULL
);
CREATE TABLE public.segments (
    id bigint NOT NULL,
    vector_store bigint NOT NULL,
    level integer NOT NULL,
    chunks integer NOT NULL,
    live integer NOT NULL,
    dropped integer DEFAULT 0 NOT NULL
);
ALTER TABLE public.segments ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.segments_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.threads (
    seq bigint NOT NULL,
    id text NOT NULL,
    project text NOT NULL,
    body text NOT NULL
);
ALTER TABLE public.threads ALTER COLUMN seq ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.threads_seq_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.tombstones (
    id text NOT NULL,
    seq bigint NOT NULL,
    deleted_at bigint NOT NULL
);
CREATE TABLE public.upload_parts (
    id text NOT NULL,
    upload_id text NOT NULL
);
CREATE TABLE public.uploads (
    seq bigint NOT NULL,
    id text NOT NULL,
    project text NOT NULL,
    status text NOT NULL,
    expires_at bigint NOT NULL,
    file_lifetime bigint,
    body text NOT NULL,
    CONSTRAINT uploads_status_check CHECK ((status = ANY (ARRAY['pending'::text, 'completed'::text, 'cancelled'::text, 'expired'::text])))
);
ALTER TABLE public.uploads ALTER COLUMN seq ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.uploads_seq_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.vector_store_files (
    seq bigint NOT NULL,
    vector_store_id text NOT NULL,
    file_id text NOT NULL,
    filename text NOT NULL,
    status text NOT NULL,
    usage_bytes bigint DEFAULT 0 NOT NULL,
    attributes text NOT NULL,
    ingestion bigint,
    attempts integer DEFAULT 0 NOT NULL,
    owner text,
    epoch integer DEFAULT 0 NOT NULL,
    lease_until double precision,
    body text NOT NULL,
    put_off integer DEFAULT 0 NOT NULL,
    CONSTRAINT vector_store_files_check CHECK (((owner IS NULL) = (lease_until IS NULL))),
    CONSTRAINT vector_store_files_check1 CHECK (((owner IS NULL) OR (status = 'in_progress'::text))),
    CONSTRAINT vector_store_files_check2 CHECK (((status = 'completed'::text) = (ingestion IS NOT NULL))),
    CONSTRAINT vector_store_files_status_check CHECK ((status = ANY (ARRAY['in_progress'::text, 'completed'::text, 'cancelled'::text, 'failed'::text])))
);
ALTER TABLE public.vector_store_files ALTER COLUMN seq ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.vector_store_files_seq_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.vector_stores (
    seq bigint NOT NULL,
    id text NOT NULL,
    project text NOT NULL,
    expires_at bigint,
    last_active_at bigint NOT NULL,
    embedding text,
    body text NOT NULL,
    emptied integer DEFAULT 0 NOT NULL
);
ALTER TABLE public.vector_stores ALTER COLUMN seq ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.vector_stores_seq_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.webhook_deliveries (
    id text NOT NULL,
    webhook text NOT NULL,
    run_id text NOT NULL,
    event text NOT NULL,
    told_at bigint NOT NULL,
    data text,
    status text DEFAULT 'waiting'::text NOT NULL,
    attempts bigint DEFAULT 0 NOT NULL,
    due_at double precision NOT NULL,
    ended_at bigint,
    last_error text,
    CONSTRAINT webhook_deliveries_check CHECK (((status = 'waiting'::text) = (ended_at IS NULL))),
    CONSTRAINT webhook_deliveries_check1 CHECK (((status = 'delivered'::text) = (data IS NULL))),
    CONSTRAINT webhook_deliveries_status_check CHECK ((status = ANY (ARRAY['waiting'::text, 'delivered'::text, 'given_up'::text])))
);
CREATE TABLE public.webhooks (
    name text NOT NULL,
    project text NOT NULL,
    event text NOT NULL
);
INSERT INTO public.assistants OVERRIDING SYSTEM VALUE VALUES
	(1, 'asst_hGa0Hymv9JajWqlhj29r7Mvt', 'proj_default', '{"id":"asst_hGa0Hymv9JajWqlhj29r7Mvt","object":"assistant","created_at":1796048370,"name":null,"description":null,"model":"gpt-4o","instructions":"Be brief.","tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object","properties":{}},"strict":false}}],"top_p":1.0,"temperature":1.0,"reasoning_effort":null,"tool_resources":{},"metadata":{"k":"v"},"response_format":"auto"}'),
	(2, 'asst_yjJyFD5DfNhxNgC6WrAOqV8c', 'proj_default', '{"id":"asst_yjJyFD5DfNhxNgC6WrAOqV8c","object":"assistant","created_at":1796048380,"name":null,"description":null,"model":"gpt-4o","instructions":null,"tools":[{"type":"file_search","file_search":{"ranking_options":{"ranker":"default_2024_08_21","score_threshold":0.0}}},{"type":"code_interpreter"}],"top_p":1.0,"temperature":1.0,"reasoning_effort":null,"tool_resources":{"code_interpreter":{"file_ids":["file-sWKURaiXnsQEiVUMQTXPtR"]},"file_search":{"vector_store_ids":["vs_dd1706759036a41f62f6120bf8dc5ba8"]}},"metadata":{},"response_format":"auto"}');
INSERT INTO public.blobs VALUES
	('blob_1cc71c03ed2658ac0904893324afbca1', 'kept', 'file-sWKURaiXnsQEiVUMQTXPtR', 0, 62, NULL),
	('blob_2d41fd6a77ec2d1d9088362b99641d87', 'kept', 'file-1tG60lOVqSjqOr62Z5bw8x', 0, 63, NULL),
	('blob_40e55eda779c243b9c57fa03d683ab24', 'kept', 'file-8MId3y2XVFXYsLlf99Jsrn', 0, 28, NULL),
	('blob_db078d57341030c2f45a8c2f8ccde1b9', 'kept', 'file-euil72KtmVgnplYyi7DvFH', 0, 3, NULL),
	('blob_28b4dc70f3acd59c73947ff432f09fe7', 'kept', 'part_4d1bd5550dd5a96300b28b7d48757836', 0, 5, NULL),
	('blob_8c89b0aa3332ce45d6fed293eadce377', 'kept', 'file-BNMg6dd4bGujDscnD7kEih', 0, 5, NULL),
	('blob_85b0a07c980dc76482c07d93e1287667', 'kept', 'file-HRnW0hkhYuzPKsNh6ZqjTN', 0, 69, NULL);
INSERT INTO public.chunks VALUES
	(1, 0, 0, 14, 'Bees make honey from nectar. A hive holds fifty thousand bees.', '\x00004db00000c0b84db44db04db074364d3000004d3000003235212b212b5837'),
	(2, 0, 0, 16, '# Rent
The rent is due on the third working day of each month.', '\x0000cbb1cbb5cbb1cb35cb311934c92ecbb119b4c92ef2b80000cbb1cd2ccbb1'),
	(4, 0, 0, 14, 'Bees make honey from nectar. A hive holds fifty thousand bees.', '\x00004db00000c0b84db44db04db074364d3000004d3000003235212b212b5837');
INSERT INTO public.events OVERRIDING SYSTEM VALUE VALUES
	(1, 'run_7hMVcZ04f0UfAw0NFDmpDA5d', 'thread.run.created', '{"id":"run_7hMVcZ04f0UfAw0NFDmpDA5d","object":"thread.run","created_at":1796048370,"assistant_id":"asst_hGa0Hymv9JajWqlhj29r7Mvt","thread_id":"thread_Cr3nCxC01nNg6PduXq3feMWX","status":"queued","started_at":null,"expires_at":1796048970,"cancelled_at":null,"failed_at":null,"completed_at":null,"required_action":null,"last_error":null,"model":"gpt-4o","instructions":"Be brief.","tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object","properties":{}},"strict":false}}],"tool_resources":{},"metadata":{},"temperature":1.0,"top_p":1.0,"reasoning_effort":null,"max_completion_tokens":null,"max_prompt_tokens":null,"truncation_strategy":{"type":"auto","last_messages":null},"incomplete_details":null,"usage":null,"response_format":"auto","tool_choice":"auto","parallel_tool_calls":true}', 1796048370),
	(2, 'run_7hMVcZ04f0UfAw0NFDmpDA5d', 'thread.run.queued', '{"id":"run_7hMVcZ04f0UfAw0NFDmpDA5d","object":"thread.run","created_at":1796048370,"assistant_id":"asst_hGa0Hymv9JajWqlhj29r7Mvt","thread_id":"thread_Cr3nCxC01nNg6PduXq3feMWX","status":"queued","started_at":null,"expires_at":1796048970,"cancelled_at":null,"failed_at":null,"completed_at":null,"required_action":null,"last_error":null,"model":"gpt-4o","instructions":"Be brief.","tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object","properties":{}},"strict":false}}],"tool_resources":{},"metadata":{},"temperature":1.0,"top_p":1.0,"reasoning_effort":null,"max_completion_tokens":null,"max_prompt_tokens":null,"truncation_strategy":{"type":"auto","last_messages":null},"incomplete_details":null,"usage":null,"response_format":"auto","tool_choice":"auto","parallel_tool_calls":true}', 1796048370),
	(3, 'run_7hMVcZ04f0UfAw0NFDmpDA5d', 'thread.run.in_progress', '{"id":"run_7hMVcZ04f0UfAw0NFDmpDA5d","object":"thread.run","created_at":1796048370,"assistant_id":"asst_hGa0Hymv9JajWqlhj29r7Mvt","thread_id":"thread_Cr3nCxC01nNg6PduXq3feMWX","status":"in_progress","started_at":1796048370,"expires_at":1796048970,"cancelled_at":null,"failed_at":null,"completed_at":null,"required_action":null,"last_error":null,"model":"gpt-4o","instructions":"Be brief.","tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object","properties":{}},"strict":false}}],"tool_resources":{},"metadata":{},"temperature":1.0,"top_p":1.0,"reasoning_effort":null,"max_completion_tokens":null,"max_prompt_tokens":null,"truncation_strategy":{"type":"auto","last_messages":null},"incomplete_details":null,"usage":null,"response_format":"auto","tool_choice":"auto","parallel_tool_calls":true}', 1796048370),
	(4, 'run_7hMVcZ04f0UfAw0NFDmpDA5d', 'thread.run.step.created', '{"id":"step_8rr8UNbEMOQK6fpBzmRhiEaU","object":"thread.run.step","created_at":1796048370,"run_id":"run_7hMVcZ04f0UfAw0NFDmpDA5d","assistant_id":"asst_hGa0Hymv9JajWqlhj29r7Mvt","thread_id":"thread_Cr3nCxC01nNg6PduXq3feMWX","type":"message_creation","status":"in_progress","cancelled_at":null,"completed_at":null,"expires_at":1796048970,"expired_at":null,"failed_at":null,"last_error":null,"step_details":{"type":"message_creation","message_creation":{"message_id":"msg_IrSIGTevBFa13HGhLh40HpJr"}},"metadata":{},"usage":null}', 1796048370),
	(5, 'run_7hMVcZ04f0UfAw0NFDmpDA5d', 'thread.run.step.in_progress', '{"id":"step_8rr8UNbEMOQK6fpBzmRhiEaU","object":"thread.run.step","created_at":1796048370,"run_id":"run_7hMVcZ04f0UfAw0NFDmpDA5d","assistant_id":"asst_hGa0Hymv9JajWqlhj29r7Mvt","thread_id":"thread_Cr3nCxC01nNg6PduXq3feMWX","type":"message_creation","status":"in_progress","cancelled_at":null,"completed_at":null,"expires_at":1796048970,"expired_at":null,"failed_at":null,"last_error":null,"step_details":{"type":"message_creation","message_creation":{"message_id":"msg_IrSIGTevBFa13HGhLh40HpJr"}},"metadata":{},"usage":null}', 1796048370),
	(6, 'run_7hMVcZ04f0UfAw0NFDmpDA5d', 'thread.message.created', '{"id":"msg_IrSIGTevBFa13HGhLh40HpJr","object":"thread.message","created_at":1796048370,"thread_id":"thread_Cr3nCxC01nNg6PduXq3feMWX","status":"in_progress","incomplete_details":null,"completed_at":null,"incomplete_at":null,"role":"assistant","content":[],"assistant_id":"asst_hGa0Hymv9JajWqlhj29r7Mvt","run_id":"run_7hMVcZ04f0UfAw0NFDmpDA5d","attachments":[],"metadata":{}}', 1796048370),
	(7, 'run_7hMVcZ04f0UfAw0NFDmpDA5d', 'thread.message.in_progress', '{"id":"msg_IrSIGTevBFa13HGhLh40HpJr","object":"thread.message","created_at":1796048370,"thread_id":"thread_Cr3nCxC01nNg6PduXq3feMWX","status":"in_progress","incomplete_details":null,"completed_at":null,"incomplete_at":null,"role":"assistant","content":[],"assistant_id":"asst_hGa0Hymv9JajWqlhj29r7Mvt","run_id":"run_7hMVcZ04f0UfAw0NFDmpDA5d","attachments":[],"metadata":{}}', 1796048370),
	(8, 'run_7hMVcZ04f0UfAw0NFDmpDA5d', 'thread.message.completed', '{"id":"msg_IrSIGTevBFa13HGhLh40HpJr","object":"thread.message","created_at":1796048370,"thread_id":"thread_Cr3nCxC01nNg6PduXq3feMWX","status":"completed","incomplete_details":null,"completed_at":1796048371,"incomplete_at":null,"role":"assistant","content":[{"type":"text","text":{"value":"hello","annotations":[]}}],"assistant_id":"asst_hGa0Hymv9JajWqlhj29r7Mvt","run_id":"run_7hMVcZ04f0UfAw0NFDmpDA5d","attachments":[],"metadata":{}}', 1796048371),
	(9, 'run_7hMVcZ04f0UfAw0NFDmpDA5d', 'thread.run.step.completed', '{"id":"step_8rr8UNbEMOQK6fpBzmRhiEaU","object":"thread.run.step","created_at":1796048370,"run_id":"run_7hMVcZ04f0UfAw0NFDmpDA5d","assistant_id":"asst_hGa0Hymv9JajWqlhj29r7Mvt","thread_id":"thread_Cr3nCxC01nNg6PduXq3feMWX","type":"message_creation","status":"completed","cancelled_at":null,"completed_at":1796048371,"expires_at":null,"expired_at":null,"failed_at":null,"last_error":null,"step_details":{"type":"message_creation","message_creation":{"message_id":"msg_IrSIGTevBFa13HGhLh40HpJr"}},"metadata":{},"usage":{"prompt_tokens":43,"completion_tokens":1,"total_tokens":44,"prompt_token_details":{"cached_tokens":0},"completion_tokens_details":{"reasoning_tokens":0}}}', 1796048371),
	(10, 'run_7hMVcZ04f0UfAw0NFDmpDA5d', 'thread.run.completed', '{"id":"run_7hMVcZ04f0UfAw0NFDmpDA5d","object":"thread.run","created_at":1796048370,"assistant_id":"asst_hGa0Hymv9JajWqlhj29r7Mvt","thread_id":"thread_Cr3nCxC01nNg6PduXq3feMWX","status":"completed","started_at":1796048370,"expires_at":null,"cancelled_at":null,"failed_at":null,"completed_at":1796048371,"required_action":null,"last_error":null,"model":"gpt-4o","instructions":"Be brief.","tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object","properties":{}},"strict":false}}],"tool_resources":{},"metadata":{},"temperature":1.0,"top_p":1.0,"reasoning_effort":null,"max_completion_tokens":null,"max_prompt_tokens":null,"truncation_strategy":{"type":"auto","last_messages":null},"incomplete_details":null,"usage":{"prompt_tokens":43,"completion_tokens":1,"total_tokens":44,"prompt_token_details":{"cached_tokens":0},"completion_tokens_details":{"reasoning_tokens":0}},"response_format":"auto","tool_choice":"auto","parallel_tool_calls":true}', 1796048371),
	(20, 'run_qmm7CrYbGjwv0MsyT6w23x63', 'thread.run.step.created', '{"id":"step_JudidH1hmK2sXV9pE9pTCbic","object":"thread.run.step","created_at":1796048371,"run_id":"run_qmm7CrYbGjwv0MsyT6w23x63","assistant_id":"asst_hGa0Hymv9JajWqlhj29r7Mvt","thread_id":"thread_5b7lXQYVlHkNmHuX6KKlIHiL","type":"message_creation","status":"in_progress","cancelled_at":null,"completed_at":null,"expires_at":1796048971,"expired_at":null,"failed_at":null,"last_error":null,"step_details":{"type":"message_creation","message_creation":{"message_id":"msg_UGhdsclYtVVmZXKZXNh425X9"}},"metadata":{},"usage":null}', 1796048371),
	(11, 'run_qmm7CrYbGjwv0MsyT6w23x63', 'thread.run.created', '{"id":"run_qmm7CrYbGjwv0MsyT6w23x63","object":"thread.run","created_at":1796048371,"assistant_id":"asst_hGa0Hymv9JajWqlhj29r7Mvt","thread_id":"thread_5b7lXQYVlHkNmHuX6KKlIHiL","status":"queued","started_at":null,"expires_at":1796048971,"cancelled_at":null,"failed_at":null,"completed_at":null,"required_action":null,"last_error":null,"model":"gpt-4o","instructions":"Be brief.","tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object","properties":{}},"strict":false}}],"tool_resources":{},"metadata":{},"temperature":1.0,"top_p":1.0,"reasoning_effort":null,"max_completion_tokens":null,"max_prompt_tokens":null,"truncation_strategy":{"type":"auto","last_messages":null},"incomplete_details":null,"usage":null,"response_format":"auto","tool_choice":"auto","parallel_tool_calls":true}', 1796048371),
	(12, 'run_qmm7CrYbGjwv0MsyT6w23x63', 'thread.run.queued', '{"id":"run_qmm7CrYbGjwv0MsyT6w23x63","object":"thread.run","created_at":1796048371,"assistant_id":"asst_hGa0Hymv9JajWqlhj29r7Mvt","thread_id":"thread_5b7lXQYVlHkNmHuX6KKlIHiL","status":"queued","started_at":null,"expires_at":1796048971,"cancelled_at":null,"failed_at":null,"completed_at":null,"required_action":null,"last_error":null,"model":"gpt-4o","instructions":"Be brief.","tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object","properties":{}},"strict":false}}],"tool_resources":{},"metadata":{},"temperature":1.0,"top_p":1.0,"reasoning_effort":null,"max_completion_tokens":null,"max_prompt_tokens":null,"truncation_strategy":{"type":"auto","last_messages":null},"incomplete_details":null,"usage":null,"response_format":"auto","tool_choice":"auto","parallel_tool_calls":true}', 1796048371),
	(13, 'run_qmm7CrYbGjwv0MsyT6w23x63', 'thread.run.in_progress', '{"id":"run_qmm7CrYbGjwv0MsyT6w23x63","object":"thread.run","created_at":1796048371,"assistant_id":"asst_hGa0Hymv9JajWqlhj29r7Mvt","thread_id":"thread_5b7lXQYVlHkNmHuX6KKlIHiL","status":"in_progress","started_at":1796048371,"expires_at":1796048971,"cancelled_at":null,"failed_at":null,"completed_at":null,"required_action":null,"last_error":null,"model":"gpt-4o","instructions":"Be brief.","tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object","properties":{}},"strict":false}}],"tool_resources":{},"metadata":{},"temperature":1.0,"top_p":1.0,"reasoning_effort":null,"max_completion_tokens":null,"max_prompt_tokens":null,"truncation_strategy":{"type":"auto","last_messages":null},"incomplete_details":null,"usage":null,"response_format":"auto","tool_choice":"auto","parallel_tool_calls":true}', 1796048371),
	(14, 'run_qmm7CrYbGjwv0MsyT6w23x63', 'thread.run.step.created', '{"id":"step_wEvSFsQt1uYdpabsq7JC1YzV","object":"thread.run.step","created_at":1796048371,"run_id":"run_qmm7CrYbGjwv0MsyT6w23x63","assistant_id":"asst_hGa0Hymv9JajWqlhj29r7Mvt","thread_id":"thread_5b7lXQYVlHkNmHuX6KKlIHiL","type":"tool_calls","status":"in_progress","cancelled_at":null,"completed_at":null,"expires_at":1796048971,"expired_at":null,"failed_at":null,"last_error":null,"step_details":{"type":"tool_calls","tool_calls":[]},"metadata":{},"usage":null}', 1796048371),
	(15, 'run_qmm7CrYbGjwv0MsyT6w23x63', 'thread.run.step.in_progress', '{"id":"step_wEvSFsQt1uYdpabsq7JC1YzV","object":"thread.run.step","created_at":1796048371,"run_id":"run_qmm7CrYbGjwv0MsyT6w23x63","assistant_id":"asst_hGa0Hymv9JajWqlhj29r7Mvt","thread_id":"thread_5b7lXQYVlHkNmHuX6KKlIHiL","type":"tool_calls","status":"in_progress","cancelled_at":null,"completed_at":null,"expires_at":1796048971,"expired_at":null,"failed_at":null,"last_error":null,"step_details":{"type":"tool_calls","tool_calls":[]},"metadata":{},"usage":null}', 1796048371),
	(16, 'run_qmm7CrYbGjwv0MsyT6w23x63', 'thread.run.requires_action', '{"id":"run_qmm7CrYbGjwv0MsyT6w23x63","object":"thread.run","created_at":1796048371,"assistant_id":"asst_hGa0Hymv9JajWqlhj29r7Mvt","thread_id":"thread_5b7lXQYVlHkNmHuX6KKlIHiL","status":"requires_action","started_at":1796048371,"expires_at":1796048971,"cancelled_at":null,"failed_at":null,"completed_at":null,"required_action":{"type":"submit_tool_outputs","submit_tool_outputs":{"tool_calls":[{"id":"call_a5ed7110d7d2ab8bf659d9f8","type":"function","function":{"name":"f","arguments":"{}"}}]}},"last_error":null,"model":"gpt-4o","instructions":"Be brief.","tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object","properties":{}},"strict":false}}],"tool_resources":{},"metadata":{},"temperature":1.0,"top_p":1.0,"reasoning_effort":null,"max_completion_tokens":null,"max_prompt_tokens":null,"truncation_strategy":{"type":"auto","last_messages":null},"incomplete_details":null,"usage":null,"response_format":"auto","tool_choice":"auto","parallel_tool_calls":true}', 1796048371),
	(17, 'run_qmm7CrYbGjwv0MsyT6w23x63', 'thread.run.step.completed', '{"id":"step_wEvSFsQt1uYdpabsq7JC1YzV","object":"thread.run.step","created_at":1796048371,"run_id":"run_qmm7CrYbGjwv0MsyT6w23x63","assistant_id":"asst_hGa0Hymv9JajWqlhj29r7Mvt","thread_id":"thread_5b7lXQYVlHkNmHuX6KKlIHiL","type":"tool_calls","status":"completed","cancelled_at":null,"completed_at":1796048371,"expires_at":null,"expired_at":null,"failed_at":null,"last_error":null,"step_details":{"type":"tool_calls","tool_calls":[{"type":"function","id":"call_a5ed7110d7d2ab8bf659d9f8","function":{"name":"f","arguments":"{}","output":"42"}}]},"metadata":{},"usage":{"prompt_tokens":49,"completion_tokens":2,"total_tokens":51,"prompt_token_details":{"cached_tokens":0},"completion_tokens_details":{"reasoning_tokens":0}}}', 1796048371),
	(18, 'run_qmm7CrYbGjwv0MsyT6w23x63', 'thread.run.queued', '{"id":"run_qmm7CrYbGjwv0MsyT6w23x63","object":"thread.run","created_at":1796048371,"assistant_id":"asst_hGa0Hymv9JajWqlhj29r7Mvt","thread_id":"thread_5b7lXQYVlHkNmHuX6KKlIHiL","status":"queued","started_at":1796048371,"expires_at":1796048971,"cancelled_at":null,"failed_at":null,"completed_at":null,"required_action":null,"last_error":null,"model":"gpt-4o","instructions":"Be brief.","tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object","properties":{}},"strict":false}}],"tool_resources":{},"metadata":{},"temperature":1.0,"top_p":1.0,"reasoning_effort":null,"max_completion_tokens":null,"max_prompt_tokens":null,"truncation_strategy":{"type":"auto","last_messages":null},"incomplete_details":null,"usage":null,"response_format":"auto","tool_choice":"auto","parallel_tool_calls":true}', 1796048371),
	(19, 'run_qmm7CrYbGjwv0MsyT6w23x63', 'thread.run.in_progress', '{"id":"run_qmm7CrYbGjwv0MsyT6w23x63","object":"thread.run","created_at":1796048371,"assistant_id":"asst_hGa0Hymv9JajWqlhj29r7Mvt","thread_id":"thread_5b7lXQYVlHkNmHuX6KKlIHiL","status":"in_progress","started_at":1796048371,"expires_at":1796048971,"cancelled_at":null,"failed_at":null,"completed_at":null,"required_action":null,"last_error":null,"model":"gpt-4o","instructions":"Be brief.","tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object","properties":{}},"strict":false}}],"tool_resources":{},"metadata":{},"temperature":1.0,"top_p":1.0,"reasoning_effort":null,"max_completion_tokens":null,"max_prompt_tokens":null,"truncation_strategy":{"type":"auto","last_messages":null},"incomplete_details":null,"usage":null,"response_format":"auto","tool_choice":"auto","parallel_tool_calls":true}', 1796048371),
	(51, 'run_MowAwR0eZt6d5N2S2Q3Yycot', 'thread.message.created', '{"id":"msg_emljZ0RRgY79R1VSSlHuBiRj","object":"thread.message","created_at":1796048380,"thread_id":"thread_26n99OW4uejgxkRwWhJZKJVH","status":"in_progress","incomplete_details":null,"completed_at":null,"incomplete_at":null,"role":"assistant","content":[],"assistant_id":"asst_yjJyFD5DfNhxNgC6WrAOqV8c","run_id":"run_MowAwR0eZt6d5N2S2Q3Yycot","attachments":[],"metadata":{}}', 1796048380),
	(21, 'run_qmm7CrYbGjwv0MsyT6w23x63', 'thread.run.step.in_progress', '{"id":"step_JudidH1hmK2sXV9pE9pTCbic","object":"thread.run.step","created_at":1796048371,"run_id":"run_qmm7CrYbGjwv0MsyT6w23x63","assistant_id":"asst_hGa0Hymv9JajWqlhj29r7Mvt","thread_id":"thread_5b7lXQYVlHkNmHuX6KKlIHiL","type":"message_creation","status":"in_progress","cancelled_at":null,"completed_at":null,"expires_at":1796048971,"expired_at":null,"failed_at":null,"last_error":null,"step_details":{"type":"message_creation","message_creation":{"message_id":"msg_UGhdsclYtVVmZXKZXNh425X9"}},"metadata":{},"usage":null}', 1796048371),
	(22, 'run_qmm7CrYbGjwv0MsyT6w23x63', 'thread.message.created', '{"id":"msg_UGhdsclYtVVmZXKZXNh425X9","object":"thread.message","created_at":1796048371,"thread_id":"thread_5b7lXQYVlHkNmHuX6KKlIHiL","status":"in_progress","incomplete_details":null,"completed_at":null,"incomplete_at":null,"role":"assistant","content":[],"assistant_id":"asst_hGa0Hymv9JajWqlhj29r7Mvt","run_id":"run_qmm7CrYbGjwv0MsyT6w23x63","attachments":[],"metadata":{}}', 1796048371),
	(23, 'run_qmm7CrYbGjwv0MsyT6w23x63', 'thread.message.in_progress', '{"id":"msg_UGhdsclYtVVmZXKZXNh425X9","object":"thread.message","created_at":1796048371,"thread_id":"thread_5b7lXQYVlHkNmHuX6KKlIHiL","status":"in_progress","incomplete_details":null,"completed_at":null,"incomplete_at":null,"role":"assistant","content":[],"assistant_id":"asst_hGa0Hymv9JajWqlhj29r7Mvt","run_id":"run_qmm7CrYbGjwv0MsyT6w23x63","attachments":[],"metadata":{}}', 1796048371),
	(24, 'run_qmm7CrYbGjwv0MsyT6w23x63', 'thread.message.completed', '{"id":"msg_UGhdsclYtVVmZXKZXNh425X9","object":"thread.message","created_at":1796048371,"thread_id":"thread_5b7lXQYVlHkNmHuX6KKlIHiL","status":"completed","incomplete_details":null,"completed_at":1796048371,"incomplete_at":null,"role":"assistant","content":[{"type":"text","text":{"value":"done","annotations":[]}}],"assistant_id":"asst_hGa0Hymv9JajWqlhj29r7Mvt","run_id":"run_qmm7CrYbGjwv0MsyT6w23x63","attachments":[],"metadata":{}}', 1796048371),
	(25, 'run_qmm7CrYbGjwv0MsyT6w23x63', 'thread.run.step.completed', '{"id":"step_JudidH1hmK2sXV9pE9pTCbic","object":"thread.run.step","created_at":1796048371,"run_id":"run_qmm7CrYbGjwv0MsyT6w23x63","assistant_id":"asst_hGa0Hymv9JajWqlhj29r7Mvt","thread_id":"thread_5b7lXQYVlHkNmHuX6KKlIHiL","type":"message_creation","status":"completed","cancelled_at":null,"completed_at":1796048371,"expires_at":null,"expired_at":null,"failed_at":null,"last_error":null,"step_details":{"type":"message_creation","message_creation":{"message_id":"msg_UGhdsclYtVVmZXKZXNh425X9"}},"metadata":{},"usage":{"prompt_tokens":58,"completion_tokens":1,"total_tokens":59,"prompt_token_details":{"cached_tokens":0},"completion_tokens_details":{"reasoning_tokens":0}}}', 1796048371),
	(26, 'run_qmm7CrYbGjwv0MsyT6w23x63', 'thread.run.completed', '{"id":"run_qmm7CrYbGjwv0MsyT6w23x63","object":"thread.run","created_at":1796048371,"assistant_id":"asst_hGa0Hymv9JajWqlhj29r7Mvt","thread_id":"thread_5b7lXQYVlHkNmHuX6KKlIHiL","status":"completed","started_at":1796048371,"expires_at":null,"cancelled_at":null,"failed_at":null,"completed_at":1796048371,"required_action":null,"last_error":null,"model":"gpt-4o","instructions":"Be brief.","tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object","properties":{}},"strict":false}}],"tool_resources":{},"metadata":{},"temperature":1.0,"top_p":1.0,"reasoning_effort":null,"max_completion_tokens":null,"max_prompt_tokens":null,"truncation_strategy":{"type":"auto","last_messages":null},"incomplete_details":null,"usage":{"prompt_tokens":107,"completion_tokens":3,"total_tokens":110,"prompt_token_details":{"cached_tokens":0},"completion_tokens_details":{"reasoning_tokens":0}},"response_format":"auto","tool_choice":"auto","parallel_tool_calls":true}', 1796048371),
	(27, 'run_kICUiUCNS6oFDsLJ4Wl10zJp', 'thread.run.created', '{"id":"run_kICUiUCNS6oFDsLJ4Wl10zJp","object":"thread.run","created_at":1796048371,"assistant_id":"asst_hGa0Hymv9JajWqlhj29r7Mvt","thread_id":"thread_tJEOVfrx81LWkBVN604bEddP","status":"queued","started_at":null,"expires_at":1796048971,"cancelled_at":null,"failed_at":null,"completed_at":null,"required_action":null,"last_error":null,"model":"gpt-4o","instructions":"Be brief.","tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object","properties":{}},"strict":false}}],"tool_resources":{},"metadata":{},"temperature":1.0,"top_p":1.0,"reasoning_effort":null,"max_completion_tokens":null,"max_prompt_tokens":null,"truncation_strategy":{"type":"auto","last_messages":null},"incomplete_details":null,"usage":null,"response_format":"auto","tool_choice":"auto","parallel_tool_calls":true}', 1796048371),
	(28, 'run_kICUiUCNS6oFDsLJ4Wl10zJp', 'thread.run.queued', '{"id":"run_kICUiUCNS6oFDsLJ4Wl10zJp","object":"thread.run","created_at":1796048371,"assistant_id":"asst_hGa0Hymv9JajWqlhj29r7Mvt","thread_id":"thread_tJEOVfrx81LWkBVN604bEddP","status":"queued","started_at":null,"expires_at":1796048971,"cancelled_at":null,"failed_at":null,"completed_at":null,"required_action":null,"last_error":null,"model":"gpt-4o","instructions":"Be brief.","tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object","properties":{}},"strict":false}}],"tool_resources":{},"metadata":{},"temperature":1.0,"top_p":1.0,"reasoning_effort":null,"max_completion_tokens":null,"max_prompt_tokens":null,"truncation_strategy":{"type":"auto","last_messages":null},"incomplete_details":null,"usage":null,"response_format":"auto","tool_choice":"auto","parallel_tool_calls":true}', 1796048371),
	(29, 'run_kICUiUCNS6oFDsLJ4Wl10zJp', 'thread.run.in_progress', '{"id":"run_kICUiUCNS6oFDsLJ4Wl10zJp","object":"thread.run","created_at":1796048371,"assistant_id":"asst_hGa0Hymv9JajWqlhj29r7Mvt","thread_id":"thread_tJEOVfrx81LWkBVN604bEddP","status":"in_progress","started_at":1796048371,"expires_at":1796048971,"cancelled_at":null,"failed_at":null,"completed_at":null,"required_action":null,"last_error":null,"model":"gpt-4o","instructions":"Be brief.","tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object","properties":{}},"strict":false}}],"tool_resources":{},"metadata":{},"temperature":1.0,"top_p":1.0,"reasoning_effort":null,"max_completion_tokens":null,"max_prompt_tokens":null,"truncation_strategy":{"type":"auto","last_messages":null},"incomplete_details":null,"usage":null,"response_format":"auto","tool_choice":"auto","parallel_tool_calls":true}', 1796048371),
	(30, 'run_kICUiUCNS6oFDsLJ4Wl10zJp', 'thread.run.step.created', '{"id":"step_WzQtgh3TxEEnYA7DNR4Si4ee","object":"thread.run.step","created_at":1796048371,"run_id":"run_kICUiUCNS6oFDsLJ4Wl10zJp","assistant_id":"asst_hGa0Hymv9JajWqlhj29r7Mvt","thread_id":"thread_tJEOVfrx81LWkBVN604bEddP","type":"tool_calls","status":"in_progress","cancelled_at":null,"completed_at":null,"expires_at":1796048971,"expired_at":null,"failed_at":null,"last_error":null,"step_details":{"type":"tool_calls","tool_calls":[]},"metadata":{},"usage":null}', 1796048371),
	(31, 'run_kICUiUCNS6oFDsLJ4Wl10zJp', 'thread.run.step.in_progress', '{"id":"step_WzQtgh3TxEEnYA7DNR4Si4ee","object":"thread.run.step","created_at":1796048371,"run_id":"run_kICUiUCNS6oFDsLJ4Wl10zJp","assistant_id":"asst_hGa0Hymv9JajWqlhj29r7Mvt","thread_id":"thread_tJEOVfrx81LWkBVN604bEddP","type":"tool_calls","status":"in_progress","cancelled_at":null,"completed_at":null,"expires_at":1796048971,"expired_at":null,"failed_at":null,"last_error":null,"step_details":{"type":"tool_calls","tool_calls":[]},"metadata":{},"usage":null}', 1796048371),
	(32, 'run_kICUiUCNS6oFDsLJ4Wl10zJp', 'thread.run.requires_action', '{"id":"run_kICUiUCNS6oFDsLJ4Wl10zJp","object":"thread.run","created_at":1796048371,"assistant_id":"asst_hGa0Hymv9JajWqlhj29r7Mvt","thread_id":"thread_tJEOVfrx81LWkBVN604bEddP","status":"requires_action","started_at":1796048371,"expires_at":1796048971,"cancelled_at":null,"failed_at":null,"completed_at":null,"required_action":{"type":"submit_tool_outputs","submit_tool_outputs":{"tool_calls":[{"id":"call_12b4424539f70af502a4a58f","type":"function","function":{"name":"f","arguments":"{}"}}]}},"last_error":null,"model":"gpt-4o","instructions":"Be brief.","tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object","properties":{}},"strict":false}}],"tool_resources":{},"metadata":{},"temperature":1.0,"top_p":1.0,"reasoning_effort":null,"max_completion_tokens":null,"max_prompt_tokens":null,"truncation_strategy":{"type":"auto","last_messages":null},"incomplete_details":null,"usage":null,"response_format":"auto","tool_choice":"auto","parallel_tool_calls":true}', 1796048371),
	(33, 'run_NY5riaXAzRPwDq6Pgjpg1qAq', 'thread.run.created', '{"id":"run_NY5riaXAzRPwDq6Pgjpg1qAq","object":"thread.run","created_at":1796048371,"assistant_id":"asst_hGa0Hymv9JajWqlhj29r7Mvt","thread_id":"thread_YvymIaQiUlMm7UDjG7QuOfph","status":"queued","started_at":null,"expires_at":1796048971,"cancelled_at":null,"failed_at":null,"completed_at":null,"required_action":null,"last_error":null,"model":"gpt-4o","instructions":"Be brief.","tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object","properties":{}},"strict":false}}],"tool_resources":{},"metadata":{},"temperature":1.0,"top_p":1.0,"reasoning_effort":null,"max_completion_tokens":1,"max_prompt_tokens":null,"truncation_strategy":{"type":"auto","last_messages":null},"incomplete_details":null,"usage":null,"response_format":"auto","tool_choice":"auto","parallel_tool_calls":true}', 1796048371),
	(34, 'run_NY5riaXAzRPwDq6Pgjpg1qAq', 'thread.run.queued', '{"id":"run_NY5riaXAzRPwDq6Pgjpg1qAq","object":"thread.run","created_at":1796048371,"assistant_id":"asst_hGa0Hymv9JajWqlhj29r7Mvt","thread_id":"thread_YvymIaQiUlMm7UDjG7QuOfph","status":"queued","started_at":null,"expires_at":1796048971,"cancelled_at":null,"failed_at":null,"completed_at":null,"required_action":null,"last_error":null,"model":"gpt-4o","instructions":"Be brief.","tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object","properties":{}},"strict":false}}],"tool_resources":{},"metadata":{},"temperature":1.0,"top_p":1.0,"reasoning_effort":null,"max_completion_tokens":1,"max_prompt_tokens":null,"truncation_strategy":{"type":"auto","last_messages":null},"incomplete_details":null,"usage":null,"response_format":"auto","tool_choice":"auto","parallel_tool_calls":true}', 1796048371),
	(35, 'run_NY5riaXAzRPwDq6Pgjpg1qAq', 'thread.run.in_progress', '{"id":"run_NY5riaXAzRPwDq6Pgjpg1qAq","object":"thread.run","created_at":1796048371,"assistant_id":"asst_hGa0Hymv9JajWqlhj29r7Mvt","thread_id":"thread_YvymIaQiUlMm7UDjG7QuOfph","status":"in_progress","started_at":1796048371,"expires_at":1796048971,"cancelled_at":null,"failed_at":null,"completed_at":null,"required_action":null,"last_error":null,"model":"gpt-4o","instructions":"Be brief.","tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object","properties":{}},"strict":false}}],"tool_resources":{},"metadata":{},"temperature":1.0,"top_p":1.0,"reasoning_effort":null,"max_completion_tokens":1,"max_prompt_tokens":null,"truncation_strategy":{"type":"auto","last_messages":null},"incomplete_details":null,"usage":null,"response_format":"auto","tool_choice":"auto","parallel_tool_calls":true}', 1796048371),
	(36, 'run_NY5riaXAzRPwDq6Pgjpg1qAq', 'thread.run.step.created', '{"id":"step_MhcOMEK2d6idZMtuhd65ZruL","object":"thread.run.step","created_at":1796048371,"run_id":"run_NY5riaXAzRPwDq6Pgjpg1qAq","assistant_id":"asst_hGa0Hymv9JajWqlhj29r7Mvt","thread_id":"thread_YvymIaQiUlMm7UDjG7QuOfph","type":"message_creation","status":"in_progress","cancelled_at":null,"completed_at":null,"expires_at":1796048971,"expired_at":null,"failed_at":null,"last_error":null,"step_details":{"type":"message_creation","message_creation":{"message_id":"msg_m7EZkH1Bieoa60xldcMnpuMA"}},"metadata":{},"usage":null}', 1796048371),
	(37, 'run_NY5riaXAzRPwDq6Pgjpg1qAq', 'thread.run.step.in_progress', '{"id":"step_MhcOMEK2d6idZMtuhd65ZruL","object":"thread.run.step","created_at":1796048371,"run_id":"run_NY5riaXAzRPwDq6Pgjpg1qAq","assistant_id":"asst_hGa0Hymv9JajWqlhj29r7Mvt","thread_id":"thread_YvymIaQiUlMm7UDjG7QuOfph","type":"message_creation","status":"in_progress","cancelled_at":null,"completed_at":null,"expires_at":1796048971,"expired_at":null,"failed_at":null,"last_error":null,"step_details":{"type":"message_creation","message_creation":{"message_id":"msg_m7EZkH1Bieoa60xldcMnpuMA"}},"metadata":{},"usage":null}', 1796048371),
	(38, 'run_NY5riaXAzRPwDq6Pgjpg1qAq', 'thread.message.created', '{"id":"msg_m7EZkH1Bieoa60xldcMnpuMA","object":"thread.message","created_at":1796048371,"thread_id":"thread_YvymIaQiUlMm7UDjG7QuOfph","status":"in_progress","incomplete_details":null,"completed_at":null,"incomplete_at":null,"role":"assistant","content":[],"assistant_id":"asst_hGa0Hymv9JajWqlhj29r7Mvt","run_id":"run_NY5riaXAzRPwDq6Pgjpg1qAq","attachments":[],"metadata":{}}', 1796048371),
	(39, 'run_NY5riaXAzRPwDq6Pgjpg1qAq', 'thread.message.in_progress', '{"id":"msg_m7EZkH1Bieoa60xldcMnpuMA","object":"thread.message","created_at":1796048371,"thread_id":"thread_YvymIaQiUlMm7UDjG7QuOfph","status":"in_progress","incomplete_details":null,"completed_at":null,"incomplete_at":null,"role":"assistant","content":[],"assistant_id":"asst_hGa0Hymv9JajWqlhj29r7Mvt","run_id":"run_NY5riaXAzRPwDq6Pgjpg1qAq","attachments":[],"metadata":{}}', 1796048371),
	(40, 'run_NY5riaXAzRPwDq6Pgjpg1qAq', 'thread.message.incomplete', '{"id":"msg_m7EZkH1Bieoa60xldcMnpuMA","object":"thread.message","created_at":1796048371,"thread_id":"thread_YvymIaQiUlMm7UDjG7QuOfph","status":"incomplete","incomplete_details":{"reason":"max_tokens"},"completed_at":null,"incomplete_at":1796048371,"role":"assistant","content":[{"type":"text","text":{"value":"cut ","annotations":[]}}],"assistant_id":"asst_hGa0Hymv9JajWqlhj29r7Mvt","run_id":"run_NY5riaXAzRPwDq6Pgjpg1qAq","attachments":[],"metadata":{}}', 1796048371),
	(41, 'run_NY5riaXAzRPwDq6Pgjpg1qAq', 'thread.run.step.completed', '{"id":"step_MhcOMEK2d6idZMtuhd65ZruL","object":"thread.run.step","created_at":1796048371,"run_id":"run_NY5riaXAzRPwDq6Pgjpg1qAq","assistant_id":"asst_hGa0Hymv9JajWqlhj29r7Mvt","thread_id":"thread_YvymIaQiUlMm7UDjG7QuOfph","type":"message_creation","status":"completed","cancelled_at":null,"completed_at":1796048371,"expires_at":null,"expired_at":null,"failed_at":null,"last_error":null,"step_details":{"type":"message_creation","message_creation":{"message_id":"msg_m7EZkH1Bieoa60xldcMnpuMA"}},"metadata":{},"usage":{"prompt_tokens":44,"completion_tokens":1,"total_tokens":45,"prompt_token_details":{"cached_tokens":0},"completion_tokens_details":{"reasoning_tokens":0}}}', 1796048371),
	(52, 'run_MowAwR0eZt6d5N2S2Q3Yycot', 'thread.message.in_progress', '{"id":"msg_emljZ0RRgY79R1VSSlHuBiRj","object":"thread.message","created_at":1796048380,"thread_id":"thread_26n99OW4uejgxkRwWhJZKJVH","status":"in_progress","incomplete_details":null,"completed_at":null,"incomplete_at":null,"role":"assistant","content":[],"assistant_id":"asst_yjJyFD5DfNhxNgC6WrAOqV8c","run_id":"run_MowAwR0eZt6d5N2S2Q3Yycot","attachments":[],"metadata":{}}', 1796048380),
	(42, 'run_NY5riaXAzRPwDq6Pgjpg1qAq', 'thread.run.incomplete', '{"id":"run_NY5riaXAzRPwDq6Pgjpg1qAq","object":"thread.run","created_at":1796048371,"assistant_id":"asst_hGa0Hymv9JajWqlhj29r7Mvt","thread_id":"thread_YvymIaQiUlMm7UDjG7QuOfph","status":"incomplete","started_at":1796048371,"expires_at":null,"cancelled_at":null,"failed_at":null,"completed_at":1796048371,"required_action":null,"last_error":null,"model":"gpt-4o","instructions":"Be brief.","tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object","properties":{}},"strict":false}}],"tool_resources":{},"metadata":{},"temperature":1.0,"top_p":1.0,"reasoning_effort":null,"max_completion_tokens":1,"max_prompt_tokens":null,"truncation_strategy":{"type":"auto","last_messages":null},"incomplete_details":{"reason":"max_completion_tokens"},"usage":{"prompt_tokens":44,"completion_tokens":1,"total_tokens":45,"prompt_token_details":{"cached_tokens":0},"completion_tokens_details":{"reasoning_tokens":0}},"response_format":"auto","tool_choice":"auto","parallel_tool_calls":true}', 1796048371),
	(43, 'run_MowAwR0eZt6d5N2S2Q3Yycot', 'thread.run.created', '{"id":"run_MowAwR0eZt6d5N2S2Q3Yycot","object":"thread.run","created_at":1796048380,"assistant_id":"asst_yjJyFD5DfNhxNgC6WrAOqV8c","thread_id":"thread_26n99OW4uejgxkRwWhJZKJVH","status":"queued","started_at":null,"expires_at":1796048980,"cancelled_at":null,"failed_at":null,"completed_at":null,"required_action":null,"last_error":null,"model":"gpt-4o","instructions":null,"tools":[{"type":"file_search","file_search":{"ranking_options":{"ranker":"default_2024_08_21","score_threshold":0.0}}},{"type":"code_interpreter"}],"tool_resources":{"code_interpreter":{"file_ids":["file-sWKURaiXnsQEiVUMQTXPtR"]},"file_search":{"vector_store_ids":["vs_dd1706759036a41f62f6120bf8dc5ba8"]}},"metadata":{},"temperature":1.0,"top_p":1.0,"reasoning_effort":null,"max_completion_tokens":null,"max_prompt_tokens":null,"truncation_strategy":{"type":"auto","last_messages":null},"incomplete_details":null,"usage":null,"response_format":"auto","tool_choice":"auto","parallel_tool_calls":true}', 1796048380),
	(44, 'run_MowAwR0eZt6d5N2S2Q3Yycot', 'thread.run.queued', '{"id":"run_MowAwR0eZt6d5N2S2Q3Yycot","object":"thread.run","created_at":1796048380,"assistant_id":"asst_yjJyFD5DfNhxNgC6WrAOqV8c","thread_id":"thread_26n99OW4uejgxkRwWhJZKJVH","status":"queued","started_at":null,"expires_at":1796048980,"cancelled_at":null,"failed_at":null,"completed_at":null,"required_action":null,"last_error":null,"model":"gpt-4o","instructions":null,"tools":[{"type":"file_search","file_search":{"ranking_options":{"ranker":"default_2024_08_21","score_threshold":0.0}}},{"type":"code_interpreter"}],"tool_resources":{"code_interpreter":{"file_ids":["file-sWKURaiXnsQEiVUMQTXPtR"]},"file_search":{"vector_store_ids":["vs_dd1706759036a41f62f6120bf8dc5ba8"]}},"metadata":{},"temperature":1.0,"top_p":1.0,"reasoning_effort":null,"max_completion_tokens":null,"max_prompt_tokens":null,"truncation_strategy":{"type":"auto","last_messages":null},"incomplete_details":null,"usage":null,"response_format":"auto","tool_choice":"auto","parallel_tool_calls":true}', 1796048380),
	(45, 'run_MowAwR0eZt6d5N2S2Q3Yycot', 'thread.run.in_progress', '{"id":"run_MowAwR0eZt6d5N2S2Q3Yycot","object":"thread.run","created_at":1796048380,"assistant_id":"asst_yjJyFD5DfNhxNgC6WrAOqV8c","thread_id":"thread_26n99OW4uejgxkRwWhJZKJVH","status":"in_progress","started_at":1796048380,"expires_at":1796048980,"cancelled_at":null,"failed_at":null,"completed_at":null,"required_action":null,"last_error":null,"model":"gpt-4o","instructions":null,"tools":[{"type":"file_search","file_search":{"ranking_options":{"ranker":"default_2024_08_21","score_threshold":0.0}}},{"type":"code_interpreter"}],"tool_resources":{"code_interpreter":{"file_ids":["file-sWKURaiXnsQEiVUMQTXPtR"]},"file_search":{"vector_store_ids":["vs_dd1706759036a41f62f6120bf8dc5ba8"]}},"metadata":{},"temperature":1.0,"top_p":1.0,"reasoning_effort":null,"max_completion_tokens":null,"max_prompt_tokens":null,"truncation_strategy":{"type":"auto","last_messages":null},"incomplete_details":null,"usage":null,"response_format":"auto","tool_choice":"auto","parallel_tool_calls":true}', 1796048380),
	(46, 'run_MowAwR0eZt6d5N2S2Q3Yycot', 'thread.run.step.created', '{"id":"step_fLh16eWVnA0nBIebxnJ0WkxS","object":"thread.run.step","created_at":1796048380,"run_id":"run_MowAwR0eZt6d5N2S2Q3Yycot","assistant_id":"asst_yjJyFD5DfNhxNgC6WrAOqV8c","thread_id":"thread_26n99OW4uejgxkRwWhJZKJVH","type":"tool_calls","status":"in_progress","cancelled_at":null,"completed_at":null,"expires_at":1796048980,"expired_at":null,"failed_at":null,"last_error":null,"step_details":{"type":"tool_calls","tool_calls":[]},"metadata":{},"usage":null}', 1796048380),
	(47, 'run_MowAwR0eZt6d5N2S2Q3Yycot', 'thread.run.step.in_progress', '{"id":"step_fLh16eWVnA0nBIebxnJ0WkxS","object":"thread.run.step","created_at":1796048380,"run_id":"run_MowAwR0eZt6d5N2S2Q3Yycot","assistant_id":"asst_yjJyFD5DfNhxNgC6WrAOqV8c","thread_id":"thread_26n99OW4uejgxkRwWhJZKJVH","type":"tool_calls","status":"in_progress","cancelled_at":null,"completed_at":null,"expires_at":1796048980,"expired_at":null,"failed_at":null,"last_error":null,"step_details":{"type":"tool_calls","tool_calls":[]},"metadata":{},"usage":null}', 1796048380),
	(48, 'run_MowAwR0eZt6d5N2S2Q3Yycot', 'thread.run.step.completed', '{"id":"step_fLh16eWVnA0nBIebxnJ0WkxS","object":"thread.run.step","created_at":1796048380,"run_id":"run_MowAwR0eZt6d5N2S2Q3Yycot","assistant_id":"asst_yjJyFD5DfNhxNgC6WrAOqV8c","thread_id":"thread_26n99OW4uejgxkRwWhJZKJVH","type":"tool_calls","status":"completed","cancelled_at":null,"completed_at":1796048380,"expires_at":null,"expired_at":null,"failed_at":null,"last_error":null,"step_details":{"type":"tool_calls","tool_calls":[{"type":"file_search","id":"call_9bee538c1fa194760843ff83","file_search":{"ranking_options":{"ranker":"default_2024_08_21","score_threshold":0.0},"results":[{"file_id":"file-1tG60lOVqSjqOr62Z5bw8x","file_name":"rent.md","score":0.6109311759418786,"attributes":{},"content":[{"type":"text","text":"# Rent\n\nThe rent is due on the third working day of each month."}]},{"file_id":"file-sWKURaiXnsQEiVUMQTXPtR","file_name":"bees.txt","score":0.0278472900390625,"attributes":{"kind":"bee","n":1,"ok":true},"content":[{"type":"text","text":"Bees make honey from nectar. A hive holds fifty thousand bees."}]}],"queries":["rent"]}}]},"metadata":{},"usage":{"prompt_tokens":325,"completion_tokens":4,"total_tokens":329,"prompt_token_details":{"cached_tokens":0},"completion_tokens_details":{"reasoning_tokens":0}}}', 1796048380),
	(49, 'run_MowAwR0eZt6d5N2S2Q3Yycot', 'thread.run.step.created', '{"id":"step_3SI6AcVnrsvZqVmF5D9C8hHj","object":"thread.run.step","created_at":1796048380,"run_id":"run_MowAwR0eZt6d5N2S2Q3Yycot","assistant_id":"asst_yjJyFD5DfNhxNgC6WrAOqV8c","thread_id":"thread_26n99OW4uejgxkRwWhJZKJVH","type":"message_creation","status":"in_progress","cancelled_at":null,"completed_at":null,"expires_at":1796048980,"expired_at":null,"failed_at":null,"last_error":null,"step_details":{"type":"message_creation","message_creation":{"message_id":"msg_emljZ0RRgY79R1VSSlHuBiRj"}},"metadata":{},"usage":null}', 1796048380),
	(50, 'run_MowAwR0eZt6d5N2S2Q3Yycot', 'thread.run.step.in_progress', '{"id":"step_3SI6AcVnrsvZqVmF5D9C8hHj","object":"thread.run.step","created_at":1796048380,"run_id":"run_MowAwR0eZt6d5N2S2Q3Yycot","assistant_id":"asst_yjJyFD5DfNhxNgC6WrAOqV8c","thread_id":"thread_26n99OW4uejgxkRwWhJZKJVH","type":"message_creation","status":"in_progress","cancelled_at":null,"completed_at":null,"expires_at":1796048980,"expired_at":null,"failed_at":null,"last_error":null,"step_details":{"type":"message_creation","message_creation":{"message_id":"msg_emljZ0RRgY79R1VSSlHuBiRj"}},"metadata":{},"usage":null}', 1796048380),
	(53, 'run_MowAwR0eZt6d5N2S2Q3Yycot', 'thread.message.completed', '{"id":"msg_emljZ0RRgY79R1VSSlHuBiRj","object":"thread.message","created_at":1796048380,"thread_id":"thread_26n99OW4uejgxkRwWhJZKJVH","status":"completed","incomplete_details":null,"completed_at":1796048380,"incomplete_at":null,"role":"assistant","content":[{"type":"text","text":{"value":"The rent is due on the third working day.【4:0†rent.md】","annotations":[{"type":"file_citation","text":"【4:0†rent.md】","start_index":41,"end_index":54,"file_citation":{"file_id":"file-1tG60lOVqSjqOr62Z5bw8x"}}]}}],"assistant_id":"asst_yjJyFD5DfNhxNgC6WrAOqV8c","run_id":"run_MowAwR0eZt6d5N2S2Q3Yycot","attachments":[],"metadata":{}}', 1796048380),
	(54, 'run_MowAwR0eZt6d5N2S2Q3Yycot', 'thread.run.step.completed', '{"id":"step_3SI6AcVnrsvZqVmF5D9C8hHj","object":"thread.run.step","created_at":1796048380,"run_id":"run_MowAwR0eZt6d5N2S2Q3Yycot","assistant_id":"asst_yjJyFD5DfNhxNgC6WrAOqV8c","thread_id":"thread_26n99OW4uejgxkRwWhJZKJVH","type":"message_creation","status":"completed","cancelled_at":null,"completed_at":1796048380,"expires_at":null,"expired_at":null,"failed_at":null,"last_error":null,"step_details":{"type":"message_creation","message_creation":{"message_id":"msg_emljZ0RRgY79R1VSSlHuBiRj"}},"metadata":{},"usage":{"prompt_tokens":386,"completion_tokens":9,"total_tokens":395,"prompt_token_details":{"cached_tokens":0},"completion_tokens_details":{"reasoning_tokens":0}}}', 1796048380),
	(55, 'run_MowAwR0eZt6d5N2S2Q3Yycot', 'thread.run.completed', '{"id":"run_MowAwR0eZt6d5N2S2Q3Yycot","object":"thread.run","created_at":1796048380,"assistant_id":"asst_yjJyFD5DfNhxNgC6WrAOqV8c","thread_id":"thread_26n99OW4uejgxkRwWhJZKJVH","status":"completed","started_at":1796048380,"expires_at":null,"cancelled_at":null,"failed_at":null,"completed_at":1796048380,"required_action":null,"last_error":null,"model":"gpt-4o","instructions":null,"tools":[{"type":"file_search","file_search":{"ranking_options":{"ranker":"default_2024_08_21","score_threshold":0.0}}},{"type":"code_interpreter"}],"tool_resources":{"code_interpreter":{"file_ids":["file-sWKURaiXnsQEiVUMQTXPtR"]},"file_search":{"vector_store_ids":["vs_dd1706759036a41f62f6120bf8dc5ba8"]}},"metadata":{},"temperature":1.0,"top_p":1.0,"reasoning_effort":null,"max_completion_tokens":null,"max_prompt_tokens":null,"truncation_strategy":{"type":"auto","last_messages":null},"incomplete_details":null,"usage":{"prompt_tokens":711,"completion_tokens":13,"total_tokens":724,"prompt_token_details":{"cached_tokens":0},"completion_tokens_details":{"reasoning_tokens":0}},"response_format":"auto","tool_choice":"auto","parallel_tool_calls":true}', 1796048380),
	(56, 'run_6YnBHkPEkCVe1hz2epvN4Vmd', 'thread.run.created', '{"id":"run_6YnBHkPEkCVe1hz2epvN4Vmd","object":"thread.run","created_at":1796048380,"assistant_id":"asst_yjJyFD5DfNhxNgC6WrAOqV8c","thread_id":"thread_Dg0K5NspWx6PNiKIAE4lbnpm","status":"queued","started_at":null,"expires_at":1796048980,"cancelled_at":null,"failed_at":null,"completed_at":null,"required_action":null,"last_error":null,"model":"gpt-4o","instructions":null,"tools":[{"type":"file_search","file_search":{"ranking_options":{"ranker":"default_2024_08_21","score_threshold":0.0}}},{"type":"code_interpreter"}],"tool_resources":{"code_interpreter":{"file_ids":["file-sWKURaiXnsQEiVUMQTXPtR"]},"file_search":{"vector_store_ids":["vs_dd1706759036a41f62f6120bf8dc5ba8"]}},"metadata":{},"temperature":1.0,"top_p":1.0,"reasoning_effort":null,"max_completion_tokens":null,"max_prompt_tokens":null,"truncation_strategy":{"type":"auto","last_messages":null},"incomplete_details":null,"usage":null,"response_format":"auto","tool_choice":"auto","parallel_tool_calls":true}', 1796048380),
	(57, 'run_6YnBHkPEkCVe1hz2epvN4Vmd', 'thread.run.queued', '{"id":"run_6YnBHkPEkCVe1hz2epvN4Vmd","object":"thread.run","created_at":1796048380,"assistant_id":"asst_yjJyFD5DfNhxNgC6WrAOqV8c","thread_id":"thread_Dg0K5NspWx6PNiKIAE4lbnpm","status":"queued","started_at":null,"expires_at":1796048980,"cancelled_at":null,"failed_at":null,"completed_at":null,"required_action":null,"last_error":null,"model":"gpt-4o","instructions":null,"tools":[{"type":"file_search","file_search":{"ranking_options":{"ranker":"default_2024_08_21","score_threshold":0.0}}},{"type":"code_interpreter"}],"tool_resources":{"code_interpreter":{"file_ids":["file-sWKURaiXnsQEiVUMQTXPtR"]},"file_search":{"vector_store_ids":["vs_dd1706759036a41f62f6120bf8dc5ba8"]}},"metadata":{},"temperature":1.0,"top_p":1.0,"reasoning_effort":null,"max_completion_tokens":null,"max_prompt_tokens":null,"truncation_strategy":{"type":"auto","last_messages":null},"incomplete_details":null,"usage":null,"response_format":"auto","tool_choice":"auto","parallel_tool_calls":true}', 1796048380),
	(58, 'run_6YnBHkPEkCVe1hz2epvN4Vmd', 'thread.run.in_progress', '{"id":"run_6YnBHkPEkCVe1hz2epvN4Vmd","object":"thread.run","created_at":1796048380,"assistant_id":"asst_yjJyFD5DfNhxNgC6WrAOqV8c","thread_id":"thread_Dg0K5NspWx6PNiKIAE4lbnpm","status":"in_progress","started_at":1796048380,"expires_at":1796048980,"cancelled_at":null,"failed_at":null,"completed_at":null,"required_action":null,"last_error":null,"model":"gpt-4o","instructions":null,"tools":[{"type":"file_search","file_search":{"ranking_options":{"ranker":"default_2024_08_21","score_threshold":0.0}}},{"type":"code_interpreter"}],"tool_resources":{"code_interpreter":{"file_ids":["file-sWKURaiXnsQEiVUMQTXPtR"]},"file_search":{"vector_store_ids":["vs_dd1706759036a41f62f6120bf8dc5ba8"]}},"metadata":{},"temperature":1.0,"top_p":1.0,"reasoning_effort":null,"max_completion_tokens":null,"max_prompt_tokens":null,"truncation_strategy":{"type":"auto","last_messages":null},"incomplete_details":null,"usage":null,"response_format":"auto","tool_choice":"auto","parallel_tool_calls":true}', 1796048380),
	(59, 'run_6YnBHkPEkCVe1hz2epvN4Vmd', 'thread.run.step.created', '{"id":"step_4rKbRO59LfneTX69xP6AquVT","object":"thread.run.step","created_at":1796048380,"run_id":"run_6YnBHkPEkCVe1hz2epvN4Vmd","assistant_id":"asst_yjJyFD5DfNhxNgC6WrAOqV8c","thread_id":"thread_Dg0K5NspWx6PNiKIAE4lbnpm","type":"tool_calls","status":"in_progress","cancelled_at":null,"completed_at":null,"expires_at":1796048980,"expired_at":null,"failed_at":null,"last_error":null,"step_details":{"type":"tool_calls","tool_calls":[]},"metadata":{},"usage":null}', 1796048380),
	(60, 'run_6YnBHkPEkCVe1hz2epvN4Vmd', 'thread.run.step.in_progress', '{"id":"step_4rKbRO59LfneTX69xP6AquVT","object":"thread.run.step","created_at":1796048380,"run_id":"run_6YnBHkPEkCVe1hz2epvN4Vmd","assistant_id":"asst_yjJyFD5DfNhxNgC6WrAOqV8c","thread_id":"thread_Dg0K5NspWx6PNiKIAE4lbnpm","type":"tool_calls","status":"in_progress","cancelled_at":null,"completed_at":null,"expires_at":1796048980,"expired_at":null,"failed_at":null,"last_error":null,"step_details":{"type":"tool_calls","tool_calls":[]},"metadata":{},"usage":null}', 1796048380),
	(61, 'run_6YnBHkPEkCVe1hz2epvN4Vmd', 'thread.run.step.completed', '{"id":"step_4rKbRO59LfneTX69xP6AquVT","object":"thread.run.step","created_at":1796048380,"run_id":"run_6YnBHkPEkCVe1hz2epvN4Vmd","assistant_id":"asst_yjJyFD5DfNhxNgC6WrAOqV8c","thread_id":"thread_Dg0K5NspWx6PNiKIAE4lbnpm","type":"tool_calls","status":"completed","cancelled_at":null,"completed_at":1796048391,"expires_at":null,"expired_at":null,"failed_at":null,"last_error":null,"step_details":{"type":"tool_calls","tool_calls":[{"type":"code_interpreter","id":"call_6a9f554503ca5ed5ef5bf5e5","code_interpreter":{"input":"open(''out.csv'',''w'').write(''a,b'')\nprint(6*7)","outputs":[{"type":"logs","logs":"42\n"}],"files":[{"path":"/mnt/data/out.csv","file_id":"file-euil72KtmVgnplYyi7DvFH"}]}}]},"metadata":{},"usage":{"prompt_tokens":338,"completion_tokens":8,"total_tokens":346,"prompt_token_details":{"cached_tokens":0},"completion_tokens_details":{"reasoning_tokens":0}}}', 1796048391),
	(62, 'run_6YnBHkPEkCVe1hz2epvN4Vmd', 'thread.run.step.created', '{"id":"step_DcjHoNOXHV88pRa4GQdQDon6","object":"thread.run.step","created_at":1796048391,"run_id":"run_6YnBHkPEkCVe1hz2epvN4Vmd","assistant_id":"asst_yjJyFD5DfNhxNgC6WrAOqV8c","thread_id":"thread_Dg0K5NspWx6PNiKIAE4lbnpm","type":"message_creation","status":"in_progress","cancelled_at":null,"completed_at":null,"expires_at":1796048980,"expired_at":null,"failed_at":null,"last_error":null,"step_details":{"type":"message_creation","message_creation":{"message_id":"msg_OFXj4MtbI8hZD7Iwylz1HmNO"}},"metadata":{},"usage":null}', 1796048391),
	(63, 'run_6YnBHkPEkCVe1hz2epvN4Vmd', 'thread.run.step.in_progress', '{"id":"step_DcjHoNOXHV88pRa4GQdQDon6","object":"thread.run.step","created_at":1796048391,"run_id":"run_6YnBHkPEkCVe1hz2epvN4Vmd","assistant_id":"asst_yjJyFD5DfNhxNgC6WrAOqV8c","thread_id":"thread_Dg0K5NspWx6PNiKIAE4lbnpm","type":"message_creation","status":"in_progress","cancelled_at":null,"completed_at":null,"expires_at":1796048980,"expired_at":null,"failed_at":null,"last_error":null,"step_details":{"type":"message_creation","message_creation":{"message_id":"msg_OFXj4MtbI8hZD7Iwylz1HmNO"}},"metadata":{},"usage":null}', 1796048391),
	(64, 'run_6YnBHkPEkCVe1hz2epvN4Vmd', 'thread.message.created', '{"id":"msg_OFXj4MtbI8hZD7Iwylz1HmNO","object":"thread.message","created_at":1796048391,"thread_id":"thread_Dg0K5NspWx6PNiKIAE4lbnpm","status":"in_progress","incomplete_details":null,"completed_at":null,"incomplete_at":null,"role":"assistant","content":[],"assistant_id":"asst_yjJyFD5DfNhxNgC6WrAOqV8c","run_id":"run_6YnBHkPEkCVe1hz2epvN4Vmd","attachments":[],"metadata":{}}', 1796048391),
	(65, 'run_6YnBHkPEkCVe1hz2epvN4Vmd', 'thread.message.in_progress', '{"id":"msg_OFXj4MtbI8hZD7Iwylz1HmNO","object":"thread.message","created_at":1796048391,"thread_id":"thread_Dg0K5NspWx6PNiKIAE4lbnpm","status":"in_progress","incomplete_details":null,"completed_at":null,"incomplete_at":null,"role":"assistant","content":[],"assistant_id":"asst_yjJyFD5DfNhxNgC6WrAOqV8c","run_id":"run_6YnBHkPEkCVe1hz2epvN4Vmd","attachments":[],"metadata":{}}', 1796048391),
	(66, 'run_6YnBHkPEkCVe1hz2epvN4Vmd', 'thread.message.completed', '{"id":"msg_OFXj4MtbI8hZD7Iwylz1HmNO","object":"thread.message","created_at":1796048391,"thread_id":"thread_Dg0K5NspWx6PNiKIAE4lbnpm","status":"completed","incomplete_details":null,"completed_at":1796048391,"incomplete_at":null,"role":"assistant","content":[{"type":"text","text":{"value":"[out.csv](sandbox:/mnt/data/out.csv)","annotations":[{"type":"file_path","text":"sandbox:/mnt/data/out.csv","start_index":10,"end_index":35,"file_path":{"file_id":"file-euil72KtmVgnplYyi7DvFH"}}]}}],"assistant_id":"asst_yjJyFD5DfNhxNgC6WrAOqV8c","run_id":"run_6YnBHkPEkCVe1hz2epvN4Vmd","attachments":[],"metadata":{}}', 1796048391),
	(67, 'run_6YnBHkPEkCVe1hz2epvN4Vmd', 'thread.run.step.completed', '{"id":"step_DcjHoNOXHV88pRa4GQdQDon6","object":"thread.run.step","created_at":1796048391,"run_id":"run_6YnBHkPEkCVe1hz2epvN4Vmd","assistant_id":"asst_yjJyFD5DfNhxNgC6WrAOqV8c","thread_id":"thread_Dg0K5NspWx6PNiKIAE4lbnpm","type":"message_creation","status":"completed","cancelled_at":null,"completed_at":1796048391,"expires_at":null,"expired_at":null,"failed_at":null,"last_error":null,"step_details":{"type":"message_creation","message_creation":{"message_id":"msg_OFXj4MtbI8hZD7Iwylz1HmNO"}},"metadata":{},"usage":{"prompt_tokens":381,"completion_tokens":1,"total_tokens":382,"prompt_token_details":{"cached_tokens":0},"completion_tokens_details":{"reasoning_tokens":0}}}', 1796048391),
	(68, 'run_6YnBHkPEkCVe1hz2epvN4Vmd', 'thread.run.completed', '{"id":"run_6YnBHkPEkCVe1hz2epvN4Vmd","object":"thread.run","created_at":1796048380,"assistant_id":"asst_yjJyFD5DfNhxNgC6WrAOqV8c","thread_id":"thread_Dg0K5NspWx6PNiKIAE4lbnpm","status":"completed","started_at":1796048380,"expires_at":null,"cancelled_at":null,"failed_at":null,"completed_at":1796048391,"required_action":null,"last_error":null,"model":"gpt-4o","instructions":null,"tools":[{"type":"file_search","file_search":{"ranking_options":{"ranker":"default_2024_08_21","score_threshold":0.0}}},{"type":"code_interpreter"}],"tool_resources":{"code_interpreter":{"file_ids":["file-sWKURaiXnsQEiVUMQTXPtR"]},"file_search":{"vector_store_ids":["vs_dd1706759036a41f62f6120bf8dc5ba8"]}},"metadata":{},"temperature":1.0,"top_p":1.0,"reasoning_effort":null,"max_completion_tokens":null,"max_prompt_tokens":null,"truncation_strategy":{"type":"auto","last_messages":null},"incomplete_details":null,"usage":{"prompt_tokens":719,"completion_tokens":9,"total_tokens":728,"prompt_token_details":{"cached_tokens":0},"completion_tokens_details":{"reasoning_tokens":0}},"response_format":"auto","tool_choice":"auto","parallel_tool_calls":true}', 1796048391),
	(69, 'run_z8kJjUPJW5BWaT8KMYgNJrvH', 'thread.run.created', '{"id":"run_z8kJjUPJW5BWaT8KMYgNJrvH","object":"thread.run","created_at":1796048391,"assistant_id":"asst_hGa0Hymv9JajWqlhj29r7Mvt","thread_id":"thread_0Bx2NSI6SrRn0dxZQAbFsgFc","status":"queued","started_at":null,"expires_at":1796048991,"cancelled_at":null,"failed_at":null,"completed_at":null,"required_action":null,"last_error":null,"model":"gpt-4o","instructions":"Be brief.","tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object","properties":{}},"strict":false}}],"tool_resources":{},"metadata":{},"temperature":1.0,"top_p":1.0,"reasoning_effort":null,"max_completion_tokens":null,"max_prompt_tokens":null,"truncation_strategy":{"type":"auto","last_messages":null},"incomplete_details":null,"usage":null,"response_format":"auto","tool_choice":"auto","parallel_tool_calls":true}', 1796048391),
	(70, 'run_z8kJjUPJW5BWaT8KMYgNJrvH', 'thread.run.queued', '{"id":"run_z8kJjUPJW5BWaT8KMYgNJrvH","object":"thread.run","created_at":1796048391,"assistant_id":"asst_hGa0Hymv9JajWqlhj29r7Mvt","thread_id":"thread_0Bx2NSI6SrRn0dxZQAbFsgFc","status":"queued","started_at":null,"expires_at":1796048991,"cancelled_at":null,"failed_at":null,"completed_at":null,"required_action":null,"last_error":null,"model":"gpt-4o","instructions":"Be brief.","tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object","properties":{}},"strict":false}}],"tool_resources":{},"metadata":{},"temperature":1.0,"top_p":1.0,"reasoning_effort":null,"max_completion_tokens":null,"max_prompt_tokens":null,"truncation_strategy":{"type":"auto","last_messages":null},"incomplete_details":null,"usage":null,"response_format":"auto","tool_choice":"auto","parallel_tool_calls":true}', 1796048391),
	(71, 'run_z8kJjUPJW5BWaT8KMYgNJrvH', 'thread.run.in_progress', '{"id":"run_z8kJjUPJW5BWaT8KMYgNJrvH","object":"thread.run","created_at":1796048391,"assistant_id":"asst_hGa0Hymv9JajWqlhj29r7Mvt","thread_id":"thread_0Bx2NSI6SrRn0dxZQAbFsgFc","status":"in_progress","started_at":1796048391,"expires_at":1796048991,"cancelled_at":null,"failed_at":null,"completed_at":null,"required_action":null,"last_error":null,"model":"gpt-4o","instructions":"Be brief.","tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object","properties":{}},"strict":false}}],"tool_resources":{},"metadata":{},"temperature":1.0,"top_p":1.0,"reasoning_effort":null,"max_completion_tokens":null,"max_prompt_tokens":null,"truncation_strategy":{"type":"auto","last_messages":null},"incomplete_details":null,"usage":null,"response_format":"auto","tool_choice":"auto","parallel_tool_calls":true}', 1796048391),
	(72, 'run_z8kJjUPJW5BWaT8KMYgNJrvH', 'thread.run.step.created', '{"id":"step_Em3pqWCuxUF9E2TPwhkBkZOw","object":"thread.run.step","created_at":1796048391,"run_id":"run_z8kJjUPJW5BWaT8KMYgNJrvH","assistant_id":"asst_hGa0Hymv9JajWqlhj29r7Mvt","thread_id":"thread_0Bx2NSI6SrRn0dxZQAbFsgFc","type":"message_creation","status":"in_progress","cancelled_at":null,"completed_at":null,"expires_at":1796048991,"expired_at":null,"failed_at":null,"last_error":null,"step_details":{"type":"message_creation","message_creation":{"message_id":"msg_eylboIdn6SYon4RkEtPHKzdH"}},"metadata":{},"usage":null}', 1796048391),
	(73, 'run_z8kJjUPJW5BWaT8KMYgNJrvH', 'thread.run.step.in_progress', '{"id":"step_Em3pqWCuxUF9E2TPwhkBkZOw","object":"thread.run.step","created_at":1796048391,"run_id":"run_z8kJjUPJW5BWaT8KMYgNJrvH","assistant_id":"asst_hGa0Hymv9JajWqlhj29r7Mvt","thread_id":"thread_0Bx2NSI6SrRn0dxZQAbFsgFc","type":"message_creation","status":"in_progress","cancelled_at":null,"completed_at":null,"expires_at":1796048991,"expired_at":null,"failed_at":null,"last_error":null,"step_details":{"type":"message_creation","message_creation":{"message_id":"msg_eylboIdn6SYon4RkEtPHKzdH"}},"metadata":{},"usage":null}', 1796048391),
	(74, 'run_z8kJjUPJW5BWaT8KMYgNJrvH', 'thread.message.created', '{"id":"msg_eylboIdn6SYon4RkEtPHKzdH","object":"thread.message","created_at":1796048391,"thread_id":"thread_0Bx2NSI6SrRn0dxZQAbFsgFc","status":"in_progress","incomplete_details":null,"completed_at":null,"incomplete_at":null,"role":"assistant","content":[],"assistant_id":"asst_hGa0Hymv9JajWqlhj29r7Mvt","run_id":"run_z8kJjUPJW5BWaT8KMYgNJrvH","attachments":[],"metadata":{}}', 1796048391),
	(75, 'run_z8kJjUPJW5BWaT8KMYgNJrvH', 'thread.message.in_progress', '{"id":"msg_eylboIdn6SYon4RkEtPHKzdH","object":"thread.message","created_at":1796048391,"thread_id":"thread_0Bx2NSI6SrRn0dxZQAbFsgFc","status":"in_progress","incomplete_details":null,"completed_at":null,"incomplete_at":null,"role":"assistant","content":[],"assistant_id":"asst_hGa0Hymv9JajWqlhj29r7Mvt","run_id":"run_z8kJjUPJW5BWaT8KMYgNJrvH","attachments":[],"metadata":{}}', 1796048391);
INSERT INTO public.file_batch_files VALUES
	('vsfb_b06793eb6be94e4bbc23756b2267ff65', 2);
INSERT INTO public.file_batches OVERRIDING SYSTEM VALUE VALUES
	(1, 'vsfb_b06793eb6be94e4bbc23756b2267ff65', 'vs_dd1706759036a41f62f6120bf8dc5ba8', 0, '{"id":"vsfb_b06793eb6be94e4bbc23756b2267ff65","object":"vector_store.file_batch","created_at":1796048379,"vector_store_id":"vs_dd1706759036a41f62f6120bf8dc5ba8","status":"in_progress","file_counts":{"in_progress":0,"completed":0,"failed":0,"cancelled":0,"total":0}}');
INSERT INTO public.file_uses VALUES
	('file-sWKURaiXnsQEiVUMQTXPtR', 'asst_yjJyFD5DfNhxNgC6WrAOqV8c');
INSERT INTO public.files OVERRIDING SYSTEM VALUE VALUES
	(1, 'file-sWKURaiXnsQEiVUMQTXPtR', 'proj_default', 'assistants', NULL, '{"id":"file-sWKURaiXnsQEiVUMQTXPtR","object":"file","bytes":62,"created_at":1796048371,"expires_at":null,"filename":"bees.txt","purpose":"assistants","status":"processed","status_details":null}'),
	(2, 'file-1tG60lOVqSjqOr62Z5bw8x', 'proj_default', 'assistants', NULL, '{"id":"file-1tG60lOVqSjqOr62Z5bw8x","object":"file","bytes":63,"created_at":1796048371,"expires_at":null,"filename":"rent.md","purpose":"assistants","status":"processed","status_details":null}'),
	(3, 'file-8MId3y2XVFXYsLlf99Jsrn', 'proj_default', 'assistants', NULL, '{"id":"file-8MId3y2XVFXYsLlf99Jsrn","object":"file","bytes":28,"created_at":1796048371,"expires_at":null,"filename":"gone.txt","purpose":"assistants","status":"processed","status_details":null}'),
	(4, 'file-euil72KtmVgnplYyi7DvFH', 'proj_default', 'assistants_output', NULL, '{"id":"file-euil72KtmVgnplYyi7DvFH","object":"file","bytes":3,"created_at":1796048391,"expires_at":null,"filename":"out.csv","purpose":"assistants_output","status":"processed","status_details":null}'),
	(5, 'file-BNMg6dd4bGujDscnD7kEih', 'proj_default', 'assistants', NULL, '{"id":"file-BNMg6dd4bGujDscnD7kEih","object":"file","bytes":5,"created_at":1796048391,"expires_at":null,"filename":"whole.txt","purpose":"assistants","status":"processed","status_details":null}'),
	(6, 'file-HRnW0hkhYuzPKsNh6ZqjTN', 'proj_default', 'vision', NULL, '{"id":"file-HRnW0hkhYuzPKsNh6ZqjTN","object":"file","bytes":69,"created_at":1796048391,"expires_at":null,"filename":"dot.png","purpose":"vision","status":"processed","status_details":null}');
INSERT INTO public.ingestions OVERRIDING SYSTEM VALUE VALUES
	(1, 'vs_dd1706759036a41f62f6120bf8dc5ba8', 'file-sWKURaiXnsQEiVUMQTXPtR', 0),
	(2, 'vs_dd1706759036a41f62f6120bf8dc5ba8', 'file-1tG60lOVqSjqOr62Z5bw8x', 0),
	(4, 'vs_a2333167c669d417ba055a783f4bef95', 'file-sWKURaiXnsQEiVUMQTXPtR', 0);
INSERT INTO public.messages OVERRIDING SYSTEM VALUE VALUES
	(1, 'msg_DnudubrugS3vYCYYoetRD0uw', 'proj_default', 'thread_Cr3nCxC01nNg6PduXq3feMWX', NULL, 'user', 'completed', '{"id":"msg_DnudubrugS3vYCYYoetRD0uw","object":"thread.message","created_at":1796048370,"thread_id":"thread_Cr3nCxC01nNg6PduXq3feMWX","status":"completed","incomplete_details":null,"completed_at":1796048370,"incomplete_at":null,"role":"user","content":[{"type":"text","text":{"value":"say: hello","annotations":[]}}],"assistant_id":null,"run_id":null,"attachments":[],"metadata":{}}'),
	(2, 'msg_IrSIGTevBFa13HGhLh40HpJr', 'proj_default', 'thread_Cr3nCxC01nNg6PduXq3feMWX', 'run_7hMVcZ04f0UfAw0NFDmpDA5d', 'assistant', 'completed', '{"id":"msg_IrSIGTevBFa13HGhLh40HpJr","object":"thread.message","created_at":1796048370,"thread_id":"thread_Cr3nCxC01nNg6PduXq3feMWX","status":"completed","incomplete_details":null,"completed_at":1796048371,"incomplete_at":null,"role":"assistant","content":[{"type":"text","text":{"value":"hello","annotations":[]}}],"assistant_id":"asst_hGa0Hymv9JajWqlhj29r7Mvt","run_id":"run_7hMVcZ04f0UfAw0NFDmpDA5d","attachments":[],"metadata":{}}'),
	(4, 'msg_d68w4ToWAQbjxJtYG1R1VJTK', 'proj_default', 'thread_5b7lXQYVlHkNmHuX6KKlIHiL', NULL, 'user', 'completed', '{"id":"msg_d68w4ToWAQbjxJtYG1R1VJTK","object":"thread.message","created_at":1796048371,"thread_id":"thread_5b7lXQYVlHkNmHuX6KKlIHiL","status":"completed","incomplete_details":null,"completed_at":1796048371,"incomplete_at":null,"role":"user","content":[{"type":"text","text":{"value":"call: f {}\nthen:\nsay: done","annotations":[]}}],"assistant_id":null,"run_id":null,"attachments":[],"metadata":{}}'),
	(5, 'msg_UGhdsclYtVVmZXKZXNh425X9', 'proj_default', 'thread_5b7lXQYVlHkNmHuX6KKlIHiL', 'run_qmm7CrYbGjwv0MsyT6w23x63', 'assistant', 'completed', '{"id":"msg_UGhdsclYtVVmZXKZXNh425X9","object":"thread.message","created_at":1796048371,"thread_id":"thread_5b7lXQYVlHkNmHuX6KKlIHiL","status":"completed","incomplete_details":null,"completed_at":1796048371,"incomplete_at":null,"role":"assistant","content":[{"type":"text","text":{"value":"done","annotations":[]}}],"assistant_id":"asst_hGa0Hymv9JajWqlhj29r7Mvt","run_id":"run_qmm7CrYbGjwv0MsyT6w23x63","attachments":[],"metadata":{}}'),
	(6, 'msg_MXmdHtQbmKfa1qkHbmDeO8DG', 'proj_default', 'thread_tJEOVfrx81LWkBVN604bEddP', NULL, 'user', 'completed', '{"id":"msg_MXmdHtQbmKfa1qkHbmDeO8DG","object":"thread.message","created_at":1796048371,"thread_id":"thread_tJEOVfrx81LWkBVN604bEddP","status":"completed","incomplete_details":null,"completed_at":1796048371,"incomplete_at":null,"role":"user","content":[{"type":"text","text":{"value":"call: f {}\nthen:\nsay: later","annotations":[]}}],"assistant_id":null,"run_id":null,"attachments":[],"metadata":{}}'),
	(7, 'msg_cSjLPmgNAidbbZbIo0ZoB5Zu', 'proj_default', 'thread_YvymIaQiUlMm7UDjG7QuOfph', NULL, 'user', 'completed', '{"id":"msg_cSjLPmgNAidbbZbIo0ZoB5Zu","object":"thread.message","created_at":1796048371,"thread_id":"thread_YvymIaQiUlMm7UDjG7QuOfph","status":"completed","incomplete_details":null,"completed_at":1796048371,"incomplete_at":null,"role":"user","content":[{"type":"text","text":{"value":"say: cut short","annotations":[]}}],"assistant_id":null,"run_id":null,"attachments":[],"metadata":{}}'),
	(8, 'msg_m7EZkH1Bieoa60xldcMnpuMA', 'proj_default', 'thread_YvymIaQiUlMm7UDjG7QuOfph', 'run_NY5riaXAzRPwDq6Pgjpg1qAq', 'assistant', 'incomplete', '{"id":"msg_m7EZkH1Bieoa60xldcMnpuMA","object":"thread.message","created_at":1796048371,"thread_id":"thread_YvymIaQiUlMm7UDjG7QuOfph","status":"incomplete","incomplete_details":{"reason":"max_tokens"},"completed_at":null,"incomplete_at":1796048371,"role":"assistant","content":[{"type":"text","text":{"value":"cut ","annotations":[]}}],"assistant_id":"asst_hGa0Hymv9JajWqlhj29r7Mvt","run_id":"run_NY5riaXAzRPwDq6Pgjpg1qAq","attachments":[],"metadata":{}}'),
	(9, 'msg_gAZzmCgX5bb4IZIzaFpl9d10', 'proj_default', 'thread_26n99OW4uejgxkRwWhJZKJVH', NULL, 'user', 'completed', '{"id":"msg_gAZzmCgX5bb4IZIzaFpl9d10","object":"thread.message","created_at":1796048380,"thread_id":"thread_26n99OW4uejgxkRwWhJZKJVH","status":"completed","incomplete_details":null,"completed_at":1796048380,"incomplete_at":null,"role":"user","content":[{"type":"text","text":{"value":"call: file_search {\"queries\": [\"rent\"]}\nthen:\nsay: The rent is due on the third working day.","annotations":[]}}],"assistant_id":null,"run_id":null,"attachments":[],"metadata":{}}'),
	(10, 'msg_emljZ0RRgY79R1VSSlHuBiRj', 'proj_default', 'thread_26n99OW4uejgxkRwWhJZKJVH', 'run_MowAwR0eZt6d5N2S2Q3Yycot', 'assistant', 'completed', '{"id":"msg_emljZ0RRgY79R1VSSlHuBiRj","object":"thread.message","created_at":1796048380,"thread_id":"thread_26n99OW4uejgxkRwWhJZKJVH","status":"completed","incomplete_details":null,"completed_at":1796048380,"incomplete_at":null,"role":"assistant","content":[{"type":"text","text":{"value":"The rent is due on the third working day.【4:0†rent.md】","annotations":[{"type":"file_citation","text":"【4:0†rent.md】","start_index":41,"end_index":54,"file_citation":{"file_id":"file-1tG60lOVqSjqOr62Z5bw8x"}}]}}],"assistant_id":"asst_yjJyFD5DfNhxNgC6WrAOqV8c","run_id":"run_MowAwR0eZt6d5N2S2Q3Yycot","attachments":[],"metadata":{}}'),
	(11, 'msg_2nctLB5f126AI11sApHcxRxw', 'proj_default', 'thread_Dg0K5NspWx6PNiKIAE4lbnpm', NULL, 'user', 'completed', '{"id":"msg_2nctLB5f126AI11sApHcxRxw","object":"thread.message","created_at":1796048380,"thread_id":"thread_Dg0K5NspWx6PNiKIAE4lbnpm","status":"completed","incomplete_details":null,"completed_at":1796048380,"incomplete_at":null,"role":"user","content":[{"type":"text","text":{"value":"python:\n    open(''out.csv'',''w'').write(''a,b'')\n    print(6*7)\nthen:\nsay: [out.csv](sandbox:/mnt/data/out.csv)","annotations":[]}}],"assistant_id":null,"run_id":null,"attachments":[],"metadata":{}}'),
	(12, 'msg_OFXj4MtbI8hZD7Iwylz1HmNO', 'proj_default', 'thread_Dg0K5NspWx6PNiKIAE4lbnpm', 'run_6YnBHkPEkCVe1hz2epvN4Vmd', 'assistant', 'completed', '{"id":"msg_OFXj4MtbI8hZD7Iwylz1HmNO","object":"thread.message","created_at":1796048391,"thread_id":"thread_Dg0K5NspWx6PNiKIAE4lbnpm","status":"completed","incomplete_details":null,"completed_at":1796048391,"incomplete_at":null,"role":"assistant","content":[{"type":"text","text":{"value":"[out.csv](sandbox:/mnt/data/out.csv)","annotations":[{"type":"file_path","text":"sandbox:/mnt/data/out.csv","start_index":10,"end_index":35,"file_path":{"file_id":"file-euil72KtmVgnplYyi7DvFH"}}]}}],"assistant_id":"asst_yjJyFD5DfNhxNgC6WrAOqV8c","run_id":"run_6YnBHkPEkCVe1hz2epvN4Vmd","attachments":[],"metadata":{}}'),
	(13, 'msg_ZzWdCdPsqLi1D8yjtm41p7HH', 'proj_default', 'thread_YSjwxhSB0ptuTcWddNvB6hA8', NULL, 'user', 'completed', '{"id":"msg_ZzWdCdPsqLi1D8yjtm41p7HH","object":"thread.message","created_at":1796048391,"thread_id":"thread_YSjwxhSB0ptuTcWddNvB6hA8","status":"completed","incomplete_details":null,"completed_at":1796048391,"incomplete_at":null,"role":"user","content":[{"type":"text","text":{"value":"look","annotations":[]}},{"type":"image_file","image_file":{"file_id":"file-HRnW0hkhYuzPKsNh6ZqjTN","detail":"auto"}}],"assistant_id":null,"run_id":null,"attachments":[{"file_id":"file-sWKURaiXnsQEiVUMQTXPtR","tools":[{"type":"file_search"}]}],"metadata":{}}'),
	(14, 'msg_6yV2OB27G7KtgPKWm4L3K4R8', 'proj_default', 'thread_0Bx2NSI6SrRn0dxZQAbFsgFc', NULL, 'user', 'completed', '{"id":"msg_6yV2OB27G7KtgPKWm4L3K4R8","object":"thread.message","created_at":1796048391,"thread_id":"thread_0Bx2NSI6SrRn0dxZQAbFsgFc","status":"completed","incomplete_details":null,"completed_at":1796048391,"incomplete_at":null,"role":"user","content":[{"type":"text","text":{"value":"say: begun\nforever\nwait 20 ms","annotations":[]}}],"assistant_id":null,"run_id":null,"attachments":[],"metadata":{}}'),
	(15, 'msg_eylboIdn6SYon4RkEtPHKzdH', 'proj_default', 'thread_0Bx2NSI6SrRn0dxZQAbFsgFc', 'run_z8kJjUPJW5BWaT8KMYgNJrvH', 'assistant', 'in_progress', '{"id":"msg_eylboIdn6SYon4RkEtPHKzdH","object":"thread.message","created_at":1796048391,"thread_id":"thread_0Bx2NSI6SrRn0dxZQAbFsgFc","status":"in_progress","incomplete_details":null,"completed_at":null,"incomplete_at":null,"role":"assistant","content":[],"assistant_id":"asst_hGa0Hymv9JajWqlhj29r7Mvt","run_id":"run_z8kJjUPJW5BWaT8KMYgNJrvH","attachments":[],"metadata":{}}');
INSERT INTO public.pieces OVERRIDING SYSTEM VALUE VALUES
	(1, 1, 1, 0, 0, 1, 11, '\x01af000000000000'),
	(2, 2, 2, 0, 0, 1, 13, '\x0f22000000000000'),
	(4, 4, 4, 0, 0, 1, 11, '\x01af000000000000');
INSERT INTO public.postings VALUES
	(1, 'a', '\x02050000'),
	(1, 'bee', '\x02090000'),
	(1, 'fifty', '\x02050000'),
	(1, 'from', '\x02050000'),
	(1, 'hive', '\x02050000'),
	(1, 'hold', '\x02050000'),
	(1, 'honey', '\x02050000'),
	(1, 'make', '\x02050000'),
	(1, 'nectar', '\x02050000'),
	(1, 'thousand', '\x02050000'),
	(2, 'day', '\x12050000'),
	(2, 'due', '\x12050000'),
	(2, 'each', '\x12050000'),
	(2, 'is', '\x12050000'),
	(2, 'month', '\x12050000'),
	(2, 'of', '\x12050000'),
	(2, 'on', '\x12050000'),
	(2, 'rent', '\x12090000'),
	(2, 'the', '\x12090000'),
	(2, 'third', '\x12050000'),
	(2, 'working', '\x12050000'),
	(4, 'a', '\x02050000'),
	(4, 'bee', '\x02090000'),
	(4, 'fifty', '\x02050000'),
	(4, 'from', '\x02050000'),
	(4, 'hive', '\x02050000'),
	(4, 'hold', '\x02050000'),
	(4, 'honey', '\x02050000'),
	(4, 'make', '\x02050000'),
	(4, 'nectar', '\x02050000'),
	(4, 'thousand', '\x02050000');
INSERT INTO public.run_steps OVERRIDING SYSTEM VALUE VALUES
	(1, 'step_8rr8UNbEMOQK6fpBzmRhiEaU', 'proj_default', 'thread_Cr3nCxC01nNg6PduXq3feMWX', 'run_7hMVcZ04f0UfAw0NFDmpDA5d', 'completed', '{"prompt_tokens":43,"completion_tokens":1,"total_tokens":44,"prompt_token_details":{"cached_tokens":0},"completion_tokens_details":{"reasoning_tokens":0}}', '{"id":"step_8rr8UNbEMOQK6fpBzmRhiEaU","object":"thread.run.step","created_at":1796048370,"run_id":"run_7hMVcZ04f0UfAw0NFDmpDA5d","assistant_id":"asst_hGa0Hymv9JajWqlhj29r7Mvt","thread_id":"thread_Cr3nCxC01nNg6PduXq3feMWX","type":"message_creation","status":"completed","cancelled_at":null,"completed_at":1796048371,"expires_at":null,"expired_at":null,"failed_at":null,"last_error":null,"step_details":{"type":"message_creation","message_creation":{"message_id":"msg_IrSIGTevBFa13HGhLh40HpJr"}},"metadata":{},"usage":{"prompt_tokens":43,"completion_tokens":1,"total_tokens":44,"prompt_token_details":{"cached_tokens":0},"completion_tokens_details":{"reasoning_tokens":0}}}'),
	(5, 'step_MhcOMEK2d6idZMtuhd65ZruL', 'proj_default', 'thread_YvymIaQiUlMm7UDjG7QuOfph', 'run_NY5riaXAzRPwDq6Pgjpg1qAq', 'completed', '{"prompt_tokens":44,"completion_tokens":1,"total_tokens":45,"prompt_token_details":{"cached_tokens":0},"completion_tokens_details":{"reasoning_tokens":0}}', '{"id":"step_MhcOMEK2d6idZMtuhd65ZruL","object":"thread.run.step","created_at":1796048371,"run_id":"run_NY5riaXAzRPwDq6Pgjpg1qAq","assistant_id":"asst_hGa0Hymv9JajWqlhj29r7Mvt","thread_id":"thread_YvymIaQiUlMm7UDjG7QuOfph","type":"message_creation","status":"completed","cancelled_at":null,"completed_at":1796048371,"expires_at":null,"expired_at":null,"failed_at":null,"last_error":null,"step_details":{"type":"message_creation","message_creation":{"message_id":"msg_m7EZkH1Bieoa60xldcMnpuMA"}},"metadata":{},"usage":{"prompt_tokens":44,"completion_tokens":1,"total_tokens":45,"prompt_token_details":{"cached_tokens":0},"completion_tokens_details":{"reasoning_tokens":0}}}'),
	(2, 'step_wEvSFsQt1uYdpabsq7JC1YzV', 'proj_default', 'thread_5b7lXQYVlHkNmHuX6KKlIHiL', 'run_qmm7CrYbGjwv0MsyT6w23x63', 'completed', '{"prompt_tokens":49,"completion_tokens":2,"total_tokens":51,"prompt_token_details":{"cached_tokens":0},"completion_tokens_details":{"reasoning_tokens":0}}', '{"id":"step_wEvSFsQt1uYdpabsq7JC1YzV","object":"thread.run.step","created_at":1796048371,"run_id":"run_qmm7CrYbGjwv0MsyT6w23x63","assistant_id":"asst_hGa0Hymv9JajWqlhj29r7Mvt","thread_id":"thread_5b7lXQYVlHkNmHuX6KKlIHiL","type":"tool_calls","status":"completed","cancelled_at":null,"completed_at":1796048371,"expires_at":null,"expired_at":null,"failed_at":null,"last_error":null,"step_details":{"type":"tool_calls","tool_calls":[{"type":"function","id":"call_a5ed7110d7d2ab8bf659d9f8","function":{"name":"f","arguments":"{}","output":"42"}}]},"metadata":{},"usage":{"prompt_tokens":49,"completion_tokens":2,"total_tokens":51,"prompt_token_details":{"cached_tokens":0},"completion_tokens_details":{"reasoning_tokens":0}}}'),
	(3, 'step_JudidH1hmK2sXV9pE9pTCbic', 'proj_default', 'thread_5b7lXQYVlHkNmHuX6KKlIHiL', 'run_qmm7CrYbGjwv0MsyT6w23x63', 'completed', '{"prompt_tokens":58,"completion_tokens":1,"total_tokens":59,"prompt_token_details":{"cached_tokens":0},"completion_tokens_details":{"reasoning_tokens":0}}', '{"id":"step_JudidH1hmK2sXV9pE9pTCbic","object":"thread.run.step","created_at":1796048371,"run_id":"run_qmm7CrYbGjwv0MsyT6w23x63","assistant_id":"asst_hGa0Hymv9JajWqlhj29r7Mvt","thread_id":"thread_5b7lXQYVlHkNmHuX6KKlIHiL","type":"message_creation","status":"completed","cancelled_at":null,"completed_at":1796048371,"expires_at":null,"expired_at":null,"failed_at":null,"last_error":null,"step_details":{"type":"message_creation","message_creation":{"message_id":"msg_UGhdsclYtVVmZXKZXNh425X9"}},"metadata":{},"usage":{"prompt_tokens":58,"completion_tokens":1,"total_tokens":59,"prompt_token_details":{"cached_tokens":0},"completion_tokens_details":{"reasoning_tokens":0}}}'),
	(4, 'step_WzQtgh3TxEEnYA7DNR4Si4ee', 'proj_default', 'thread_tJEOVfrx81LWkBVN604bEddP', 'run_kICUiUCNS6oFDsLJ4Wl10zJp', 'in_progress', '{"prompt_tokens":49,"completion_tokens":2,"total_tokens":51,"prompt_token_details":{"cached_tokens":0},"completion_tokens_details":{"reasoning_tokens":0}}', '{"id":"step_WzQtgh3TxEEnYA7DNR4Si4ee","object":"thread.run.step","created_at":1796048371,"run_id":"run_kICUiUCNS6oFDsLJ4Wl10zJp","assistant_id":"asst_hGa0Hymv9JajWqlhj29r7Mvt","thread_id":"thread_tJEOVfrx81LWkBVN604bEddP","type":"tool_calls","status":"in_progress","cancelled_at":null,"completed_at":null,"expires_at":1796048971,"expired_at":null,"failed_at":null,"last_error":null,"step_details":{"type":"tool_calls","tool_calls":[{"type":"function","id":"call_12b4424539f70af502a4a58f","function":{"name":"f","arguments":"{}","output":null}}]},"metadata":{},"usage":null}'),
	(6, 'step_fLh16eWVnA0nBIebxnJ0WkxS', 'proj_default', 'thread_26n99OW4uejgxkRwWhJZKJVH', 'run_MowAwR0eZt6d5N2S2Q3Yycot', 'completed', '{"prompt_tokens":325,"completion_tokens":4,"total_tokens":329,"prompt_token_details":{"cached_tokens":0},"completion_tokens_details":{"reasoning_tokens":0}}', '{"id":"step_fLh16eWVnA0nBIebxnJ0WkxS","object":"thread.run.step","created_at":1796048380,"run_id":"run_MowAwR0eZt6d5N2S2Q3Yycot","assistant_id":"asst_yjJyFD5DfNhxNgC6WrAOqV8c","thread_id":"thread_26n99OW4uejgxkRwWhJZKJVH","type":"tool_calls","status":"completed","cancelled_at":null,"completed_at":1796048380,"expires_at":null,"expired_at":null,"failed_at":null,"last_error":null,"step_details":{"type":"tool_calls","tool_calls":[{"type":"file_search","id":"call_9bee538c1fa194760843ff83","file_search":{"ranking_options":{"ranker":"default_2024_08_21","score_threshold":0.0},"results":[{"file_id":"file-1tG60lOVqSjqOr62Z5bw8x","file_name":"rent.md","score":0.6109311759418786,"attributes":{},"content":[{"type":"text","text":"# Rent\n\nThe rent is due on the third working day of each month."}]},{"file_id":"file-sWKURaiXnsQEiVUMQTXPtR","file_name":"bees.txt","score":0.0278472900390625,"attributes":{"kind":"bee","n":1,"ok":true},"content":[{"type":"text","text":"Bees make honey from nectar. A hive holds fifty thousand bees."}]}],"queries":["rent"]}}]},"metadata":{},"usage":{"prompt_tokens":325,"completion_tokens":4,"total_tokens":329,"prompt_token_details":{"cached_tokens":0},"completion_tokens_details":{"reasoning_tokens":0}}}'),
	(7, 'step_3SI6AcVnrsvZqVmF5D9C8hHj', 'proj_default', 'thread_26n99OW4uejgxkRwWhJZKJVH', 'run_MowAwR0eZt6d5N2S2Q3Yycot', 'completed', '{"prompt_tokens":386,"completion_tokens":9,"total_tokens":395,"prompt_token_details":{"cached_tokens":0},"completion_tokens_details":{"reasoning_tokens":0}}', '{"id":"step_3SI6AcVnrsvZqVmF5D9C8hHj","object":"thread.run.step","created_at":1796048380,"run_id":"run_MowAwR0eZt6d5N2S2Q3Yycot","assistant_id":"asst_yjJyFD5DfNhxNgC6WrAOqV8c","thread_id":"thread_26n99OW4uejgxkRwWhJZKJVH","type":"message_creation","status":"completed","cancelled_at":null,"completed_at":1796048380,"expires_at":null,"expired_at":null,"failed_at":null,"last_error":null,"step_details":{"type":"message_creation","message_creation":{"message_id":"msg_emljZ0RRgY79R1VSSlHuBiRj"}},"metadata":{},"usage":{"prompt_tokens":386,"completion_tokens":9,"total_tokens":395,"prompt_token_details":{"cached_tokens":0},"completion_tokens_details":{"reasoning_tokens":0}}}'),
	(8, 'step_4rKbRO59LfneTX69xP6AquVT', 'proj_default', 'thread_Dg0K5NspWx6PNiKIAE4lbnpm', 'run_6YnBHkPEkCVe1hz2epvN4Vmd', 'completed', '{"prompt_tokens":338,"completion_tokens":8,"total_tokens":346,"prompt_token_details":{"cached_tokens":0},"completion_tokens_details":{"reasoning_tokens":0}}', '{"id":"step_4rKbRO59LfneTX69xP6AquVT","object":"thread.run.step","created_at":1796048380,"run_id":"run_6YnBHkPEkCVe1hz2epvN4Vmd","assistant_id":"asst_yjJyFD5DfNhxNgC6WrAOqV8c","thread_id":"thread_Dg0K5NspWx6PNiKIAE4lbnpm","type":"tool_calls","status":"completed","cancelled_at":null,"completed_at":1796048391,"expires_at":null,"expired_at":null,"failed_at":null,"last_error":null,"step_details":{"type":"tool_calls","tool_calls":[{"type":"code_interpreter","id":"call_6a9f554503ca5ed5ef5bf5e5","code_interpreter":{"input":"open(''out.csv'',''w'').write(''a,b'')\nprint(6*7)","outputs":[{"type":"logs","logs":"42\n"}],"files":[{"path":"/mnt/data/out.csv","file_id":"file-euil72KtmVgnplYyi7DvFH"}]}}]},"metadata":{},"usage":{"prompt_tokens":338,"completion_tokens":8,"total_tokens":346,"prompt_token_details":{"cached_tokens":0},"completion_tokens_details":{"reasoning_tokens":0}}}'),
	(9, 'step_DcjHoNOXHV88pRa4GQdQDon6', 'proj_default', 'thread_Dg0K5NspWx6PNiKIAE4lbnpm', 'run_6YnBHkPEkCVe1hz2epvN4Vmd', 'completed', '{"prompt_tokens":381,"completion_tokens":1,"total_tokens":382,"prompt_token_details":{"cached_tokens":0},"completion_tokens_details":{"reasoning_tokens":0}}', '{"id":"step_DcjHoNOXHV88pRa4GQdQDon6","object":"thread.run.step","created_at":1796048391,"run_id":"run_6YnBHkPEkCVe1hz2epvN4Vmd","assistant_id":"asst_yjJyFD5DfNhxNgC6WrAOqV8c","thread_id":"thread_Dg0K5NspWx6PNiKIAE4lbnpm","type":"message_creation","status":"completed","cancelled_at":null,"completed_at":1796048391,"expires_at":null,"expired_at":null,"failed_at":null,"last_error":null,"step_details":{"type":"message_creation","message_creation":{"message_id":"msg_OFXj4MtbI8hZD7Iwylz1HmNO"}},"metadata":{},"usage":{"prompt_tokens":381,"completion_tokens":1,"total_tokens":382,"prompt_token_details":{"cached_tokens":0},"completion_tokens_details":{"reasoning_tokens":0}}}'),
	(10, 'step_Em3pqWCuxUF9E2TPwhkBkZOw', 'proj_default', 'thread_0Bx2NSI6SrRn0dxZQAbFsgFc', 'run_z8kJjUPJW5BWaT8KMYgNJrvH', 'in_progress', NULL, '{"id":"step_Em3pqWCuxUF9E2TPwhkBkZOw","object":"thread.run.step","created_at":1796048391,"run_id":"run_z8kJjUPJW5BWaT8KMYgNJrvH","assistant_id":"asst_hGa0Hymv9JajWqlhj29r7Mvt","thread_id":"thread_0Bx2NSI6SrRn0dxZQAbFsgFc","type":"message_creation","status":"in_progress","cancelled_at":null,"completed_at":null,"expires_at":1796048991,"expired_at":null,"failed_at":null,"last_error":null,"step_details":{"type":"message_creation","message_creation":{"message_id":"msg_eylboIdn6SYon4RkEtPHKzdH"}},"metadata":{},"usage":null}');
INSERT INTO public.runs OVERRIDING SYSTEM VALUE VALUES
	(1, 'run_7hMVcZ04f0UfAw0NFDmpDA5d', 'proj_default', 'thread_Cr3nCxC01nNg6PduXq3feMWX', 'completed', NULL, 1796048371, NULL, 1, NULL, '{"id":"run_7hMVcZ04f0UfAw0NFDmpDA5d","object":"thread.run","created_at":1796048370,"assistant_id":"asst_hGa0Hymv9JajWqlhj29r7Mvt","thread_id":"thread_Cr3nCxC01nNg6PduXq3feMWX","status":"completed","started_at":1796048370,"expires_at":null,"cancelled_at":null,"failed_at":null,"completed_at":1796048371,"required_action":null,"last_error":null,"model":"gpt-4o","instructions":"Be brief.","tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object","properties":{}},"strict":false}}],"tool_resources":{},"metadata":{},"temperature":1.0,"top_p":1.0,"reasoning_effort":null,"max_completion_tokens":null,"max_prompt_tokens":null,"truncation_strategy":{"type":"auto","last_messages":null},"incomplete_details":null,"usage":{"prompt_tokens":43,"completion_tokens":1,"total_tokens":44,"prompt_token_details":{"cached_tokens":0},"completion_tokens_details":{"reasoning_tokens":0}},"response_format":"auto","tool_choice":"auto","parallel_tool_calls":true}'),
	(2, 'run_qmm7CrYbGjwv0MsyT6w23x63', 'proj_default', 'thread_5b7lXQYVlHkNmHuX6KKlIHiL', 'completed', NULL, 1796048371, NULL, 2, NULL, '{"id":"run_qmm7CrYbGjwv0MsyT6w23x63","object":"thread.run","created_at":1796048371,"assistant_id":"asst_hGa0Hymv9JajWqlhj29r7Mvt","thread_id":"thread_5b7lXQYVlHkNmHuX6KKlIHiL","status":"completed","started_at":1796048371,"expires_at":null,"cancelled_at":null,"failed_at":null,"completed_at":1796048371,"required_action":null,"last_error":null,"model":"gpt-4o","instructions":"Be brief.","tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object","properties":{}},"strict":false}}],"tool_resources":{},"metadata":{},"temperature":1.0,"top_p":1.0,"reasoning_effort":null,"max_completion_tokens":null,"max_prompt_tokens":null,"truncation_strategy":{"type":"auto","last_messages":null},"incomplete_details":null,"usage":{"prompt_tokens":107,"completion_tokens":3,"total_tokens":110,"prompt_token_details":{"cached_tokens":0},"completion_tokens_details":{"reasoning_tokens":0}},"response_format":"auto","tool_choice":"auto","parallel_tool_calls":true}'),
	(3, 'run_kICUiUCNS6oFDsLJ4Wl10zJp', 'proj_default', 'thread_tJEOVfrx81LWkBVN604bEddP', 'requires_action', 1796048971, NULL, NULL, 1, NULL, '{"id":"run_kICUiUCNS6oFDsLJ4Wl10zJp","object":"thread.run","created_at":1796048371,"assistant_id":"asst_hGa0Hymv9JajWqlhj29r7Mvt","thread_id":"thread_tJEOVfrx81LWkBVN604bEddP","status":"requires_action","started_at":1796048371,"expires_at":1796048971,"cancelled_at":null,"failed_at":null,"completed_at":null,"required_action":{"type":"submit_tool_outputs","submit_tool_outputs":{"tool_calls":[{"id":"call_12b4424539f70af502a4a58f","type":"function","function":{"name":"f","arguments":"{}"}}]}},"last_error":null,"model":"gpt-4o","instructions":"Be brief.","tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object","properties":{}},"strict":false}}],"tool_resources":{},"metadata":{},"temperature":1.0,"top_p":1.0,"reasoning_effort":null,"max_completion_tokens":null,"max_prompt_tokens":null,"truncation_strategy":{"type":"auto","last_messages":null},"incomplete_details":null,"usage":null,"response_format":"auto","tool_choice":"auto","parallel_tool_calls":true}'),
	(4, 'run_NY5riaXAzRPwDq6Pgjpg1qAq', 'proj_default', 'thread_YvymIaQiUlMm7UDjG7QuOfph', 'incomplete', NULL, 1796048371, NULL, 1, NULL, '{"id":"run_NY5riaXAzRPwDq6Pgjpg1qAq","object":"thread.run","created_at":1796048371,"assistant_id":"asst_hGa0Hymv9JajWqlhj29r7Mvt","thread_id":"thread_YvymIaQiUlMm7UDjG7QuOfph","status":"incomplete","started_at":1796048371,"expires_at":null,"cancelled_at":null,"failed_at":null,"completed_at":1796048371,"required_action":null,"last_error":null,"model":"gpt-4o","instructions":"Be brief.","tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object","properties":{}},"strict":false}}],"tool_resources":{},"metadata":{},"temperature":1.0,"top_p":1.0,"reasoning_effort":null,"max_completion_tokens":1,"max_prompt_tokens":null,"truncation_strategy":{"type":"auto","last_messages":null},"incomplete_details":{"reason":"max_completion_tokens"},"usage":{"prompt_tokens":44,"completion_tokens":1,"total_tokens":45,"prompt_token_details":{"cached_tokens":0},"completion_tokens_details":{"reasoning_tokens":0}},"response_format":"auto","tool_choice":"auto","parallel_tool_calls":true}'),
	(5, 'run_MowAwR0eZt6d5N2S2Q3Yycot', 'proj_default', 'thread_26n99OW4uejgxkRwWhJZKJVH', 'completed', NULL, 1796048380, NULL, 1, NULL, '{"id":"run_MowAwR0eZt6d5N2S2Q3Yycot","object":"thread.run","created_at":1796048380,"assistant_id":"asst_yjJyFD5DfNhxNgC6WrAOqV8c","thread_id":"thread_26n99OW4uejgxkRwWhJZKJVH","status":"completed","started_at":1796048380,"expires_at":null,"cancelled_at":null,"failed_at":null,"completed_at":1796048380,"required_action":null,"last_error":null,"model":"gpt-4o","instructions":null,"tools":[{"type":"file_search","file_search":{"ranking_options":{"ranker":"default_2024_08_21","score_threshold":0.0}}},{"type":"code_interpreter"}],"tool_resources":{"code_interpreter":{"file_ids":["file-sWKURaiXnsQEiVUMQTXPtR"]},"file_search":{"vector_store_ids":["vs_dd1706759036a41f62f6120bf8dc5ba8"]}},"metadata":{},"temperature":1.0,"top_p":1.0,"reasoning_effort":null,"max_completion_tokens":null,"max_prompt_tokens":null,"truncation_strategy":{"type":"auto","last_messages":null},"incomplete_details":null,"usage":{"prompt_tokens":711,"completion_tokens":13,"total_tokens":724,"prompt_token_details":{"cached_tokens":0},"completion_tokens_details":{"reasoning_tokens":0}},"response_format":"auto","tool_choice":"auto","parallel_tool_calls":true}'),
	(6, 'run_6YnBHkPEkCVe1hz2epvN4Vmd', 'proj_default', 'thread_Dg0K5NspWx6PNiKIAE4lbnpm', 'completed', NULL, 1796048391, NULL, 1, NULL, '{"id":"run_6YnBHkPEkCVe1hz2epvN4Vmd","object":"thread.run","created_at":1796048380,"assistant_id":"asst_yjJyFD5DfNhxNgC6WrAOqV8c","thread_id":"thread_Dg0K5NspWx6PNiKIAE4lbnpm","status":"completed","started_at":1796048380,"expires_at":null,"cancelled_at":null,"failed_at":null,"completed_at":1796048391,"required_action":null,"last_error":null,"model":"gpt-4o","instructions":null,"tools":[{"type":"file_search","file_search":{"ranking_options":{"ranker":"default_2024_08_21","score_threshold":0.0}}},{"type":"code_interpreter"}],"tool_resources":{"code_interpreter":{"file_ids":["file-sWKURaiXnsQEiVUMQTXPtR"]},"file_search":{"vector_store_ids":["vs_dd1706759036a41f62f6120bf8dc5ba8"]}},"metadata":{},"temperature":1.0,"top_p":1.0,"reasoning_effort":null,"max_completion_tokens":null,"max_prompt_tokens":null,"truncation_strategy":{"type":"auto","last_messages":null},"incomplete_details":null,"usage":{"prompt_tokens":719,"completion_tokens":9,"total_tokens":728,"prompt_token_details":{"cached_tokens":0},"completion_tokens_details":{"reasoning_tokens":0}},"response_format":"auto","tool_choice":"auto","parallel_tool_calls":true}'),
	(7, 'run_z8kJjUPJW5BWaT8KMYgNJrvH', 'proj_default', 'thread_0Bx2NSI6SrRn0dxZQAbFsgFc', 'in_progress', 1796048991, NULL, 'worker_yl1bEc1zJGw0naN4h2cRRv4R', 1, 1796048421.7976537, '{"id":"run_z8kJjUPJW5BWaT8KMYgNJrvH","object":"thread.run","created_at":1796048391,"assistant_id":"asst_hGa0Hymv9JajWqlhj29r7Mvt","thread_id":"thread_0Bx2NSI6SrRn0dxZQAbFsgFc","status":"in_progress","started_at":1796048391,"expires_at":1796048991,"cancelled_at":null,"failed_at":null,"completed_at":null,"required_action":null,"last_error":null,"model":"gpt-4o","instructions":"Be brief.","tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object","properties":{}},"strict":false}}],"tool_resources":{},"metadata":{},"temperature":1.0,"top_p":1.0,"reasoning_effort":null,"max_completion_tokens":null,"max_prompt_tokens":null,"truncation_strategy":{"type":"auto","last_messages":null},"incomplete_details":null,"usage":null,"response_format":"auto","tool_choice":"auto","parallel_tool_calls":true}');
INSERT INTO public.schema_migrations VALUES
	('0001_first_schema'),
	('0002_webhooks'),
	('0003_files'),
	('0004_vector_stores'),
	('0005_chunks'),
	('0006_lines');
INSERT INTO public.segments OVERRIDING SYSTEM VALUE VALUES
	(1, 1, 0, 1, 1, 0),
	(2, 1, 0, 1, 1, 0),
	(4, 2, 0, 1, 1, 0);
INSERT INTO public.threads OVERRIDING SYSTEM VALUE VALUES
	(1, 'thread_Cr3nCxC01nNg6PduXq3feMWX', 'proj_default', '{"id":"thread_Cr3nCxC01nNg6PduXq3feMWX","object":"thread","created_at":1796048370,"metadata":{},"tool_resources":{}}'),
	(2, 'thread_5b7lXQYVlHkNmHuX6KKlIHiL', 'proj_default', '{"id":"thread_5b7lXQYVlHkNmHuX6KKlIHiL","object":"thread","created_at":1796048371,"metadata":{},"tool_resources":{}}'),
	(3, 'thread_tJEOVfrx81LWkBVN604bEddP', 'proj_default', '{"id":"thread_tJEOVfrx81LWkBVN604bEddP","object":"thread","created_at":1796048371,"metadata":{},"tool_resources":{}}'),
	(4, 'thread_YvymIaQiUlMm7UDjG7QuOfph', 'proj_default', '{"id":"thread_YvymIaQiUlMm7UDjG7QuOfph","object":"thread","created_at":1796048371,"metadata":{},"tool_resources":{}}'),
	(5, 'thread_26n99OW4uejgxkRwWhJZKJVH', 'proj_default', '{"id":"thread_26n99OW4uejgxkRwWhJZKJVH","object":"thread","created_at":1796048380,"metadata":{},"tool_resources":{}}'),
	(6, 'thread_Dg0K5NspWx6PNiKIAE4lbnpm', 'proj_default', '{"id":"thread_Dg0K5NspWx6PNiKIAE4lbnpm","object":"thread","created_at":1796048380,"metadata":{},"tool_resources":{}}'),
	(7, 'thread_YSjwxhSB0ptuTcWddNvB6hA8', 'proj_default', '{"id":"thread_YSjwxhSB0ptuTcWddNvB6hA8","object":"thread","created_at":1796048391,"metadata":{"nul":"a"},"tool_resources":{"file_search":{"vector_store_ids":["vs_a2333167c669d417ba055a783f4bef95"]}}}'),
	(8, 'thread_0Bx2NSI6SrRn0dxZQAbFsgFc', 'proj_default', '{"id":"thread_0Bx2NSI6SrRn0dxZQAbFsgFc","object":"thread","created_at":1796048391,"metadata":{},"tool_resources":{}}');
INSERT INTO public.tombstones VALUES
	('msg_GEJjq5clDCs6jctWqGzDYnZd', 3, 1796048371),
	('vs_dd1706759036a41f62f6120bf8dc5ba8/file-8MId3y2XVFXYsLlf99Jsrn', 3, 1796048380);
INSERT INTO public.upload_parts VALUES
	('part_4d1bd5550dd5a96300b28b7d48757836', 'upload_800fd42fa8f6bbb61b92a23266cb39f5');
INSERT INTO public.uploads OVERRIDING SYSTEM VALUE VALUES
	(1, 'upload_800fd42fa8f6bbb61b92a23266cb39f5', 'proj_default', 'pending', 1796051991, NULL, '{"id":"upload_800fd42fa8f6bbb61b92a23266cb39f5","object":"upload","bytes":10,"created_at":1796048391,"filename":"big.txt","purpose":"assistants","status":"pending","expires_at":1796051991}'),
	(2, 'upload_820a5c12f470c9b5d5e8a339a7d10c85', 'proj_default', 'completed', 1796051991, NULL, '{"id":"upload_820a5c12f470c9b5d5e8a339a7d10c85","object":"upload","bytes":5,"created_at":1796048391,"filename":"whole.txt","purpose":"assistants","status":"completed","expires_at":1796051991,"file":{"id":"file-BNMg6dd4bGujDscnD7kEih","object":"file","bytes":5,"created_at":1796048391,"expires_at":null,"filename":"whole.txt","purpose":"assistants","status":"processed","status_details":null}}'),
	(3, 'upload_2223a8798f22c7943ff643b5fc8062f0', 'proj_default', 'cancelled', 1796051991, NULL, '{"id":"upload_2223a8798f22c7943ff643b5fc8062f0","object":"upload","bytes":5,"created_at":1796048391,"filename":"no.txt","purpose":"assistants","status":"cancelled","expires_at":1796051991}');
INSERT INTO public.vector_store_files OVERRIDING SYSTEM VALUE VALUES
	(1, 'vs_dd1706759036a41f62f6120bf8dc5ba8', 'file-sWKURaiXnsQEiVUMQTXPtR', 'bees.txt', 'completed', 284, '{"kind":"bee","n":1,"ok":true}', 1, 0, NULL, 1, NULL, '{"id":"file-sWKURaiXnsQEiVUMQTXPtR","object":"vector_store.file","created_at":1796048371,"usage_bytes":284,"vector_store_id":"vs_dd1706759036a41f62f6120bf8dc5ba8","status":"completed","last_error":null,"chunking_strategy":{"type":"static","static":{"max_chunk_size_tokens":800,"chunk_overlap_tokens":400}},"attributes":{"kind":"bee","n":1,"ok":true}}', 0),
	(2, 'vs_dd1706759036a41f62f6120bf8dc5ba8', 'file-1tG60lOVqSjqOr62Z5bw8x', 'rent.md', 'completed', 295, '{}', 2, 0, NULL, 1, NULL, '{"id":"file-1tG60lOVqSjqOr62Z5bw8x","object":"vector_store.file","created_at":1796048379,"usage_bytes":295,"vector_store_id":"vs_dd1706759036a41f62f6120bf8dc5ba8","status":"completed","last_error":null,"chunking_strategy":{"type":"static","static":{"max_chunk_size_tokens":800,"chunk_overlap_tokens":400}},"attributes":{}}', 0),
	(4, 'vs_a2333167c669d417ba055a783f4bef95', 'file-sWKURaiXnsQEiVUMQTXPtR', 'bees.txt', 'completed', 284, '{}', 4, 0, NULL, 1, NULL, '{"id":"file-sWKURaiXnsQEiVUMQTXPtR","object":"vector_store.file","created_at":1796048391,"usage_bytes":284,"vector_store_id":"vs_a2333167c669d417ba055a783f4bef95","status":"completed","last_error":null,"chunking_strategy":{"type":"static","static":{"max_chunk_size_tokens":800,"chunk_overlap_tokens":400}},"attributes":{}}', 0);
INSERT INTO public.vector_stores OVERRIDING SYSTEM VALUE VALUES
	(1, 'vs_dd1706759036a41f62f6120bf8dc5ba8', 'proj_default', NULL, 1796048379, 'hashed@16', '{"id":"vs_dd1706759036a41f62f6120bf8dc5ba8","object":"vector_store","created_at":1796048371,"name":"store","description":null,"usage_bytes":0,"file_counts":{"in_progress":0,"completed":0,"failed":0,"cancelled":0,"total":0},"status":"completed","expires_after":null,"expires_at":null,"last_active_at":1796048371,"metadata":{"a":"b"}}', 0),
	(2, 'vs_a2333167c669d417ba055a783f4bef95', 'proj_default', 1796653191, 1796048391, 'hashed@16', '{"id":"vs_a2333167c669d417ba055a783f4bef95","object":"vector_store","created_at":1796048391,"name":null,"description":null,"usage_bytes":0,"file_counts":{"in_progress":0,"completed":0,"failed":0,"cancelled":0,"total":0},"status":"completed","expires_after":{"anchor":"last_active_at","days":7},"expires_at":1796653191,"last_active_at":1796048391,"metadata":{}}', 0);
INSERT INTO public.webhook_deliveries VALUES
	('evt_iazptsQoq6X0eovVm1K7Onqh', 'lost', 'run_7hMVcZ04f0UfAw0NFDmpDA5d', 'thread.run.completed', 1796048371, '{"id":"run_7hMVcZ04f0UfAw0NFDmpDA5d","object":"thread.run","created_at":1796048370,"assistant_id":"asst_hGa0Hymv9JajWqlhj29r7Mvt","thread_id":"thread_Cr3nCxC01nNg6PduXq3feMWX","status":"completed","started_at":1796048370,"expires_at":null,"cancelled_at":null,"failed_at":null,"completed_at":1796048371,"required_action":null,"last_error":null,"model":"gpt-4o","instructions":"Be brief.","tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object","properties":{}},"strict":false}}],"tool_resources":{},"metadata":{},"temperature":1.0,"top_p":1.0,"reasoning_effort":null,"max_completion_tokens":null,"max_prompt_tokens":null,"truncation_strategy":{"type":"auto","last_messages":null},"incomplete_details":null,"usage":{"prompt_tokens":43,"completion_tokens":1,"total_tokens":44,"prompt_token_details":{"cached_tokens":0},"completion_tokens_details":{"reasoning_tokens":0}},"response_format":"auto","tool_choice":"auto","parallel_tool_calls":true}', 'waiting', 2, 1796048407.753327, NULL, 'It cannot be reached.'),
	('evt_jmu7OhrfGhNstjUzE76qv9vb', 'lost', 'run_qmm7CrYbGjwv0MsyT6w23x63', 'thread.run.requires_action', 1796048371, '{"id":"run_qmm7CrYbGjwv0MsyT6w23x63","object":"thread.run","created_at":1796048371,"assistant_id":"asst_hGa0Hymv9JajWqlhj29r7Mvt","thread_id":"thread_5b7lXQYVlHkNmHuX6KKlIHiL","status":"requires_action","started_at":1796048371,"expires_at":1796048971,"cancelled_at":null,"failed_at":null,"completed_at":null,"required_action":{"type":"submit_tool_outputs","submit_tool_outputs":{"tool_calls":[{"id":"call_a5ed7110d7d2ab8bf659d9f8","type":"function","function":{"name":"f","arguments":"{}"}}]}},"last_error":null,"model":"gpt-4o","instructions":"Be brief.","tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object","properties":{}},"strict":false}}],"tool_resources":{},"metadata":{},"temperature":1.0,"top_p":1.0,"reasoning_effort":null,"max_completion_tokens":null,"max_prompt_tokens":null,"truncation_strategy":{"type":"auto","last_messages":null},"incomplete_details":null,"usage":null,"response_format":"auto","tool_choice":"auto","parallel_tool_calls":true}', 'waiting', 2, 1796048409.5915935, NULL, 'It cannot be reached.'),
	('evt_CmP1695w3XkJxX8zhqKEgX0s', 'lost', 'run_kICUiUCNS6oFDsLJ4Wl10zJp', 'thread.run.requires_action', 1796048371, '{"id":"run_kICUiUCNS6oFDsLJ4Wl10zJp","object":"thread.run","created_at":1796048371,"assistant_id":"asst_hGa0Hymv9JajWqlhj29r7Mvt","thread_id":"thread_tJEOVfrx81LWkBVN604bEddP","status":"requires_action","started_at":1796048371,"expires_at":1796048971,"cancelled_at":null,"failed_at":null,"completed_at":null,"required_action":{"type":"submit_tool_outputs","submit_tool_outputs":{"tool_calls":[{"id":"call_12b4424539f70af502a4a58f","type":"function","function":{"name":"f","arguments":"{}"}}]}},"last_error":null,"model":"gpt-4o","instructions":"Be brief.","tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object","properties":{}},"strict":false}}],"tool_resources":{},"metadata":{},"temperature":1.0,"top_p":1.0,"reasoning_effort":null,"max_completion_tokens":null,"max_prompt_tokens":null,"truncation_strategy":{"type":"auto","last_messages":null},"incomplete_details":null,"usage":null,"response_format":"auto","tool_choice":"auto","parallel_tool_calls":true}', 'waiting', 2, 1796048409.242705, NULL, 'It cannot be reached.'),
	('evt_eLTFKjTX3zksV0W9g6MFLUmt', 'lost', 'run_qmm7CrYbGjwv0MsyT6w23x63', 'thread.run.completed', 1796048371, '{"id":"run_qmm7CrYbGjwv0MsyT6w23x63","object":"thread.run","created_at":1796048371,"assistant_id":"asst_hGa0Hymv9JajWqlhj29r7Mvt","thread_id":"thread_5b7lXQYVlHkNmHuX6KKlIHiL","status":"completed","started_at":1796048371,"expires_at":null,"cancelled_at":null,"failed_at":null,"completed_at":1796048371,"required_action":null,"last_error":null,"model":"gpt-4o","instructions":"Be brief.","tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object","properties":{}},"strict":false}}],"tool_resources":{},"metadata":{},"temperature":1.0,"top_p":1.0,"reasoning_effort":null,"max_completion_tokens":null,"max_prompt_tokens":null,"truncation_strategy":{"type":"auto","last_messages":null},"incomplete_details":null,"usage":{"prompt_tokens":107,"completion_tokens":3,"total_tokens":110,"prompt_token_details":{"cached_tokens":0},"completion_tokens_details":{"reasoning_tokens":0}},"response_format":"auto","tool_choice":"auto","parallel_tool_calls":true}', 'waiting', 2, 1796048408.7345352, NULL, 'It cannot be reached.'),
	('evt_izTOIWq7y1Myt3mAuwtXCui1', 'lost', 'run_NY5riaXAzRPwDq6Pgjpg1qAq', 'thread.run.incomplete', 1796048371, '{"id":"run_NY5riaXAzRPwDq6Pgjpg1qAq","object":"thread.run","created_at":1796048371,"assistant_id":"asst_hGa0Hymv9JajWqlhj29r7Mvt","thread_id":"thread_YvymIaQiUlMm7UDjG7QuOfph","status":"incomplete","started_at":1796048371,"expires_at":null,"cancelled_at":null,"failed_at":null,"completed_at":1796048371,"required_action":null,"last_error":null,"model":"gpt-4o","instructions":"Be brief.","tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object","properties":{}},"strict":false}}],"tool_resources":{},"metadata":{},"temperature":1.0,"top_p":1.0,"reasoning_effort":null,"max_completion_tokens":1,"max_prompt_tokens":null,"truncation_strategy":{"type":"auto","last_messages":null},"incomplete_details":{"reason":"max_completion_tokens"},"usage":{"prompt_tokens":44,"completion_tokens":1,"total_tokens":45,"prompt_token_details":{"cached_tokens":0},"completion_tokens_details":{"reasoning_tokens":0}},"response_format":"auto","tool_choice":"auto","parallel_tool_calls":true}', 'waiting', 2, 1796048410.4128995, NULL, 'It cannot be reached.'),
	('evt_EATVbuRRu68rD7A3k1rPepTx', 'lost', 'run_MowAwR0eZt6d5N2S2Q3Yycot', 'thread.run.completed', 1796048380, '{"id":"run_MowAwR0eZt6d5N2S2Q3Yycot","object":"thread.run","created_at":1796048380,"assistant_id":"asst_yjJyFD5DfNhxNgC6WrAOqV8c","thread_id":"thread_26n99OW4uejgxkRwWhJZKJVH","status":"completed","started_at":1796048380,"expires_at":null,"cancelled_at":null,"failed_at":null,"completed_at":1796048380,"required_action":null,"last_error":null,"model":"gpt-4o","instructions":null,"tools":[{"type":"file_search","file_search":{"ranking_options":{"ranker":"default_2024_08_21","score_threshold":0.0}}},{"type":"code_interpreter"}],"tool_resources":{"code_interpreter":{"file_ids":["file-sWKURaiXnsQEiVUMQTXPtR"]},"file_search":{"vector_store_ids":["vs_dd1706759036a41f62f6120bf8dc5ba8"]}},"metadata":{},"temperature":1.0,"top_p":1.0,"reasoning_effort":null,"max_completion_tokens":null,"max_prompt_tokens":null,"truncation_strategy":{"type":"auto","last_messages":null},"incomplete_details":null,"usage":{"prompt_tokens":711,"completion_tokens":13,"total_tokens":724,"prompt_token_details":{"cached_tokens":0},"completion_tokens_details":{"reasoning_tokens":0}},"response_format":"auto","tool_choice":"auto","parallel_tool_calls":true}', 'waiting', 2, 1796048417.8355908, NULL, 'It cannot be reached.'),
	('evt_XlOVTNjNOqF1gCGCQyZwHF0N', 'lost', 'run_6YnBHkPEkCVe1hz2epvN4Vmd', 'thread.run.completed', 1796048391, '{"id":"run_6YnBHkPEkCVe1hz2epvN4Vmd","object":"thread.run","created_at":1796048380,"assistant_id":"asst_yjJyFD5DfNhxNgC6WrAOqV8c","thread_id":"thread_Dg0K5NspWx6PNiKIAE4lbnpm","status":"completed","started_at":1796048380,"expires_at":null,"cancelled_at":null,"failed_at":null,"completed_at":1796048391,"required_action":null,"last_error":null,"model":"gpt-4o","instructions":null,"tools":[{"type":"file_search","file_search":{"ranking_options":{"ranker":"default_2024_08_21","score_threshold":0.0}}},{"type":"code_interpreter"}],"tool_resources":{"code_interpreter":{"file_ids":["file-sWKURaiXnsQEiVUMQTXPtR"]},"file_search":{"vector_store_ids":["vs_dd1706759036a41f62f6120bf8dc5ba8"]}},"metadata":{},"temperature":1.0,"top_p":1.0,"reasoning_effort":null,"max_completion_tokens":null,"max_prompt_tokens":null,"truncation_strategy":{"type":"auto","last_messages":null},"incomplete_details":null,"usage":{"prompt_tokens":719,"completion_tokens":9,"total_tokens":728,"prompt_token_details":{"cached_tokens":0},"completion_tokens_details":{"reasoning_tokens":0}},"response_format":"auto","tool_choice":"auto","parallel_tool_calls":true}', 'waiting', 1, 1796048397.04097, NULL, 'It cannot be reached.');
INSERT INTO public.webhooks VALUES
	('lost', 'proj_default', 'thread.run.cancelled'),
	('lost', 'proj_default', 'thread.run.completed'),
	('lost', 'proj_default', 'thread.run.expired'),
	('lost', 'proj_default', 'thread.run.failed'),
	('lost', 'proj_default', 'thread.run.incomplete'),
	('lost', 'proj_default', 'thread.run.requires_action');
SELECT pg_catalog.setval('public.assistants_seq_seq', 2, true);
SELECT pg_catalog.setval('public.events_seq_seq', 75, true);
SELECT pg_catalog.setval('public.file_batches_seq_seq', 1, true);
SELECT pg_catalog.setval('public.files_seq_seq', 6, true);
SELECT pg_catalog.setval('public.ingestions_id_seq', 4, true);
SELECT pg_catalog.setval('public.messages_seq_seq', 15, true);
SELECT pg_catalog.setval('public.pieces_id_seq', 4, true);
SELECT pg_catalog.setval('public.run_steps_seq_seq', 10, true);
SELECT pg_catalog.setval('public.runs_seq_seq', 7, true);
SELECT pg_catalog.setval('public.segments_id_seq', 4, true);
SELECT pg_catalog.setval('public.threads_seq_seq', 8, true);
SELECT pg_catalog.setval('public.uploads_seq_seq', 3, true);
SELECT pg_catalog.setval('public.vector_store_files_seq_seq', 4, true);
SELECT pg_catalog.setval('public.vector_stores_seq_seq', 2, true);
ALTER TABLE ONLY public.assistants
    ADD CONSTRAINT assistants_id_key UNIQUE (id);
ALTER TABLE ONLY public.assistants
    ADD CONSTRAINT assistants_pkey PRIMARY KEY (seq);
ALTER TABLE ONLY public.blobs
    ADD CONSTRAINT blobs_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.chunks
    ADD CONSTRAINT chunks_pkey PRIMARY KEY (ingestion, "position");
ALTER TABLE ONLY public.events
    ADD CONSTRAINT events_pkey PRIMARY KEY (seq);
ALTER TABLE ONLY public.file_batch_files
    ADD CONSTRAINT file_batch_files_pkey PRIMARY KEY (batch_id, file);
ALTER TABLE ONLY public.file_batches
    ADD CONSTRAINT file_batches_id_key UNIQUE (id);
ALTER TABLE ONLY public.file_batches
    ADD CONSTRAINT file_batches_pkey PRIMARY KEY (seq);
ALTER TABLE ONLY public.file_uses
    ADD CONSTRAINT file_uses_pkey PRIMARY KEY (file_id, owner);
ALTER TABLE ONLY public.files
    ADD CONSTRAINT files_id_key UNIQUE (id);
ALTER TABLE ONLY public.files
    ADD CONSTRAINT files_pkey PRIMARY KEY (seq);
ALTER TABLE ONLY public.ingestions
    ADD CONSTRAINT ingestions_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.messages
    ADD CONSTRAINT messages_id_key UNIQUE (id);
ALTER TABLE ONLY public.messages
    ADD CONSTRAINT messages_pkey PRIMARY KEY (seq);
ALTER TABLE ONLY public.pieces
    ADD CONSTRAINT pieces_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.postings
    ADD CONSTRAINT postings_pkey PRIMARY KEY (segment, word);
ALTER TABLE ONLY public.run_steps
    ADD CONSTRAINT run_steps_id_key UNIQUE (id);
ALTER TABLE ONLY public.run_steps
    ADD CONSTRAINT run_steps_pkey PRIMARY KEY (seq);
ALTER TABLE ONLY public.runs
    ADD CONSTRAINT runs_id_key UNIQUE (id);
ALTER TABLE ONLY public.runs
    ADD CONSTRAINT runs_pkey PRIMARY KEY (seq);
ALTER TABLE ONLY public.schema_migrations
    ADD CONSTRAINT schema_migrations_pkey PRIMARY KEY (name);
ALTER TABLE ONLY public.segments
    ADD CONSTRAINT segments_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.threads
    ADD CONSTRAINT threads_id_key UNIQUE (id);
ALTER TABLE ONLY public.threads
    ADD CONSTRAINT threads_pkey PRIMARY KEY (seq);
ALTER TABLE ONLY public.tombstones
    ADD CONSTRAINT tombstones_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.upload_parts
    ADD CONSTRAINT upload_parts_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.uploads
    ADD CONSTRAINT uploads_id_key UNIQUE (id);
ALTER TABLE ONLY public.uploads
    ADD CONSTRAINT uploads_pkey PRIMARY KEY (seq);
ALTER TABLE ONLY public.vector_store_files
    ADD CONSTRAINT vector_store_files_pkey PRIMARY KEY (seq);
ALTER TABLE ONLY public.vector_store_files
    ADD CONSTRAINT vector_store_files_vector_store_id_file_id_key UNIQUE (vector_store_id, file_id);
ALTER TABLE ONLY public.vector_stores
    ADD CONSTRAINT vector_stores_id_key UNIQUE (id);
ALTER TABLE ONLY public.vector_stores
    ADD CONSTRAINT vector_stores_pkey PRIMARY KEY (seq);
ALTER TABLE ONLY public.webhook_deliveries
    ADD CONSTRAINT webhook_deliveries_pkey PRIMARY KEY (id, webhook);
ALTER TABLE ONLY public.webhooks
    ADD CONSTRAINT webhooks_pkey PRIMARY KEY (name, event);
CREATE INDEX active_runs ON public.runs USING btree (status, expires_at) WHERE (status = ANY (ARRAY['queued'::text, 'in_progress'::text, 'requires_action'::text, 'cancelling'::text]));
CREATE INDEX assistants_by_project ON public.assistants USING btree (project, seq);
CREATE UNIQUE INDEX blobs_by_owner ON public.blobs USING btree (owner, place) WHERE (owner IS NOT NULL);
CREATE INDEX blobs_doomed ON public.blobs USING btree (id) WHERE (state = 'doomed'::text);
CREATE INDEX blobs_to_sweep ON public.blobs USING btree (state, lease_until) WHERE (state <> 'kept'::text);
CREATE INDEX ended_deliveries ON public.webhook_deliveries USING btree (ended_at) WHERE (ended_at IS NOT NULL);
CREATE INDEX events_by_age ON public.events USING btree (told_at);
CREATE INDEX events_by_run ON public.events USING btree (run_id, seq);
CREATE INDEX file_batch_files_by_file ON public.file_batch_files USING btree (file);
CREATE INDEX files_by_project ON public.files USING btree (project, seq);
CREATE INDEX files_that_expire ON public.files USING btree (expires_at) WHERE (expires_at IS NOT NULL);
CREATE INDEX ingestions_by_file ON public.ingestions USING btree (vector_store_id, file_id);
CREATE INDEX ingestions_dropped ON public.ingestions USING btree (id) WHERE (dropped = 1);
CREATE INDEX messages_by_run ON public.messages USING btree (run_id, seq);
CREATE INDEX messages_by_thread ON public.messages USING btree (thread_id, seq);
CREATE UNIQUE INDEX one_active_run_per_thread ON public.runs USING btree (thread_id) WHERE (status = ANY (ARRAY['queued'::text, 'in_progress'::text, 'requires_action'::text, 'cancelling'::text]));
CREATE UNIQUE INDEX one_open_message_per_run ON public.messages USING btree (run_id) WHERE (status = 'in_progress'::text);
CREATE UNIQUE INDEX one_open_step_per_run ON public.run_steps USING btree (run_id) WHERE (status = 'in_progress'::text);
CREATE INDEX pieces_by_ingestion ON public.pieces USING btree (ingestion);
CREATE INDEX pieces_by_segment ON public.pieces USING btree (segment);
CREATE INDEX run_steps_by_run ON public.run_steps USING btree (run_id, seq);
CREATE INDEX runs_by_thread ON public.runs USING btree (thread_id, seq);
CREATE INDEX segments_by_store ON public.segments USING btree (vector_store, level) WHERE (dropped = 0);
CREATE INDEX segments_dropped ON public.segments USING btree (id) WHERE (dropped = 1);
CREATE INDEX segments_thinned ON public.segments USING btree (id) WHERE ((dropped = 0) AND (live < chunks));
CREATE INDEX tombstones_by_age ON public.tombstones USING btree (deleted_at);
CREATE INDEX upload_parts_by_upload ON public.upload_parts USING btree (upload_id);
CREATE INDEX uploads_by_status ON public.uploads USING btree (status, expires_at);
CREATE INDEX vector_store_files_by_file ON public.vector_store_files USING btree (file_id);
CREATE INDEX vector_store_files_by_ingestion ON public.vector_store_files USING btree (ingestion) WHERE (ingestion IS NOT NULL);
CREATE INDEX vector_store_files_by_status ON public.vector_store_files USING btree (vector_store_id, status);
CREATE INDEX vector_store_files_by_store ON public.vector_store_files USING btree (vector_store_id, seq);
CREATE INDEX vector_store_files_leased ON public.vector_store_files USING btree (lease_until) WHERE (lease_until IS NOT NULL);
CREATE INDEX vector_store_files_searched ON public.vector_store_files USING btree (vector_store_id, ingestion) WHERE (ingestion IS NOT NULL);
CREATE INDEX vector_store_files_waiting ON public.vector_store_files USING btree (vector_store_id, seq) WHERE ((status = 'in_progress'::text) AND (lease_until IS NULL));
CREATE INDEX vector_stores_by_project ON public.vector_stores USING btree (project, seq);
CREATE INDEX vector_stores_that_expire ON public.vector_stores USING btree (expires_at) WHERE ((expires_at IS NOT NULL) AND (emptied = 0));
CREATE INDEX waiting_deliveries ON public.webhook_deliveries USING btree (webhook, due_at) WHERE (status = 'waiting'::text);
CREATE INDEX webhooks_by_project ON public.webhooks USING btree (project, event);
ALTER TABLE ONLY public.chunks
    ADD CONSTRAINT chunks_ingestion_fkey FOREIGN KEY (ingestion) REFERENCES public.ingestions(id);
ALTER TABLE ONLY public.events
    ADD CONSTRAINT events_run_id_fkey FOREIGN KEY (run_id) REFERENCES public.runs(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.file_batch_files
    ADD CONSTRAINT file_batch_files_batch_id_fkey FOREIGN KEY (batch_id) REFERENCES public.file_batches(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.file_batch_files
    ADD CONSTRAINT file_batch_files_file_fkey FOREIGN KEY (file) REFERENCES public.vector_store_files(seq) ON DELETE CASCADE;
ALTER TABLE ONLY public.file_batches
    ADD CONSTRAINT file_batches_vector_store_id_fkey FOREIGN KEY (vector_store_id) REFERENCES public.vector_stores(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.messages
    ADD CONSTRAINT messages_thread_id_fkey FOREIGN KEY (thread_id) REFERENCES public.threads(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.pieces
    ADD CONSTRAINT pieces_ingestion_fkey FOREIGN KEY (ingestion) REFERENCES public.ingestions(id);
ALTER TABLE ONLY public.pieces
    ADD CONSTRAINT pieces_segment_fkey FOREIGN KEY (segment) REFERENCES public.segments(id);
ALTER TABLE ONLY public.postings
    ADD CONSTRAINT postings_segment_fkey FOREIGN KEY (segment) REFERENCES public.segments(id);
ALTER TABLE ONLY public.run_steps
    ADD CONSTRAINT run_steps_run_id_fkey FOREIGN KEY (run_id) REFERENCES public.runs(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.runs
    ADD CONSTRAINT runs_thread_id_fkey FOREIGN KEY (thread_id) REFERENCES public.threads(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.upload_parts
    ADD CONSTRAINT upload_parts_upload_id_fkey FOREIGN KEY (upload_id) REFERENCES public.uploads(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.vector_store_files
    ADD CONSTRAINT vector_store_files_vector_store_id_fkey FOREIGN KEY (vector_store_id) REFERENCES public.vector_stores(id) ON DELETE CASCADE;
