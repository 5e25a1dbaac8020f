ALTER TABLE instances DROP COLUMN trouble;
DROP TABLE breaker_resets;
DROP TABLE drained_endpoints;
DROP TABLE faults;
