ALTER TABLE instances DROP COLUMN override_keys;
