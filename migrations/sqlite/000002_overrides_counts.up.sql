-- See postgres/000002_overrides_counts.up.sql for why each table looks as it does.

CREATE TABLE revoked_overrides (
    id         text PRIMARY KEY NOT NULL,
    expires_at integer NOT NULL
);

CREATE TABLE lane_counts (
    route    text    NOT NULL,
    side     text    NOT NULL CHECK (side IN ('legacy', 'new')),
    instance text    NOT NULL,
    minute   integer NOT NULL,
    requests integer NOT NULL CHECK (requests >= 0),
    unsafe   integer NOT NULL CHECK (unsafe BETWEEN 0 AND requests),
    PRIMARY KEY (route, side, minute, instance)
);
CREATE INDEX lane_counts_minute ON lane_counts (minute);
