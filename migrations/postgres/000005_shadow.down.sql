ALTER TABLE instances DROP COLUMN redaction_keys;
DROP TABLE shadow_kept;
DROP TABLE shadow_exemplars;
DROP TABLE shadow_sets;
DROP TABLE shadow_signatures;
DROP TABLE shadow_tallies;
DROP TABLE shadow_epochs;
DROP TABLE shadow_routes;
