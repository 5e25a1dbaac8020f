// Statistics as the charts want them: one row of times, one column for each side and measure.
import type { Side, StatisticsPoint } from "../api/types";

export type Column = (number | null)[];

export interface Series {
  /** Beginnings of the spans, in seconds. */
  times: number[];
  rate: Record<Side, Column>;
  /** Failures of the requests, in percent. */
  errors: Record<Side, Column>;
  p50: Record<Side, Column>;
  p95: Record<Side, Column>;
  p99: Record<Side, Column>;
}

const two = (): Record<Side, Column> => ({ legacy: [], new: [] });

/** Spans in which a side served nothing have the rate 0 and no other value. */
export function seriesOf(points: readonly StatisticsPoint[]): Series {
  const times = [...new Set(points.map((point) => Date.parse(point.from) / 1000))].sort((a, b) => a - b);
  const found = new Map(points.map((point) => [`${Date.parse(point.from) / 1000} ${point.side}`, point]));
  const series: Series = { times, rate: two(), errors: two(), p50: two(), p95: two(), p99: two() };
  for (const time of times) {
    for (const side of ["legacy", "new"] as const) {
      const point = found.get(`${time} ${side}`);
      const seconds = point ? (Date.parse(point.to) - Date.parse(point.from)) / 1000 : 0;
      series.rate[side].push(point && seconds > 0 ? point.requests / seconds : 0);
      series.errors[side].push(point && point.requests > 0 ? (100 * point.failures) / point.requests : null);
      series.p50[side].push(point?.p50_ms ?? null);
      series.p95[side].push(point?.p95_ms ?? null);
      series.p99[side].push(point?.p99_ms ?? null);
    }
  }
  return series;
}

/** The lowest value above 0 of all; 0 where there is none. */
export function lowest(...columns: Column[]): number {
  const found = columns.flat().filter((value): value is number => value !== null && value > 0);
  return found.reduce((least, value) => Math.min(least, value), found[0] ?? 0);
}

/** The highest value of both sides, so that their charts can be compared by eye. */
export function highest(...columns: Column[]): number {
  return columns.reduce((most, column) => column.reduce<number>((max, value) => Math.max(max, value ?? 0), most), 0);
}
