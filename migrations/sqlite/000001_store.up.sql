-- See postgres/000001_store.up.sql for why each table looks as it does; this
-- one differs in types only: json is text, times are microseconds since 1970.

CREATE TABLE store (
    only_row             integer PRIMARY KEY DEFAULT 1 CHECK (only_row = 1),
    id                   text    NOT NULL,
    revision             integer NOT NULL DEFAULT 0 CHECK (revision >= 0),
    definitions_revision integer NOT NULL DEFAULT 0 CHECK (definitions_revision BETWEEN 0 AND revision),
    revision_hash        blob    NOT NULL DEFAULT x'',
    event_id             integer NOT NULL DEFAULT 0,
    event_hash           blob    NOT NULL DEFAULT x''
);
-- A random UUID (version 4); SQLite has no function for one.
INSERT INTO store (id) SELECT lower(
    substr(h, 1, 8) || '-' || substr(h, 9, 4) || '-4' || substr(h, 14, 3) || '-'
    || substr('89AB', 1 + (abs(random()) % 4), 1) || substr(h, 18, 3) || '-' || substr(h, 21, 12))
FROM (SELECT hex(randomblob(16)) AS h);

CREATE TABLE backends (
    name       text PRIMARY KEY NOT NULL,
    definition text    NOT NULL CHECK (json_valid(definition)),
    revision   integer NOT NULL
);

CREATE TABLE cohort_groups (
    name       text PRIMARY KEY NOT NULL,
    definition text    NOT NULL CHECK (json_valid(definition)),
    revision   integer NOT NULL
);

CREATE TABLE events (
    id        integer PRIMARY KEY,
    revision  integer NOT NULL,
    verb      text    NOT NULL,
    kind      text    NOT NULL,
    subject   text    NOT NULL,
    actor     text    NOT NULL,
    cause     text    NOT NULL,
    reason    text    NOT NULL DEFAULT '',
    before    text CHECK (before IS NULL OR json_valid(before)),
    after     text CHECK (after IS NULL OR json_valid(after)),
    evidence  text CHECK (evidence IS NULL OR json_valid(evidence)),
    at        integer NOT NULL,
    prev_hash blob    NOT NULL,
    hash      blob    NOT NULL
);
CREATE INDEX events_subject ON events (kind, subject, id);
CREATE INDEX events_revision ON events (revision, id);

CREATE TRIGGER events_no_update BEFORE UPDATE ON events
BEGIN
    SELECT RAISE(ABORT, 'events are immutable');
END;
CREATE TRIGGER events_no_delete BEFORE DELETE ON events
BEGIN
    SELECT RAISE(ABORT, 'events are immutable');
END;

CREATE TABLE routes (
    name          text PRIMARY KEY NOT NULL,
    definition    text    NOT NULL CHECK (json_valid(definition)),
    stage         text    NOT NULL DEFAULT 'legacy',
    weight_bp     integer NOT NULL DEFAULT 0,
    hold_kind     text    NOT NULL DEFAULT '' CHECK (hold_kind IN ('', 'paused', 'rolled_back')),
    hold_reason   text    NOT NULL DEFAULT '',
    hold_evidence text CHECK (hold_evidence IS NULL OR json_valid(hold_evidence)),
    revision      integer NOT NULL,
    changed_by    text    NOT NULL,
    changed_at    integer NOT NULL,
    last_event    integer REFERENCES events (id),
    CONSTRAINT routes_stage_weight CHECK (
        (stage IN ('legacy', 'shadow') AND weight_bp = 0)
        OR (stage = 'canary' AND weight_bp BETWEEN 1 AND 9999)
        OR (stage IN ('new', 'retired') AND weight_bp = 10000))
);
CREATE INDEX routes_revision ON routes (revision);

CREATE TABLE tokens (
    id         text PRIMARY KEY NOT NULL,
    name       text NOT NULL,
    role       text NOT NULL CHECK (role IN ('viewer', 'operator', 'admin')),
    hash       blob NOT NULL UNIQUE CHECK (length(hash) = 32),
    created_at integer NOT NULL,
    expires_at integer,
    revoked_at integer
);

CREATE TABLE instances (
    name       text PRIMARY KEY NOT NULL,
    revision   integer NOT NULL,
    version    text    NOT NULL,
    started_at integer NOT NULL,
    seen_at    integer NOT NULL,
    signed_off boolean NOT NULL
);
