-- Sent as one simple query, so PostgreSQL runs all of it in one transaction.

-- The routes with evidence. Whoever writes evidence of a route writes its row
-- first, and so waits for the others who do.
CREATE TABLE shadow_routes (
    route      text COLLATE "C" PRIMARY KEY,
    written_at timestamptz NOT NULL,
    folded_at  timestamptz -- null: not yet
);

-- What comes from requests and responses (builds, places, values) may hold any
-- bytes. It is kept as JSON, where NUL is escaped; what is not UTF-8 is the
-- object {"base64": …} there.
CREATE TABLE shadow_epochs (
    route    text COLLATE "C" NOT NULL,
    id       text COLLATE "C" NOT NULL,
    build    json NOT NULL,
    rules    text NOT NULL,
    began_at timestamptz NOT NULL,
    last_at  timestamptz NOT NULL,
    PRIMARY KEY (route, id)
);

-- Counts of all instances together. A minute is counted since 1970; older rows
-- are added up to whole hours, at the minute the hour begins with. The minute is
-- last in the key, so that sums over time are read in order, without sorting.
CREATE TABLE shadow_tallies (
    route  text COLLATE "C" NOT NULL,
    minute bigint NOT NULL,
    epoch  text COLLATE "C" NOT NULL, -- empty: requests that were not compared
    result text COLLATE "C" NOT NULL,
    n      bigint NOT NULL CHECK (n >= 0),
    PRIMARY KEY (route, epoch, result, minute)
);

-- The pairs are comparisons in which legacy was asked twice.
CREATE TABLE shadow_signatures (
    route        text COLLATE "C" NOT NULL,
    epoch        text COLLATE "C" NOT NULL,
    id           text COLLATE "C" NOT NULL,
    signature    json   NOT NULL,
    first_at     timestamptz NOT NULL,
    last_at      timestamptz NOT NULL,
    pairs_both   bigint NOT NULL CHECK (pairs_both >= 0),
    pairs_new    bigint NOT NULL CHECK (pairs_new >= 0),
    pairs_legacy bigint NOT NULL CHECK (pairs_legacy >= 0),
    confirmed    bigint NOT NULL CHECK (confirmed >= 0),
    transient    bigint NOT NULL CHECK (transient >= 0),
    PRIMARY KEY (route, epoch, id)
);

CREATE TABLE shadow_sets (
    route   text COLLATE "C" NOT NULL,
    epoch   text COLLATE "C" NOT NULL,
    id      text COLLATE "C" NOT NULL,
    members text NOT NULL, -- ids of signatures, with commas between them
    PRIMARY KEY (route, epoch, id)
);

CREATE TABLE shadow_exemplars (
    id       text COLLATE "C" PRIMARY KEY,
    route    text COLLATE "C" NOT NULL,
    epoch    text COLLATE "C" NOT NULL,
    at       timestamptz NOT NULL,
    draw     bigint  NOT NULL,
    bytes    integer NOT NULL, -- of the document, which the quota counts
    document json    NOT NULL
);
CREATE INDEX shadow_exemplars_route ON shadow_exemplars (route, epoch, bytes);

-- Which exemplars are kept for which signature. The time and the draw of the
-- exemplar are here as well: they decide what is kept, and the documents are
-- not read for it.
CREATE TABLE shadow_kept (
    route     text COLLATE "C" NOT NULL,
    epoch     text COLLATE "C" NOT NULL,
    signature text COLLATE "C" NOT NULL,
    exemplar  text COLLATE "C" NOT NULL,
    at        timestamptz NOT NULL,
    draw      bigint NOT NULL,
    PRIMARY KEY (route, epoch, signature, exemplar)
);
CREATE INDEX shadow_kept_exemplar ON shadow_kept (exemplar, signature);

-- The ids of the keys that an instance hides values with, the one in use first,
-- with commas between them. Null: an older router, which does not say.
ALTER TABLE instances ADD COLUMN redaction_keys text;
