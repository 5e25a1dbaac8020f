-- The ids of the keys that an instance signs and verifies overrides with, the
-- signing one first, with commas between them. Null: an older router, which
-- does not say.
ALTER TABLE instances ADD COLUMN override_keys text;
