-- See postgres/000006_rollout.up.sql for why each table looks as it does.

CREATE TABLE lane_windows (
    id          integer PRIMARY KEY AUTOINCREMENT NOT NULL,
    instance    text    NOT NULL,
    route       text    NOT NULL,
    side        text    NOT NULL CHECK (side IN ('legacy', 'new')),
    step        integer NOT NULL,
    minute      integer NOT NULL,
    ended_at    integer NOT NULL,
    written_at  integer NOT NULL,
    build       text    NOT NULL CHECK (json_valid(build)),
    request_ids text    NOT NULL CHECK (json_valid(request_ids)),
    late        boolean NOT NULL,
    seen        blob    NOT NULL
);
CREATE INDEX lane_windows_written ON lane_windows (written_at);
CREATE INDEX lane_windows_route ON lane_windows (route, minute);
CREATE INDEX lane_windows_minute ON lane_windows (minute, route, side);
CREATE INDEX lane_windows_late ON lane_windows (minute, route, side) WHERE late;

CREATE TABLE lane_spans (
    route    text    NOT NULL,
    side     text    NOT NULL CHECK (side IN ('legacy', 'new')),
    minutes  integer NOT NULL CHECK (minutes IN (1, 60)),
    began    integer NOT NULL,
    requests integer NOT NULL CHECK (requests >= 0),
    exposed  integer NOT NULL CHECK (exposed >= 0),
    failed   integer NOT NULL CHECK (failed >= 0),
    slowed   integer NOT NULL CHECK (slowed >= 0),
    seen     blob    NOT NULL,
    PRIMARY KEY (route, side, minutes, began)
);
CREATE INDEX lane_spans_began ON lane_spans (minutes, began);
CREATE INDEX lane_spans_sums ON lane_spans (route, side, began, requests, exposed, failed, slowed);

CREATE TABLE lane_folding (
    only_row integer PRIMARY KEY DEFAULT 1 CHECK (only_row = 1),
    minute   integer NOT NULL DEFAULT 0,
    route    text    NOT NULL DEFAULT '',
    side     text    NOT NULL DEFAULT ''
);
INSERT INTO lane_folding DEFAULT VALUES;

ALTER TABLE routes ADD COLUMN step_revision integer NOT NULL DEFAULT 0;
ALTER TABLE routes ADD COLUMN step_at integer;
UPDATE routes SET step_revision = revision, step_at = changed_at;

CREATE TRIGGER routes_step_begun AFTER INSERT ON routes
BEGIN
    UPDATE routes SET step_revision = revision, step_at = changed_at WHERE name = NEW.name;
END;
CREATE TRIGGER routes_step_taken AFTER UPDATE OF stage, weight_bp ON routes
WHEN OLD.stage <> NEW.stage OR OLD.weight_bp <> NEW.weight_bp
BEGIN
    UPDATE routes SET step_revision = revision, step_at = changed_at WHERE name = NEW.name;
END;

CREATE TABLE autopilot_lease (
    only_row   integer PRIMARY KEY DEFAULT 1 CHECK (only_row = 1),
    holder     text    NOT NULL DEFAULT '',
    number     integer NOT NULL DEFAULT 0,
    expires_at integer NOT NULL DEFAULT 0
);
INSERT INTO autopilot_lease DEFAULT VALUES;

CREATE TABLE dossiers (
    route        text PRIMARY KEY NOT NULL,
    slow_over_ns integer NOT NULL CHECK (slow_over_ns >= 0),
    state        text CHECK (state IS NULL OR json_valid(state)),
    at           integer NOT NULL
);

CREATE TABLE autopilots (
    route text PRIMARY KEY NOT NULL REFERENCES routes (name) ON DELETE CASCADE,
    mode  text    NOT NULL CHECK (mode IN ('on', 'disarmed')),
    actor text    NOT NULL,
    at    integer NOT NULL
);

CREATE TABLE freezes (
    only_row integer PRIMARY KEY DEFAULT 1 CHECK (only_row = 1),
    actor    text    NOT NULL,
    at       integer NOT NULL,
    reason   text    NOT NULL
);

CREATE TABLE webhooks (
    name       text PRIMARY KEY NOT NULL,
    definition text    NOT NULL CHECK (json_valid(definition)),
    revision   integer NOT NULL
);

CREATE TABLE webhook_places (
    webhook      text PRIMARY KEY NOT NULL REFERENCES webhooks (name) ON DELETE CASCADE,
    event        integer NOT NULL,
    failures     integer NOT NULL DEFAULT 0 CHECK (failures >= 0),
    next_try     integer,
    last_error   text    NOT NULL DEFAULT '',
    delivered_at integer
);
