-- The schema after all migrations, to be read. Written by tests/store/schema.py.

CREATE TABLE schema_migrations (
    name text NOT NULL,
    CONSTRAINT schema_migrations_pkey PRIMARY KEY (name)
);

CREATE TABLE assistants (
    seq bigint GENERATED ALWAYS AS IDENTITY NOT NULL,
    id text NOT NULL,
    project text NOT NULL,
    body text NOT NULL,
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

CREATE INDEX runs_by_thread ON public.runs USING btree (thread_id, seq);

CREATE TABLE messages (
    seq bigint GENERATED ALWAYS AS IDENTITY NOT NULL,
    id text NOT NULL,
    project text NOT NULL,
    thread_id text NOT NULL,
    run_id text,
    role text NOT NULL,
    status text NOT NULL,
    body text NOT NULL,
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
    CONSTRAINT webhook_deliveries_check CHECK ((status = 'waiting'::text) = (ended_at IS NULL)),
    CONSTRAINT webhook_deliveries_check1 CHECK ((status = 'delivered'::text) = (data IS NULL)),
    CONSTRAINT webhook_deliveries_pkey PRIMARY KEY (id, webhook),
    CONSTRAINT webhook_deliveries_status_check CHECK (status = ANY (ARRAY['waiting'::text, 'delivered'::text, 'given_up'::text]))
);

CREATE INDEX ended_deliveries ON public.webhook_deliveries USING btree (ended_at) WHERE (ended_at IS NOT NULL);

CREATE INDEX waiting_deliveries ON public.webhook_deliveries USING btree (webhook, due_at) WHERE (status = 'waiting'::text);
