-- What is changed in requests to a model of a model server, because it refused them otherwise. It is
-- forgotten after a day: servers are brought up to date.
CREATE TABLE adjustments (
    -- its base URL, without a password
    server TEXT NOT NULL,
    model TEXT NOT NULL,
    name TEXT NOT NULL,
    learnt_at BIGINT NOT NULL,
    PRIMARY KEY (server, model, name)
);

CREATE INDEX adjustments_by_time ON adjustments (learnt_at);
