DROP TABLE instances;
DROP TABLE tokens;
DROP TABLE routes;
DROP TABLE events;
DROP TABLE cohort_groups;
DROP TABLE backends;
DROP TABLE store;
