-- Sent as one simple query, so PostgreSQL runs all of it in one transaction.

-- Overrides are signed values that only their testers have; what must be known
-- of them is which are not to be believed any more.
CREATE TABLE revoked_overrides (
    id         text COLLATE "C" PRIMARY KEY,
    expires_at timestamptz NOT NULL -- of the override: then the row may go
);

-- What each instance served, added up. A minute is counted since 1970; older
-- rows are added up to whole hours, at the minute the hour begins with.
CREATE TABLE lane_counts (
    route    text COLLATE "C" NOT NULL,
    side     text   NOT NULL CHECK (side IN ('legacy', 'new')),
    instance text COLLATE "C" NOT NULL,
    minute   bigint NOT NULL,
    requests bigint NOT NULL CHECK (requests >= 0),
    unsafe   bigint NOT NULL CHECK (unsafe BETWEEN 0 AND requests),
    PRIMARY KEY (route, side, minute, instance)
);
CREATE INDEX lane_counts_minute ON lane_counts (minute);
