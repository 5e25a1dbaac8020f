DROP TABLE lane_counts;
DROP TABLE revoked_overrides;
