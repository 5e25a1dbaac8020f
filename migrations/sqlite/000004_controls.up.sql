-- See postgres/000004_controls.up.sql for why each table looks as it does.

CREATE TABLE faults (
    id         integer PRIMARY KEY NOT NULL,
    route      text    NOT NULL,
    side       text    NOT NULL CHECK (side IN ('legacy', 'new')),
    latency_us integer NOT NULL CHECK (latency_us >= 0),
    jitter_us  integer NOT NULL CHECK (jitter_us BETWEEN 0 AND latency_us),
    percent_bp integer NOT NULL CHECK (percent_bp BETWEEN 1 AND 10000),
    status     integer NOT NULL,
    reset      boolean NOT NULL,
    header     text    NOT NULL,
    value      text    NOT NULL,
    started_at integer NOT NULL,
    ends_at    integer NOT NULL CHECK (ends_at <= started_at + 3600000000),
    actor      text    NOT NULL,
    reason     text    NOT NULL
);

CREATE TABLE drained_endpoints (
    backend  text NOT NULL,
    endpoint text NOT NULL,
    actor    text NOT NULL,
    at       integer NOT NULL,
    PRIMARY KEY (backend, endpoint)
);

CREATE TABLE breaker_resets (
    route      text NOT NULL,
    side       text NOT NULL CHECK (side IN ('legacy', 'new')),
    generation integer NOT NULL,
    PRIMARY KEY (route, side)
);

ALTER TABLE instances ADD COLUMN trouble text CHECK (trouble IS NULL OR json_valid(trouble));
