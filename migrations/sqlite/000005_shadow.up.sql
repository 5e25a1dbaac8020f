-- See postgres/000005_shadow.up.sql for why each table looks as it does.

CREATE TABLE shadow_routes (
    route      text PRIMARY KEY NOT NULL,
    written_at integer NOT NULL,
    folded_at  integer
);

CREATE TABLE shadow_epochs (
    route    text NOT NULL,
    id       text NOT NULL,
    build    text NOT NULL CHECK (json_valid(build)),
    rules    text NOT NULL,
    began_at integer NOT NULL,
    last_at  integer NOT NULL,
    PRIMARY KEY (route, id)
);

CREATE TABLE shadow_tallies (
    route  text NOT NULL,
    minute integer NOT NULL,
    epoch  text NOT NULL,
    result text NOT NULL,
    n      integer NOT NULL CHECK (n >= 0),
    PRIMARY KEY (route, epoch, result, minute)
) WITHOUT ROWID;

CREATE TABLE shadow_signatures (
    route        text NOT NULL,
    epoch        text NOT NULL,
    id           text NOT NULL,
    signature    text NOT NULL CHECK (json_valid(signature)),
    first_at     integer NOT NULL,
    last_at      integer NOT NULL,
    pairs_both   integer NOT NULL CHECK (pairs_both >= 0),
    pairs_new    integer NOT NULL CHECK (pairs_new >= 0),
    pairs_legacy integer NOT NULL CHECK (pairs_legacy >= 0),
    confirmed    integer NOT NULL CHECK (confirmed >= 0),
    transient    integer NOT NULL CHECK (transient >= 0),
    PRIMARY KEY (route, epoch, id)
);

CREATE TABLE shadow_sets (
    route   text NOT NULL,
    epoch   text NOT NULL,
    id      text NOT NULL,
    members text NOT NULL,
    PRIMARY KEY (route, epoch, id)
);

CREATE TABLE shadow_exemplars (
    id       text PRIMARY KEY NOT NULL,
    route    text NOT NULL,
    epoch    text NOT NULL,
    at       integer NOT NULL,
    draw     integer NOT NULL,
    bytes    integer NOT NULL,
    document text NOT NULL CHECK (json_valid(document))
);
CREATE INDEX shadow_exemplars_route ON shadow_exemplars (route, epoch, bytes);

CREATE TABLE shadow_kept (
    route     text NOT NULL,
    epoch     text NOT NULL,
    signature text NOT NULL,
    exemplar  text NOT NULL,
    at        integer NOT NULL,
    draw      integer NOT NULL,
    PRIMARY KEY (route, epoch, signature, exemplar)
) WITHOUT ROWID;
CREATE INDEX shadow_kept_exemplar ON shadow_kept (exemplar, signature);

ALTER TABLE instances ADD COLUMN redaction_keys text;
