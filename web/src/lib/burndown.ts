// How the migration went down to where it is, from the history and from the statistics.
import type { Event, RouteStatistics, RouteStatus, Stage } from "../api/types";

export interface Point {
  /** In milliseconds. */
  at: number;
  /** Routes of which legacy still serves something. */
  left: number;
  all: number;
}

const over: ReadonlySet<Stage> = new Set<Stage>(["new", "retired"]);

/**
 * The number of routes that legacy still serves something of, at every change, oldest first. It goes
 * backwards from what is now, so that a history that is read in part is right as far as it goes.
 */
export function burndown(routes: Iterable<RouteStatus>, newestFirst: readonly Event[], now: number): Point[] {
  const stages = new Map<string, Stage>();
  for (const route of routes) stages.set(route.name, route.stage);
  const points: Point[] = [count(stages, now)];
  for (const event of newestFirst) {
    if (event.kind !== "route") continue;
    const at = Date.parse(event.at);
    const after = count(stages, at);
    if (!takeBack(stages, event)) continue;
    points.push(after, count(stages, at));
  }
  return points.reverse();
}

function count(stages: ReadonlyMap<string, Stage>, at: number): Point {
  let left = 0;
  for (const stage of stages.values()) if (!over.has(stage)) left++;
  return { at, left, all: stages.size };
}

function takeBack(stages: Map<string, Stage>, event: Event): boolean {
  const before = stageOf(event.before);
  if (before !== null) {
    const changed = stages.get(event.subject) !== before;
    stages.set(event.subject, before);
    return changed;
  }
  if (event.before == null) return stages.delete(event.subject);
  // It was removed by this event; where it stood then an earlier one says.
  if (event.after == null && !stages.has(event.subject)) {
    stages.set(event.subject, "legacy");
    return true;
  }
  return false;
}

function stageOf(value: unknown): Stage | null {
  if (typeof value !== "object" || value === null || !("stage" in value)) return null;
  return (value as { stage: Stage }).stage;
}

export interface Share {
  /** In seconds. */
  at: number;
  /** The part of the requests that legacy served, in percent; null when there were none. */
  legacy: number | null;
}

/** Legacy's part of the traffic of all these routes together, by time. */
export function trafficShare(all: readonly RouteStatistics[]): Share[] {
  const sums = new Map<number, { legacy: number; new: number }>();
  for (const { points } of all) {
    for (const point of points) {
      const at = Date.parse(point.from) / 1000;
      const sum = sums.get(at) ?? { legacy: 0, new: 0 };
      sum[point.side] += point.requests;
      sums.set(at, sum);
    }
  }
  return [...sums].sort(([a], [b]) => a - b).map(([at, sum]) => {
    const whole = sum.legacy + sum.new;
    return { at, legacy: whole === 0 ? null : (100 * sum.legacy) / whole };
  });
}

/** The middle of the ages, in seconds; null of none. */
export function median(values: readonly number[]): number | null {
  if (values.length === 0) return null;
  const sorted = [...values].sort((a, b) => a - b);
  const half = Math.floor(sorted.length / 2);
  const upper = sorted[half] ?? 0;
  return sorted.length % 2 === 1 ? upper : ((sorted[half - 1] ?? 0) + upper) / 2;
}

const longWithout = 14 * 24 * 3600;

/** Why a route does not get on; empty when it does, or has nowhere to go. */
export function stuck(route: RouteStatus, now: number): string {
  if (route.invalid) return `not in the table: ${route.invalid.message}`;
  if (route.new === "" || over.has(route.stage)) return "";
  if (route.hold.kind === "paused") return `paused${route.hold.reason ? `: ${route.hold.reason}` : ""}`;
  if (route.hold.kind === "rolled_back") return `rolled back${route.hold.reason ? `: ${route.hold.reason}` : ""}`;
  if (route.gates?.verdict === "fail") return route.gates.missing;
  const days = Math.floor((now - Date.parse(route.changed_at)) / 86_400_000);
  return days * 86_400 >= longWithout ? `nothing has changed for ${days} days` : "";
}

export function readyToRetire(route: RouteStatus): boolean {
  return route.stage === "new" && route.hold.kind === null && route.gates?.verdict === "pass";
}
