-- Sent as one simple query, so PostgreSQL runs all of it in one transaction.

-- What each router saw, as it was written, for a quarter of an hour: the hashes of
-- keys are in it, by which a key of several windows still counts once. A minute is
-- counted since 1970. Builds and ids come from outside and may hold any bytes: see
-- 000005_shadow.up.sql.
CREATE TABLE lane_windows (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    instance    text COLLATE "C" NOT NULL,
    route       text COLLATE "C" NOT NULL,
    side        text COLLATE "C" NOT NULL CHECK (side IN ('legacy', 'new')),
    step        bigint NOT NULL, -- revision by which requests were assigned
    minute      bigint NOT NULL, -- that it counts in
    ended_at    timestamptz NOT NULL, -- by the router's clock
    written_at  timestamptz NOT NULL, -- by the database's clock
    build       json NOT NULL,
    request_ids json NOT NULL,
    late        boolean NOT NULL, -- its minute may be in a span already, without it
    seen        bytea NOT NULL
);
-- Hashes cannot be compressed: nobody need try.
ALTER TABLE lane_windows ALTER COLUMN seen SET STORAGE EXTERNAL;
CREATE INDEX lane_windows_written ON lane_windows (written_at);
CREATE INDEX lane_windows_route ON lane_windows (route, minute);
CREATE INDEX lane_windows_minute ON lane_windows (minute, route, side);
CREATE INDEX lane_windows_late ON lane_windows (minute, route, side) WHERE late;

-- What all routers saw together in a minute, and after some hours in an hour, at
-- the minute it begins with. What is added up over days is in columns of its own.
CREATE TABLE lane_spans (
    route    text COLLATE "C" NOT NULL,
    side     text COLLATE "C" NOT NULL CHECK (side IN ('legacy', 'new')),
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

-- One row: how far windows have been merged to spans. Whoever makes some locks it,
-- so that others wait and then go on where he ended. Nobody else waits.
CREATE TABLE lane_folding (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    minute   bigint NOT NULL DEFAULT 0, -- those before it are done
    route    text COLLATE "C" NOT NULL DEFAULT '', -- and of it what comes up to this route
    side     text COLLATE "C" NOT NULL DEFAULT ''  -- and side
);
INSERT INTO lane_folding DEFAULT VALUES;

-- Since when each route stands where it stands. The database itself notes it:
-- then it also holds for what an older router moves, which does not know of it.
ALTER TABLE routes ADD COLUMN step_revision bigint NOT NULL DEFAULT 0;
ALTER TABLE routes ADD COLUMN step_at timestamptz;
UPDATE routes SET step_revision = revision, step_at = changed_at;

CREATE FUNCTION note_step() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.step_revision := NEW.revision;
    NEW.step_at := NEW.changed_at;
    RETURN NEW;
END $$;
CREATE TRIGGER routes_step_begun BEFORE INSERT ON routes
    FOR EACH ROW EXECUTE FUNCTION note_step();
CREATE TRIGGER routes_step_taken BEFORE UPDATE ON routes
    FOR EACH ROW WHEN (OLD.stage <> NEW.stage OR OLD.weight_bp <> NEW.weight_bp) EXECUTE FUNCTION note_step();

-- One row: whose autopilot acts. Whoever writes by its number locks it against
-- those who would take over.
CREATE TABLE autopilot_lease (
    only_row   boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    holder     text   NOT NULL DEFAULT '', -- instance; empty: nobody has ever had it
    number     bigint NOT NULL DEFAULT 0,
    expires_at timestamptz NOT NULL DEFAULT to_timestamp(0)
);
INSERT INTO autopilot_lease DEFAULT VALUES;

-- What the autopilot has come to about each route. All of them are written every
-- few seconds: room on each page keeps that away from the index.
CREATE TABLE dossiers (
    route        text COLLATE "C" PRIMARY KEY,
    slow_over_ns bigint NOT NULL CHECK (slow_over_ns >= 0), -- 0: not known
    state        json,
    at           timestamptz NOT NULL
) WITH (fillfactor = 50);

-- More that operators have switched, besides 000004_controls.up.sql. A route that
-- is not named is off. An older router that removes a route does not know of them.
CREATE TABLE autopilots (
    route text COLLATE "C" PRIMARY KEY REFERENCES routes (name) ON DELETE CASCADE,
    mode  text NOT NULL CHECK (mode IN ('on', 'disarmed')),
    actor text NOT NULL,
    at    timestamptz NOT NULL
);

-- One row while promotions are frozen.
CREATE TABLE freezes (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    actor    text NOT NULL,
    at       timestamptz NOT NULL,
    reason   text NOT NULL
);

CREATE TABLE webhooks (
    name       text COLLATE "C" PRIMARY KEY,
    definition json   NOT NULL,
    revision   bigint NOT NULL
);

-- How far each of them has come in the history.
CREATE TABLE webhook_places (
    webhook      text COLLATE "C" PRIMARY KEY REFERENCES webhooks (name) ON DELETE CASCADE,
    event        bigint  NOT NULL,
    failures     integer NOT NULL DEFAULT 0 CHECK (failures >= 0),
    next_try     timestamptz, -- null: at once
    last_error   text    NOT NULL DEFAULT '',
    delivered_at timestamptz  -- null: nothing ever was
);
