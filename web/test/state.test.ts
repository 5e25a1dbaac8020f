import { describe, expect, test } from "vitest";
import type { Event, RouteStatus } from "../src/api/types";
import { EventParser, type Message } from "../src/live/events";
import { empty, laneOf, lanes, type State, told } from "../src/live/state";
import { backOff } from "../src/live/stream";

function route(name: string, weight = 0): RouteStatus {
  return {
    name, stage: weight > 0 ? "canary" : "legacy", weight_bp: weight, hold: { kind: null, reason: "" }, revision: 1, match: "/*", legacy: "a", new: "b",
    group: "", step: 0, steps: 1, changed_by: "ana", changed_at: "2026-11-24T04:00:00Z", invalid: null, parity: null, autopilot: "off", gates: null,
  };
}

function event(id: number): Event {
  return { id, revision: id, verb: "promote", kind: "route", subject: "a", actor: "ana", cause: "operator", reason: "", before: null, after: null, evidence: null, at: "2026-11-24T04:00:00Z" };
}

const now = Date.UTC(2026, 10, 24, 4);
const hello = (state: State) => told(state, "hello", { revision: 1, now: new Date(now).toISOString() }, now, null);
const routes = (state: State, ...all: RouteStatus[]) => told(state, "routes", { revision: 2, routes: all, removed: [] }, now, null);

describe("the state", () => {
  test("takes changed routes and keeps the others", () => {
    const state = routes(routes(hello(empty), route("a"), route("b")), route("a", 2500));
    expect(state.routes.get("a")?.weight_bp).toBe(2500);
    expect([...state.routes.keys()]).toEqual(["a", "b"]);
  });

  test("forgets after a new connection what is gone, and shows it until then", () => {
    const before = routes(hello(empty), route("a"), route("b"));
    const again = hello(before);
    expect(again.routes.size).toBe(2);
    expect([...routes(again, route("b")).routes.keys()]).toEqual(["b"]);
  });

  test("drops routes that were removed", () => {
    const state = told(routes(hello(empty), route("a"), route("b")), "routes", { revision: 3, routes: [], removed: ["a"] }, now, null);
    expect([...state.routes.keys()]).toEqual(["b"]);
  });

  test("knows how far the router's clock is ahead", () => {
    const state = told(empty, "hello", { revision: 1, now: new Date(now + 86_400_000).toISOString() }, now, null);
    expect(state.ahead).toBe(86_400_000);
  });

  test("keeps each event once, newest first, and where to resume", () => {
    const state = [2, 1, 3, 3].reduce((s, id) => told(s, "history", event(id), now, String(id)), empty);
    expect(state.events.map((one) => one.id)).toEqual([3, 2, 1]);
    expect(state.lastEvent).toBe("3");
  });

  test("ignores what it does not know", () => {
    expect(told(empty, "weather", { sun: true }, now, null)).toBe(empty);
  });

  test("adds up the last minute of each lane, and takes the p95 of the busiest slot", () => {
    const slot = (requests: number, p95: number) => ({ at: new Date(now).toISOString(), slots: [{ route: "a", side: "new" as const, requests, failures: 1, fallbacks: 0, p95_ms: p95 }] });
    const state = [slot(10, 80), slot(90, 20)].reduce((s, body) => told(s, "traffic", body, now, null), empty);
    expect(laneOf(lanes(state.traffic), "a").new).toEqual({ requests: 100, failures: 2, fallbacks: 0, p95: 20, perSecond: 10 });
    expect(laneOf(lanes(state.traffic), "b").legacy.requests).toBe(0);
  });
});

describe("the stream's text", () => {
  const read = (...bits: string[]) => {
    const found: Message[] = [];
    const parser = new EventParser((message) => found.push(message));
    for (const bit of bits) parser.push(bit);
    return found;
  };

  test("comes in bits of any size", () => {
    const text = ": hello\n\nid: 7\nevent: history\ndata: {\"id\":7}\n\ndata: a\r\ndata: b\r\n\r\n";
    const wanted = [{ event: "history", data: '{"id":7}', id: "7" }, { event: "message", data: "a\nb", id: null }];
    expect(read(text)).toEqual(wanted);
    expect(read(...text)).toEqual(wanted);
  });

  test("an unfinished message is none", () => {
    expect(read("event: routes\ndata: {}\n")).toEqual([]);
  });
});

test("waits longer after every failure, half a minute at most", () => {
  expect([0, 1, 2, 3].map((n) => backOff(n, 1))).toEqual([500, 1000, 2000, 4000]);
  expect(backOff(0, 0)).toBe(250);
  expect(backOff(1000, 1)).toBe(30_000);
});
