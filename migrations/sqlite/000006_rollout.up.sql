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
    folded      boolean NOT NULL DEFAULT false,
    seen        blob    NOT NULL
);
CREATE INDEX lane_windows_written ON lane_windows (written_at);
CREATE INDEX lane_windows_route ON lane_windows (route, minute);
CREATE INDEX lane_windows_unfolded ON lane_windows (minute, route, side) WHERE NOT folded;

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
    only_row integer PRIMARY KEY DEFAULT 1 CHECK (only_row = 1)
);
INSERT INTO lane_folding DEFAULT VALUES;
