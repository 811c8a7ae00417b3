-- Webhooks: who hears of which event, and what is still to be delivered.

-- The settings of the server that was started last; without URLs and secrets, which commands do
-- not need.
CREATE TABLE webhooks (
    name TEXT NOT NULL,
    project TEXT NOT NULL,
    event TEXT NOT NULL,
    PRIMARY KEY (name, event)
);

CREATE INDEX webhooks_by_project ON webhooks (project, event);

-- An event on its way to one webhook. It names its run and does not refer to it: what was told is
-- delivered, even if the thread is deleted a second later.
CREATE TABLE webhook_deliveries (
    id TEXT NOT NULL,
    webhook TEXT NOT NULL,
    run_id TEXT NOT NULL,
    event TEXT NOT NULL,
    told_at BIGINT NOT NULL,
    -- the object that the event told; dropped once it is delivered
    data TEXT,
    status TEXT NOT NULL DEFAULT 'waiting' CHECK (status IN ('waiting', 'delivered', 'given_up')),
    attempts BIGINT NOT NULL DEFAULT 0,
    -- when it is to be sent; while it is being sent, when another may try
    due_at DOUBLE PRECISION NOT NULL,
    ended_at BIGINT,
    last_error TEXT,
    PRIMARY KEY (id, webhook),
    -- it waits until it has ended
    CHECK ((status = 'waiting') = (ended_at IS NULL)),
    -- what is not delivered is still there to be looked at
    CHECK ((status = 'delivered') = (data IS NULL))
);

CREATE INDEX waiting_deliveries ON webhook_deliveries (webhook, due_at) WHERE status = 'waiting';
CREATE INDEX ended_deliveries ON webhook_deliveries (ended_at) WHERE ended_at IS NOT NULL;
