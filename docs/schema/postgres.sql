-- The schema after all migrations, to be read. Written by tests/storage/schema.py.

CREATE TABLE schema_migrations (
    name text NOT NULL,
    CONSTRAINT schema_migrations_pkey PRIMARY KEY (name)
);

CREATE TABLE assistants (
    seq bigint GENERATED ALWAYS AS IDENTITY NOT NULL,
    id text NOT NULL,
    project text NOT NULL,
    body text NOT NULL,
    unsupported_tools text,
    CONSTRAINT assistants_id_key UNIQUE (id),
    CONSTRAINT assistants_pkey PRIMARY KEY (seq)
);

CREATE INDEX assistants_by_project ON public.assistants USING btree (project, seq);

CREATE TABLE threads (
    seq bigint GENERATED ALWAYS AS IDENTITY NOT NULL,
    id text NOT NULL,
    project text NOT NULL,
    body text NOT NULL,
    CONSTRAINT threads_id_key UNIQUE (id),
    CONSTRAINT threads_pkey PRIMARY KEY (seq)
);

CREATE INDEX threads_by_project ON public.threads USING btree (project, seq);

CREATE TABLE runs (
    seq bigint GENERATED ALWAYS AS IDENTITY NOT NULL,
    id text NOT NULL,
    project text NOT NULL,
    thread_id text NOT NULL,
    status text NOT NULL,
    expires_at bigint,
    ended_at bigint,
    owner text,
    epoch bigint NOT NULL DEFAULT 0,
    lease_until double precision,
    body text NOT NULL,
    queued_at double precision NOT NULL DEFAULT 0,
    key_id text,
    created_at bigint,
    assistant_id text,
    model text,
    error_code text,
    trace text,
    traceparent text,
    asked_at double precision,
    imported integer NOT NULL DEFAULT 0,
    CONSTRAINT runs_check CHECK ((status = ANY (ARRAY['queued'::text, 'in_progress'::text, 'requires_action'::text, 'cancelling'::text])) = (ended_at IS NULL)),
    CONSTRAINT runs_check1 CHECK (ended_at IS NOT NULL OR expires_at IS NOT NULL),
    CONSTRAINT runs_check2 CHECK ((owner IS NULL) = (lease_until IS NULL)),
    CONSTRAINT runs_check3 CHECK (owner IS NULL OR (status = ANY (ARRAY['in_progress'::text, 'cancelling'::text]))),
    CONSTRAINT runs_id_key UNIQUE (id),
    CONSTRAINT runs_pkey PRIMARY KEY (seq),
    CONSTRAINT runs_status_check CHECK (status = ANY (ARRAY['queued'::text, 'in_progress'::text, 'requires_action'::text, 'cancelling'::text, 'cancelled'::text, 'failed'::text, 'completed'::text, 'incomplete'::text, 'expired'::text])),
    CONSTRAINT runs_thread_id_fkey FOREIGN KEY (thread_id) REFERENCES threads(id) ON DELETE CASCADE
);

CREATE INDEX active_runs ON public.runs USING btree (status, expires_at) WHERE (status = ANY (ARRAY['queued'::text, 'in_progress'::text, 'requires_action'::text, 'cancelling'::text]));

CREATE UNIQUE INDEX one_active_run_per_thread ON public.runs USING btree (thread_id) WHERE (status = ANY (ARRAY['queued'::text, 'in_progress'::text, 'requires_action'::text, 'cancelling'::text]));

CREATE INDEX queued_runs ON public.runs USING btree (project, seq) WHERE (status = 'queued'::text);

CREATE INDEX runs_by_assistant ON public.runs USING btree (project, assistant_id, created_at, seq);

CREATE INDEX runs_by_error ON public.runs USING btree (project, error_code, created_at, seq) WHERE (error_code IS NOT NULL);

CREATE INDEX runs_by_model ON public.runs USING btree (project, model, created_at, seq);

CREATE INDEX runs_by_status ON public.runs USING btree (project, status, created_at, seq);

CREATE INDEX runs_by_thread ON public.runs USING btree (thread_id, seq);

CREATE INDEX runs_by_time ON public.runs USING btree (project, created_at, seq);

CREATE INDEX runs_not_listed ON public.runs USING btree (seq) WHERE ((created_at IS NULL) OR ((status = 'failed'::text) AND (error_code IS NULL)));

CREATE INDEX traced_runs ON public.runs USING btree (ended_at) WHERE ((trace IS NOT NULL) AND (ended_at IS NOT NULL));

CREATE TABLE messages (
    seq bigint GENERATED ALWAYS AS IDENTITY NOT NULL,
    id text NOT NULL,
    project text NOT NULL,
    thread_id text NOT NULL,
    run_id text,
    role text NOT NULL,
    status text NOT NULL,
    body text NOT NULL,
    imported integer NOT NULL DEFAULT 0,
    CONSTRAINT messages_id_key UNIQUE (id),
    CONSTRAINT messages_pkey PRIMARY KEY (seq),
    CONSTRAINT messages_role_check CHECK (role = ANY (ARRAY['user'::text, 'assistant'::text])),
    CONSTRAINT messages_status_check CHECK (status = ANY (ARRAY['in_progress'::text, 'incomplete'::text, 'completed'::text])),
    CONSTRAINT messages_thread_id_fkey FOREIGN KEY (thread_id) REFERENCES threads(id) ON DELETE CASCADE
);

CREATE INDEX messages_by_run ON public.messages USING btree (run_id, seq);

CREATE INDEX messages_by_thread ON public.messages USING btree (thread_id, seq);

CREATE UNIQUE INDEX one_open_message_per_run ON public.messages USING btree (run_id) WHERE (status = 'in_progress'::text);

CREATE TABLE run_steps (
    seq bigint GENERATED ALWAYS AS IDENTITY NOT NULL,
    id text NOT NULL,
    project text NOT NULL,
    thread_id text NOT NULL,
    run_id text NOT NULL,
    status text NOT NULL,
    usage text,
    body text NOT NULL,
    extras text,
    trace text,
    imported integer NOT NULL DEFAULT 0,
    CONSTRAINT run_steps_id_key UNIQUE (id),
    CONSTRAINT run_steps_pkey PRIMARY KEY (seq),
    CONSTRAINT run_steps_run_id_fkey FOREIGN KEY (run_id) REFERENCES runs(id) ON DELETE CASCADE,
    CONSTRAINT run_steps_status_check CHECK (status = ANY (ARRAY['in_progress'::text, 'cancelled'::text, 'failed'::text, 'completed'::text, 'expired'::text]))
);

CREATE UNIQUE INDEX one_open_step_per_run ON public.run_steps USING btree (run_id) WHERE (status = 'in_progress'::text);

CREATE INDEX run_steps_by_run ON public.run_steps USING btree (run_id, seq);

CREATE TABLE events (
    seq bigint GENERATED ALWAYS AS IDENTITY NOT NULL,
    run_id text NOT NULL,
    name text NOT NULL,
    data text NOT NULL,
    told_at bigint NOT NULL,
    CONSTRAINT events_pkey PRIMARY KEY (seq),
    CONSTRAINT events_run_id_fkey FOREIGN KEY (run_id) REFERENCES runs(id) ON DELETE CASCADE
);

CREATE INDEX events_by_age ON public.events USING btree (told_at);

CREATE INDEX events_by_run ON public.events USING btree (run_id, seq);

CREATE TABLE tombstones (
    id text NOT NULL,
    seq bigint NOT NULL,
    deleted_at bigint NOT NULL,
    project text NOT NULL DEFAULT 'proj_default'::text,
    CONSTRAINT tombstones_pkey PRIMARY KEY (id)
);

CREATE INDEX tombstones_by_age ON public.tombstones USING btree (deleted_at);

CREATE TABLE webhooks (
    name text NOT NULL,
    project text NOT NULL,
    event text NOT NULL,
    CONSTRAINT webhooks_pkey PRIMARY KEY (name, event)
);

CREATE INDEX webhooks_by_project ON public.webhooks USING btree (project, event);

CREATE TABLE webhook_deliveries (
    id text NOT NULL,
    webhook text NOT NULL,
    run_id text NOT NULL,
    event text NOT NULL,
    told_at bigint NOT NULL,
    data text,
    status text NOT NULL DEFAULT 'waiting'::text,
    attempts bigint NOT NULL DEFAULT 0,
    due_at double precision NOT NULL,
    ended_at bigint,
    last_error text,
    project text NOT NULL DEFAULT 'proj_default'::text,
    response_status integer,
    CONSTRAINT webhook_deliveries_check CHECK ((status = 'waiting'::text) = (ended_at IS NULL)),
    CONSTRAINT webhook_deliveries_check1 CHECK ((status = 'delivered'::text) = (data IS NULL)),
    CONSTRAINT webhook_deliveries_pkey PRIMARY KEY (id, webhook),
    CONSTRAINT webhook_deliveries_status_check CHECK (status = ANY (ARRAY['waiting'::text, 'delivered'::text, 'given_up'::text]))
);

CREATE INDEX deliveries_by_status ON public.webhook_deliveries USING btree (project, status, told_at, id, webhook);

CREATE INDEX deliveries_by_time ON public.webhook_deliveries USING btree (project, told_at, id, webhook);

CREATE INDEX ended_deliveries ON public.webhook_deliveries USING btree (ended_at) WHERE (ended_at IS NOT NULL);

CREATE INDEX waiting_deliveries ON public.webhook_deliveries USING btree (webhook, due_at) WHERE (status = 'waiting'::text);

CREATE TABLE files (
    seq bigint GENERATED ALWAYS AS IDENTITY NOT NULL,
    id text NOT NULL,
    project text NOT NULL,
    purpose text NOT NULL,
    expires_at bigint,
    body text NOT NULL,
    CONSTRAINT files_id_key UNIQUE (id),
    CONSTRAINT files_pkey PRIMARY KEY (seq)
);

CREATE INDEX files_by_project ON public.files USING btree (project, seq);

CREATE INDEX files_that_expire ON public.files USING btree (expires_at) WHERE (expires_at IS NOT NULL);

CREATE TABLE uploads (
    seq bigint GENERATED ALWAYS AS IDENTITY NOT NULL,
    id text NOT NULL,
    project text NOT NULL,
    status text NOT NULL,
    expires_at bigint NOT NULL,
    file_lifetime bigint,
    body text NOT NULL,
    CONSTRAINT uploads_id_key UNIQUE (id),
    CONSTRAINT uploads_pkey PRIMARY KEY (seq),
    CONSTRAINT uploads_status_check CHECK (status = ANY (ARRAY['pending'::text, 'completed'::text, 'cancelled'::text, 'expired'::text]))
);

CREATE INDEX uploads_by_status ON public.uploads USING btree (status, expires_at);

CREATE TABLE upload_parts (
    id text NOT NULL,
    upload_id text NOT NULL,
    CONSTRAINT upload_parts_pkey PRIMARY KEY (id),
    CONSTRAINT upload_parts_upload_id_fkey FOREIGN KEY (upload_id) REFERENCES uploads(id) ON DELETE CASCADE
);

CREATE INDEX upload_parts_by_upload ON public.upload_parts USING btree (upload_id);

CREATE TABLE blobs (
    id text NOT NULL,
    state text NOT NULL,
    owner text,
    place bigint,
    bytes bigint,
    lease_until double precision,
    location text NOT NULL DEFAULT ''::text,
    CONSTRAINT blobs_check CHECK ((state = 'writing'::text) = (lease_until IS NOT NULL)),
    CONSTRAINT blobs_check1 CHECK ((state = 'kept'::text) = (owner IS NOT NULL)),
    CONSTRAINT blobs_check2 CHECK ((owner IS NULL) = (place IS NULL)),
    CONSTRAINT blobs_check3 CHECK ((owner IS NULL) = (bytes IS NULL)),
    CONSTRAINT blobs_pkey PRIMARY KEY (id),
    CONSTRAINT blobs_state_check CHECK (state = ANY (ARRAY['writing'::text, 'kept'::text, 'doomed'::text]))
);

CREATE UNIQUE INDEX blobs_by_owner ON public.blobs USING btree (owner, place) WHERE (owner IS NOT NULL);

CREATE INDEX blobs_doomed ON public.blobs USING btree (id) WHERE (state = 'doomed'::text);

CREATE INDEX blobs_doomed_by_location ON public.blobs USING btree (location, id) WHERE (state = 'doomed'::text);

CREATE INDEX blobs_to_sweep ON public.blobs USING btree (state, lease_until) WHERE (state <> 'kept'::text);

CREATE INDEX blobs_without_location ON public.blobs USING btree (location, id) WHERE ((state = 'kept'::text) AND (location = ''::text));

CREATE TABLE vector_stores (
    seq bigint GENERATED ALWAYS AS IDENTITY NOT NULL,
    id text NOT NULL,
    project text NOT NULL,
    expires_at bigint,
    last_active_at bigint NOT NULL,
    embedding text,
    body text NOT NULL,
    emptied integer NOT NULL DEFAULT 0,
    CONSTRAINT vector_stores_id_key UNIQUE (id),
    CONSTRAINT vector_stores_pkey PRIMARY KEY (seq)
);

CREATE INDEX vector_stores_by_project ON public.vector_stores USING btree (project, seq);

CREATE INDEX vector_stores_that_expire ON public.vector_stores USING btree (expires_at) WHERE ((expires_at IS NOT NULL) AND (emptied = 0));

CREATE TABLE vector_store_files (
    seq bigint GENERATED ALWAYS AS IDENTITY NOT NULL,
    vector_store_id text NOT NULL,
    file_id text NOT NULL,
    filename text NOT NULL,
    status text NOT NULL,
    usage_bytes bigint NOT NULL DEFAULT 0,
    attributes text NOT NULL,
    ingestion bigint,
    attempts integer NOT NULL DEFAULT 0,
    owner text,
    epoch integer NOT NULL DEFAULT 0,
    lease_until double precision,
    body text NOT NULL,
    put_off integer NOT NULL DEFAULT 0,
    CONSTRAINT vector_store_files_check CHECK ((owner IS NULL) = (lease_until IS NULL)),
    CONSTRAINT vector_store_files_check1 CHECK (owner IS NULL OR status = 'in_progress'::text),
    CONSTRAINT vector_store_files_check2 CHECK ((status = 'completed'::text) = (ingestion IS NOT NULL)),
    CONSTRAINT vector_store_files_pkey PRIMARY KEY (seq),
    CONSTRAINT vector_store_files_status_check CHECK (status = ANY (ARRAY['in_progress'::text, 'completed'::text, 'cancelled'::text, 'failed'::text])),
    CONSTRAINT vector_store_files_vector_store_id_file_id_key UNIQUE (vector_store_id, file_id),
    CONSTRAINT vector_store_files_vector_store_id_fkey FOREIGN KEY (vector_store_id) REFERENCES vector_stores(id) ON DELETE CASCADE
);

CREATE INDEX vector_store_files_by_file ON public.vector_store_files USING btree (file_id);

CREATE INDEX vector_store_files_by_ingestion ON public.vector_store_files USING btree (ingestion) WHERE (ingestion IS NOT NULL);

CREATE INDEX vector_store_files_by_status ON public.vector_store_files USING btree (vector_store_id, status);

CREATE INDEX vector_store_files_by_store ON public.vector_store_files USING btree (vector_store_id, seq);

CREATE INDEX vector_store_files_leased ON public.vector_store_files USING btree (lease_until) WHERE (lease_until IS NOT NULL);

CREATE INDEX vector_store_files_searched ON public.vector_store_files USING btree (vector_store_id, ingestion) WHERE (ingestion IS NOT NULL);

CREATE INDEX vector_store_files_waiting ON public.vector_store_files USING btree (vector_store_id, seq) WHERE ((status = 'in_progress'::text) AND (lease_until IS NULL));

CREATE TABLE file_batches (
    seq bigint GENERATED ALWAYS AS IDENTITY NOT NULL,
    id text NOT NULL,
    vector_store_id text NOT NULL,
    cancelled integer NOT NULL DEFAULT 0,
    body text NOT NULL,
    CONSTRAINT file_batches_id_key UNIQUE (id),
    CONSTRAINT file_batches_pkey PRIMARY KEY (seq),
    CONSTRAINT file_batches_vector_store_id_fkey FOREIGN KEY (vector_store_id) REFERENCES vector_stores(id) ON DELETE CASCADE
);

CREATE TABLE file_batch_files (
    batch_id text NOT NULL,
    file bigint NOT NULL,
    CONSTRAINT file_batch_files_batch_id_fkey FOREIGN KEY (batch_id) REFERENCES file_batches(id) ON DELETE CASCADE,
    CONSTRAINT file_batch_files_file_fkey FOREIGN KEY (file) REFERENCES vector_store_files(seq) ON DELETE CASCADE,
    CONSTRAINT file_batch_files_pkey PRIMARY KEY (batch_id, file)
);

CREATE INDEX file_batch_files_by_file ON public.file_batch_files USING btree (file);

CREATE TABLE ingestions (
    id bigint GENERATED ALWAYS AS IDENTITY NOT NULL,
    vector_store_id text NOT NULL,
    file_id text NOT NULL,
    dropped integer NOT NULL DEFAULT 0,
    CONSTRAINT ingestions_pkey PRIMARY KEY (id)
);

CREATE INDEX ingestions_by_file ON public.ingestions USING btree (vector_store_id, file_id);

CREATE INDEX ingestions_dropped ON public.ingestions USING btree (id) WHERE (dropped = 1);

CREATE TABLE file_uses (
    file_id text NOT NULL,
    owner text NOT NULL,
    CONSTRAINT file_uses_pkey PRIMARY KEY (file_id, owner)
);

CREATE TABLE chunks (
    ingestion bigint NOT NULL,
    position integer NOT NULL,
    start bigint NOT NULL,
    tokens integer NOT NULL,
    text text NOT NULL,
    vector bytea,
    heading integer NOT NULL DEFAULT 0,
    CONSTRAINT chunks_ingestion_fkey FOREIGN KEY (ingestion) REFERENCES ingestions(id),
    CONSTRAINT chunks_pkey PRIMARY KEY (ingestion, "position")
);

CREATE TABLE segments (
    id bigint GENERATED ALWAYS AS IDENTITY NOT NULL,
    vector_store bigint NOT NULL,
    level integer NOT NULL,
    chunks integer NOT NULL,
    live integer NOT NULL,
    dropped integer NOT NULL DEFAULT 0,
    rules integer NOT NULL DEFAULT 1,
    stemmer integer NOT NULL DEFAULT 0,
    languages text NOT NULL DEFAULT ''::text,
    CONSTRAINT segments_pkey PRIMARY KEY (id)
);

CREATE INDEX segments_by_rules ON public.segments USING btree (rules, stemmer, id) WHERE (dropped = 0);

CREATE INDEX segments_by_store ON public.segments USING btree (vector_store, level) WHERE (dropped = 0);

CREATE INDEX segments_dropped ON public.segments USING btree (id) WHERE (dropped = 1);

CREATE INDEX segments_thinned ON public.segments USING btree (id) WHERE ((dropped = 0) AND (live < chunks));

CREATE TABLE postings (
    segment bigint NOT NULL,
    word text NOT NULL,
    packed bytea NOT NULL,
    CONSTRAINT postings_pkey PRIMARY KEY (segment, word),
    CONSTRAINT postings_segment_fkey FOREIGN KEY (segment) REFERENCES segments(id)
);

CREATE TABLE pieces (
    id bigint GENERATED ALWAYS AS IDENTITY NOT NULL,
    ingestion bigint NOT NULL,
    segment bigint NOT NULL,
    base integer NOT NULL,
    first integer NOT NULL,
    chunks integer NOT NULL,
    words bigint NOT NULL,
    signs bytea,
    CONSTRAINT pieces_ingestion_fkey FOREIGN KEY (ingestion) REFERENCES ingestions(id),
    CONSTRAINT pieces_pkey PRIMARY KEY (id),
    CONSTRAINT pieces_segment_fkey FOREIGN KEY (segment) REFERENCES segments(id)
);

CREATE INDEX pieces_by_ingestion ON public.pieces USING btree (ingestion);

CREATE INDEX pieces_by_segment ON public.pieces USING btree (segment);

CREATE TABLE adjustments (
    server text NOT NULL,
    model text NOT NULL,
    name text NOT NULL,
    learnt_at bigint NOT NULL,
    CONSTRAINT adjustments_pkey PRIMARY KEY (server, model, name)
);

CREATE INDEX adjustments_by_time ON public.adjustments USING btree (learnt_at);

CREATE TABLE servers (
    id text NOT NULL,
    address text NOT NULL,
    version text NOT NULL,
    role text NOT NULL,
    started_at double precision NOT NULL,
    seen_at double precision NOT NULL,
    runs bigint NOT NULL,
    CONSTRAINT servers_pkey PRIMARY KEY (id),
    CONSTRAINT servers_role_check CHECK (role = ANY (ARRAY['all'::text, 'api'::text, 'worker'::text]))
);

CREATE TABLE sessions (
    thread_id text NOT NULL,
    server text NOT NULL,
    until double precision NOT NULL,
    CONSTRAINT sessions_pkey PRIMARY KEY (thread_id)
);

CREATE INDEX sessions_by_server ON public.sessions USING btree (server);

CREATE TABLE blob_locations (
    location text NOT NULL,
    host text NOT NULL,
    path text NOT NULL,
    own integer NOT NULL,
    seen_at bigint NOT NULL,
    CONSTRAINT blob_locations_pkey PRIMARY KEY (location)
);

CREATE TABLE blob_blocks (
    blob_id text NOT NULL,
    number integer NOT NULL,
    bytes bytea NOT NULL,
    CONSTRAINT blob_blocks_blob_id_fkey FOREIGN KEY (blob_id) REFERENCES blobs(id) ON DELETE CASCADE,
    CONSTRAINT blob_blocks_pkey PRIMARY KEY (blob_id, number)
);

CREATE TABLE projects (
    seq bigint GENERATED ALWAYS AS IDENTITY NOT NULL,
    id text NOT NULL,
    name text NOT NULL,
    created_at bigint NOT NULL,
    archived_at bigint,
    CONSTRAINT projects_check CHECK (id <> 'proj_default'::text OR archived_at IS NULL),
    CONSTRAINT projects_id_key UNIQUE (id),
    CONSTRAINT projects_pkey PRIMARY KEY (seq)
);

CREATE TABLE service_accounts (
    seq bigint GENERATED ALWAYS AS IDENTITY NOT NULL,
    id text NOT NULL,
    project text NOT NULL,
    name text NOT NULL,
    created_at bigint NOT NULL,
    deleted_at bigint,
    CONSTRAINT service_accounts_id_key UNIQUE (id),
    CONSTRAINT service_accounts_pkey PRIMARY KEY (seq),
    CONSTRAINT service_accounts_project_fkey FOREIGN KEY (project) REFERENCES projects(id)
);

CREATE INDEX service_accounts_by_project ON public.service_accounts USING btree (project, seq);

CREATE TABLE api_keys (
    seq bigint GENERATED ALWAYS AS IDENTITY NOT NULL,
    id text NOT NULL,
    kind text NOT NULL,
    project text,
    service_account text,
    hash text NOT NULL,
    name text NOT NULL,
    redacted_value text NOT NULL,
    created_at bigint NOT NULL,
    last_used_at bigint,
    expires_at bigint,
    deleted_at bigint,
    CONSTRAINT api_keys_check CHECK ((kind = 'admin'::text) = (project IS NULL)),
    CONSTRAINT api_keys_check1 CHECK ((project IS NULL) = (service_account IS NULL)),
    CONSTRAINT api_keys_hash_key UNIQUE (hash),
    CONSTRAINT api_keys_id_key UNIQUE (id),
    CONSTRAINT api_keys_kind_check CHECK (kind = ANY (ARRAY['admin'::text, 'project'::text])),
    CONSTRAINT api_keys_pkey PRIMARY KEY (seq),
    CONSTRAINT api_keys_project_fkey FOREIGN KEY (project) REFERENCES projects(id),
    CONSTRAINT api_keys_service_account_fkey FOREIGN KEY (service_account) REFERENCES service_accounts(id)
);

CREATE INDEX api_keys_by_account ON public.api_keys USING btree (service_account);

CREATE INDEX api_keys_by_project ON public.api_keys USING btree (project, seq);

CREATE TABLE api_key_changes (
    only_row integer NOT NULL,
    changes bigint NOT NULL,
    CONSTRAINT api_key_changes_only_row_check CHECK (only_row = 1),
    CONSTRAINT api_key_changes_pkey PRIMARY KEY (only_row)
);

CREATE TABLE audit_logs (
    seq bigint GENERATED ALWAYS AS IDENTITY NOT NULL,
    id text NOT NULL,
    type text NOT NULL,
    effective_at bigint NOT NULL,
    actor text NOT NULL,
    project text NOT NULL,
    target text NOT NULL,
    body text NOT NULL,
    CONSTRAINT audit_logs_id_key UNIQUE (id),
    CONSTRAINT audit_logs_pkey PRIMARY KEY (seq)
);

CREATE TABLE usage_counts (
    span integer NOT NULL,
    began_at bigint NOT NULL,
    kind text NOT NULL,
    project text NOT NULL,
    key_id text NOT NULL,
    model text NOT NULL,
    server text NOT NULL,
    requests bigint NOT NULL,
    input_tokens bigint NOT NULL,
    output_tokens bigint NOT NULL,
    cached_tokens bigint NOT NULL,
    CONSTRAINT usage_counts_pkey PRIMARY KEY (span, began_at, kind, project, key_id, model, server),
    CONSTRAINT usage_counts_span_check CHECK (span = ANY (ARRAY[60, 3600, 86400]))
);

CREATE TABLE vector_store_bytes (
    project text NOT NULL,
    since bigint NOT NULL,
    bytes bigint NOT NULL,
    CONSTRAINT vector_store_bytes_pkey PRIMARY KEY (project, since)
);

CREATE TABLE rate_limits (
    project text NOT NULL,
    model text NOT NULL,
    requests bigint,
    tokens bigint,
    CONSTRAINT rate_limits_pkey PRIMARY KEY (project, model)
);

CREATE TABLE project_limits (
    project text NOT NULL,
    active_runs bigint,
    file_bytes bigint,
    monthly_cents bigint,
    models_mode text,
    models text,
    CONSTRAINT project_limits_models_mode_check CHECK (models_mode = ANY (ARRAY['allow_list'::text, 'deny_list'::text])),
    CONSTRAINT project_limits_pkey PRIMARY KEY (project)
);

CREATE TABLE dashboard_sessions (
    hash text NOT NULL,
    key_id text,
    settings_key text,
    created_at bigint NOT NULL,
    expires_at bigint NOT NULL,
    CONSTRAINT dashboard_sessions_check CHECK ((key_id IS NULL) <> (settings_key IS NULL)),
    CONSTRAINT dashboard_sessions_key_id_fkey FOREIGN KEY (key_id) REFERENCES api_keys(id),
    CONSTRAINT dashboard_sessions_pkey PRIMARY KEY (hash)
);

CREATE INDEX dashboard_sessions_by_expiry ON public.dashboard_sessions USING btree (expires_at);

CREATE TABLE imports (
    digest text NOT NULL,
    keeps_seq integer NOT NULL,
    begun_at bigint NOT NULL,
    CONSTRAINT imports_pkey PRIMARY KEY (digest)
);

CREATE TABLE backups (
    id text NOT NULL,
    lease_until double precision NOT NULL,
    CONSTRAINT backups_pkey PRIMARY KEY (id)
);

CREATE TABLE index_renewal (
    id integer NOT NULL,
    lease_until double precision NOT NULL,
    CONSTRAINT index_renewal_id_check CHECK (id = 1),
    CONSTRAINT index_renewal_pkey PRIMARY KEY (id)
);
