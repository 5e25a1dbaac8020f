DROP TABLE lane_folding;
DROP TABLE lane_spans;
DROP TABLE lane_windows;
