ALTER TABLE instances ADD COLUMN override_keys text;
