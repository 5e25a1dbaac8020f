-- Sent as one simple query, so PostgreSQL runs all of it in one transaction.

-- What operators have switched for the whole fleet. Each row has an event; a
-- fault that has ended goes with the next one that is written.
CREATE TABLE faults (
    id         bigint PRIMARY KEY, -- of the event that started it
    route      text COLLATE "C" NOT NULL,
    side       text    NOT NULL CHECK (side IN ('legacy', 'new')),
    latency_us bigint  NOT NULL CHECK (latency_us >= 0),
    jitter_us  bigint  NOT NULL CHECK (jitter_us BETWEEN 0 AND latency_us),
    percent_bp integer NOT NULL CHECK (percent_bp BETWEEN 1 AND 10000),
    status     integer NOT NULL, -- 0: none
    reset      boolean NOT NULL,
    header     text    NOT NULL, -- empty: every request
    value      text    NOT NULL, -- empty: any
    started_at timestamptz NOT NULL,
    ends_at    timestamptz NOT NULL CHECK (ends_at <= started_at + interval '1 hour'),
    actor      text    NOT NULL,
    reason     text    NOT NULL
);

CREATE TABLE drained_endpoints (
    backend  text COLLATE "C" NOT NULL,
    endpoint text COLLATE "C" NOT NULL,
    actor    text NOT NULL,
    at       timestamptz NOT NULL,
    PRIMARY KEY (backend, endpoint)
);

-- The newest demand for each lane, never two: routers compare generations.
CREATE TABLE breaker_resets (
    route      text COLLATE "C" NOT NULL,
    side       text   NOT NULL CHECK (side IN ('legacy', 'new')),
    generation bigint NOT NULL, -- the revision that demanded it
    PRIMARY KEY (route, side)
);

-- What is not at rest on an instance: breakers, bulkheads, endpoints. Null: an
-- older router, which does not say.
ALTER TABLE instances ADD COLUMN trouble json;
