-- Sent as one simple query, so PostgreSQL runs all of it in one transaction.

-- What each router saw, as it was written, for a quarter of an hour: the hashes of
-- keys are in it, by which a key of several windows still counts once. A minute is
-- counted since 1970. Builds and ids come from outside and may hold any bytes: see
-- 000005_shadow.up.sql.
CREATE TABLE lane_windows (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    instance    text COLLATE "C" NOT NULL,
    route       text COLLATE "C" NOT NULL,
    side        text NOT NULL CHECK (side IN ('legacy', 'new')),
    step        bigint NOT NULL, -- revision by which requests were assigned
    minute      bigint NOT NULL, -- that it counts in
    ended_at    timestamptz NOT NULL, -- by the router's clock
    written_at  timestamptz NOT NULL, -- by the database's clock
    build       json NOT NULL,
    request_ids json NOT NULL,
    folded      boolean NOT NULL DEFAULT false, -- its span has it
    seen        bytea NOT NULL
);
-- Hashes cannot be compressed: nobody need try.
ALTER TABLE lane_windows ALTER COLUMN seen SET STORAGE EXTERNAL;
CREATE INDEX lane_windows_written ON lane_windows (written_at);
CREATE INDEX lane_windows_route ON lane_windows (route, minute);
CREATE INDEX lane_windows_unfolded ON lane_windows (minute, route, side) WHERE NOT folded;

-- What all routers saw together in a minute, and after some hours in an hour, at
-- the minute it begins with. What is added up over days is in columns of its own.
CREATE TABLE lane_spans (
    route    text COLLATE "C" NOT NULL,
    side     text    NOT NULL CHECK (side IN ('legacy', 'new')),
    minutes  integer NOT NULL CHECK (minutes IN (1, 60)),
    began    bigint  NOT NULL,
    requests bigint  NOT NULL CHECK (requests >= 0),
    exposed  bigint  NOT NULL CHECK (exposed >= 0),
    failed   bigint  NOT NULL CHECK (failed >= 0),
    slowed   bigint  NOT NULL CHECK (slowed >= 0),
    seen     bytea   NOT NULL,
    PRIMARY KEY (route, side, minutes, began)
);
CREATE INDEX lane_spans_began ON lane_spans (minutes, began);
-- Sums over days are read from this alone.
CREATE INDEX lane_spans_sums ON lane_spans (route, side, began, requests, exposed, failed, slowed);

-- One row: whoever makes spans locks it, so that others wait and then go on where
-- he ended. Nobody else waits.
CREATE TABLE lane_folding (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row)
);
INSERT INTO lane_folding DEFAULT VALUES;
