import { describe, expect, test } from "vitest";
import type { Event, RouteStatistics, RouteStatus, Stage } from "../src/api/types";
import { burndown, median, readyToRetire, stuck, trafficShare } from "../src/lib/burndown";
import { choiceOf, chosen } from "../src/lib/choose";
import { moved, place } from "../src/actions/move";
import { compared } from "../src/lib/structure";
import { parsed } from "../src/lib/tree";

const hour = 3_600_000;
const start = Date.UTC(2026, 10, 1);
const free = { kind: null, reason: "" };

function route(name: string, stage: Stage, more: Partial<RouteStatus> = {}): RouteStatus {
  return {
    name, stage, weight_bp: 0, hold: free, revision: 1, match: `GET /${name}`, legacy: "monolith", new: "fresh", group: "", step: 0, steps: 1,
    changed_by: "ana", changed_at: new Date(start).toISOString(), invalid: null, parity: null, autopilot: "off", gates: null, ...more,
  };
}

function event(hours: number, subject: string, before: Stage | null, after: Stage | null): Event {
  const state = (stage: Stage | null) => (stage === null ? null : { stage, weight_bp: 0, hold: free });
  return {
    id: hours, revision: hours, verb: "promote", kind: "route", subject, actor: "ana", cause: "operator", reason: "",
    before: state(before), after: state(after), evidence: null, at: new Date(start + hours * hour).toISOString(),
  };
}

describe("the burn-down by routes", () => {
  test("goes backwards from what is now", () => {
    const events = [event(4, "a", "new", "shadow"), event(3, "a", "canary", "new"), event(1, "b", null, "legacy")];
    const points = burndown([route("a", "shadow"), route("b", "legacy")], events, start + 5 * hour);
    expect(points.map(({ at, left, all }) => [(at - start) / hour, left, all])).toEqual([
      [1, 1, 1], [1, 2, 2], [3, 2, 2], [3, 1, 2], [4, 1, 2], [4, 2, 2], [5, 2, 2],
    ]);
  });

  test("knows a route that is gone", () => {
    const points = burndown([], [event(2, "a", "shadow", null)], start + 3 * hour);
    expect(points.map((point) => point.all)).toEqual([1, 0, 0]);
  });

  test("is one point without a history", () => {
    expect(burndown([route("a", "new")], [], start)).toEqual([{ at: start, left: 0, all: 1 }]);
  });
});

test("legacy's share of the traffic of all routes", () => {
  const statistics = (points: [number, "legacy" | "new", number][]) => ({
    route: "a", slow_over_ms: null, points: points.map(([at, side, requests]) => ({ from: new Date(at * 1000).toISOString(), side, requests })),
  }) as unknown as RouteStatistics;
  expect(trafficShare([statistics([[120, "new", 0], [60, "legacy", 30]]), statistics([[60, "new", 10]])])).toEqual([{ at: 60, legacy: 75 }, { at: 120, legacy: null }]);
});

test("the median", () => {
  expect([median([]), median([3]), median([9, 1, 2]), median([4, 1, 2, 3])]).toEqual([null, 3, 2, 2.5]);
});

test("what is stuck, and why", () => {
  expect(stuck(route("a", "canary", { hold: { kind: "rolled_back", reason: "errors" } }), start)).toBe("rolled back: errors");
  expect(stuck(route("a", "canary", { gates: { verdict: "fail", missing: "parity: 3%", held: "" } }), start)).toBe("parity: 3%");
  expect(stuck(route("a", "canary"), start + 20 * 24 * hour)).toBe("nothing has changed for 20 days");
  expect([stuck(route("a", "canary"), start), stuck(route("a", "new"), start + 99 * 24 * hour), stuck(route("a", "legacy", { new: "" }), start + 99 * 24 * hour)]).toEqual(["", "", ""]);
});

test("what is ready to retire", () => {
  const gates = { verdict: "pass" as const, missing: "", held: "" };
  expect(readyToRetire(route("a", "new", { gates }))).toBe(true);
  expect(readyToRetire(route("a", "new", { gates, hold: { kind: "paused", reason: "" } }))).toBe(false);
  expect(readyToRetire(route("a", "canary", { gates }))).toBe(false);
});

describe("filters in the URL", () => {
  const all = [route("b", "new"), route("a", "canary", { group: "shop" }), route("c", "canary")];
  const names = (query: string) => chosen(all, choiceOf(new URLSearchParams(query)).choice, new Map()).map((one) => one.name);

  test.each([["", "a b c"], ["sort=-name", "c b a"], ["stage=canary", "a c"], ["q=GET+/C", "c"], ["group=shop", "a"], ["sort=stage", "a c b"], ["q=nothing", ""]])("%s", (query, wanted) => {
    expect(names(query).join(" ")).toBe(wanted);
  });

  test("what means nothing is left out and named", () => {
    expect(choiceOf(new URLSearchParams("stage=moon&sort=-colour&hold=paused")).unknown).toEqual(["sort=-colour", "stage=moon"]);
    expect(names("stage=moon")).toEqual(["a", "b", "c"]);
  });
});

test("a preview in numbers", () => {
  const state = (stage: Stage, weight_bp: number) => ({ stage, weight_bp, hold: free });
  expect(moved(state("canary", 500), state("canary", 2500), 50)).toBe("About 10/s of 50/s would move to new: 20% of the users.");
  expect(moved(state("canary", 2500), state("shadow", 0), 50)).toBe("About 13/s of 50/s would move to legacy: 25% of the users.");
  expect(moved(state("legacy", 0), state("shadow", 0), 50)).toBe("No request changes its side.");
  expect(place({ ...state("canary", 2500), hold: { kind: "paused", reason: "" } })).toBe("canary at 25%, paused");
});

test("a structural difference", () => {
  const tree = compared({ items: [{ sku: "x", n: 1 }, { sku: "y" }], total: 1 }, { items: [{ sku: "x", n: 2 }], extra: true });
  expect(tree.children.map(({ name, kind }) => [name, kind])).toEqual([["items", "below"], ["total", "missing"], ["extra", "extra"]]);
  expect(tree.children[0]?.children[0]?.children[0]).toMatchObject({ name: "n", kind: "changed", legacy: "1", fresh: "2" });
});

test("a text that was cut is no structure", () => {
  expect([parsed('{"a":1}'), parsed('{"a":1…'), parsed("12")]).toEqual([{ a: 1 }, null, null]);
});
