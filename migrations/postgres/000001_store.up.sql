-- Sent as one simple query, so PostgreSQL runs all of it in one transaction.

-- One row: who this store is and how far its history goes. Every writer locks
-- it first; that makes revisions and event ids gapless, in the order of commit.
CREATE TABLE store (
    only_row             boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    id                   text    NOT NULL DEFAULT gen_random_uuid()::text,
    revision             bigint  NOT NULL DEFAULT 0 CHECK (revision >= 0),
    definitions_revision bigint  NOT NULL DEFAULT 0 CHECK (definitions_revision BETWEEN 0 AND revision),
    revision_hash        bytea   NOT NULL DEFAULT '',  -- of the last event of that revision
    event_id             bigint  NOT NULL DEFAULT 0,   -- of the newest event
    event_hash           bytea   NOT NULL DEFAULT ''   -- of the newest event
);
INSERT INTO store DEFAULT VALUES;

-- Names sort by bytes, as Go sorts them, whatever the database's collation.
CREATE TABLE backends (
    name       text COLLATE "C" PRIMARY KEY,
    definition json   NOT NULL,
    revision   bigint NOT NULL
);

CREATE TABLE cohort_groups (
    name       text COLLATE "C" PRIMARY KEY,
    definition json   NOT NULL,
    revision   bigint NOT NULL
);

-- json and not jsonb: the bytes come back as they were written, and hashes
-- are taken over bytes.
CREATE TABLE events (
    id        bigint PRIMARY KEY,
    revision  bigint NOT NULL,
    verb      text   NOT NULL,
    kind      text   NOT NULL,
    subject   text   NOT NULL,
    actor     text   NOT NULL,
    cause     text   NOT NULL,
    reason    text   NOT NULL DEFAULT '',
    before    json,
    after     json,
    evidence  json,
    at        timestamptz NOT NULL,
    prev_hash bytea  NOT NULL,
    hash      bytea  NOT NULL
);
CREATE INDEX events_subject ON events (kind, subject, id);
CREATE INDEX events_revision ON events (revision, id);

CREATE FUNCTION refuse_event_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'events are immutable';
END $$;
CREATE TRIGGER events_immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON events
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_event_change();

CREATE TABLE routes (
    name          text COLLATE "C" PRIMARY KEY,
    definition    json    NOT NULL,
    stage         text    NOT NULL DEFAULT 'legacy',
    weight_bp     integer NOT NULL DEFAULT 0,
    hold_kind     text    NOT NULL DEFAULT '' CHECK (hold_kind IN ('', 'paused', 'rolled_back')),
    hold_reason   text    NOT NULL DEFAULT '',
    hold_evidence json,
    revision      bigint  NOT NULL,
    changed_by    text    NOT NULL,
    changed_at    timestamptz NOT NULL,
    last_event    bigint REFERENCES events (id), -- the newest lifecycle event, for undo
    CONSTRAINT routes_stage_weight CHECK (
        (stage IN ('legacy', 'shadow') AND weight_bp = 0)
        OR (stage = 'canary' AND weight_bp BETWEEN 1 AND 9999)
        OR (stage IN ('new', 'retired') AND weight_bp = 10000))
);
CREATE INDEX routes_revision ON routes (revision);

CREATE TABLE tokens (
    id         text PRIMARY KEY,
    name       text  NOT NULL,
    role       text  NOT NULL CHECK (role IN ('viewer', 'operator', 'admin')),
    hash       bytea NOT NULL UNIQUE CHECK (octet_length(hash) = 32), -- SHA-256 of the secret
    created_at timestamptz NOT NULL,
    expires_at timestamptz,
    revoked_at timestamptz
);

CREATE TABLE instances (
    name       text COLLATE "C" PRIMARY KEY,
    revision   bigint  NOT NULL,
    version    text    NOT NULL,
    started_at timestamptz NOT NULL,
    seen_at    timestamptz NOT NULL, -- by the database's clock
    signed_off boolean NOT NULL
);
