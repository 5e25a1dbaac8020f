// What the pages know of the fleet, as the stream has told it.
import type { Event, RouteStatus, Session, Side } from "../api/types";

/** What one side of one route served in five seconds, on all routers. */
export interface Slot {
  route: string;
  side: Side;
  requests: number;
  failures: number;
  fallbacks: number;
  p95_ms: number | null;
}

export interface Traffic {
  at: string;
  slots: Slot[];
}

export interface StoreState {
  reachable: boolean;
  since: string;
  age_s: number;
}

/** connecting; live; waiting to try again; paused by the reader; ended with the session. */
export type Link = "connecting" | "live" | "waiting" | "paused" | "ended";

export interface State {
  session: Session | null;
  link: Link;
  /** When anything was heard last, by this browser's clock; 0: never. */
  heard: number;
  /** How far the router's clock is ahead of this browser's, in milliseconds. */
  ahead: number;
  revision: number;
  routes: ReadonlyMap<string, RouteStatus>;
  /** Whether the routes have been told once. */
  loaded: boolean;
  /** Newest first. */
  events: readonly Event[];
  lastEvent: string;
  /** Oldest first, a minute at most. */
  traffic: readonly Traffic[];
  store: StoreState | null;
}

const keptEvents = 200;
const keptSlots = 12;

export const empty: State = {
  session: null, link: "connecting", heard: 0, ahead: 0, revision: 0, routes: new Map(), loaded: false,
  events: [], lastEvent: "", traffic: [], store: null,
};

/** The state after a message of the stream; the same state after one that it does not know. */
export function told(state: State, event: string, body: unknown, now: number, id: string | null): State {
  switch (event) {
    case "hello":
      return hello(state, body as Hello, now);
    case "routes":
      return routes(state, body as { revision: number; routes: RouteStatus[]; removed: string[] });
    case "history":
      return history(state, body as Event, id);
    case "traffic":
      return { ...state, traffic: [...state.traffic, body as Traffic].slice(-keptSlots) };
    case "store":
      return { ...state, store: body as StoreState };
    default:
      return state;
  }
}

interface Hello {
  revision: number;
  now: string;
}

// The routes come whole after every hello: one that went meanwhile must not stay.
function hello(state: State, body: Hello, now: number): State {
  const ahead = Date.parse(body.now) - now;
  return {
    ...state, revision: body.revision, ahead: Number.isFinite(ahead) ? ahead : 0, loaded: false,
    traffic: state.traffic.filter((slot) => Date.parse(body.now) - Date.parse(slot.at) < 60_000),
  };
}

function routes(state: State, body: { revision: number; routes: RouteStatus[]; removed: string[] }): State {
  const next = new Map(state.loaded ? state.routes : []);
  for (const route of body.routes) next.set(route.name, route);
  for (const name of body.removed) next.delete(name);
  return { ...state, revision: body.revision, routes: next, loaded: true };
}

function history(state: State, event: Event, id: string | null): State {
  const known = state.events.filter((other) => other.id !== event.id);
  const events = [...known, event].sort((a, b) => b.id - a.id).slice(0, keptEvents);
  return { ...state, events, lastEvent: id ?? String(event.id) };
}

/** What one side of a route served in the last minute. */
export interface Lane {
  requests: number;
  failures: number;
  fallbacks: number;
  /** Of the busiest slot, which says more than that of a quiet one. */
  p95: number | null;
  perSecond: number;
}

const silent: Lane = { requests: 0, failures: 0, fallbacks: 0, p95: null, perSecond: 0 };

export type Lanes = ReadonlyMap<string, Record<Side, Lane>>;

/** The last minute by route, from the slots that were told. */
export function lanes(traffic: readonly Traffic[]): Lanes {
  const sums = new Map<string, Record<Side, Lane>>();
  const busiest = new Map<string, number>();
  for (const { slots } of traffic) {
    for (const slot of slots) {
      const both = sums.get(slot.route) ?? { legacy: { ...silent }, new: { ...silent } };
      sums.set(slot.route, both);
      add(both[slot.side], slot, busiest);
    }
  }
  const seconds = Math.max(1, traffic.length) * 5;
  for (const both of sums.values()) {
    both.legacy.perSecond = both.legacy.requests / seconds;
    both.new.perSecond = both.new.requests / seconds;
  }
  return sums;
}

function add(lane: Lane, slot: Slot, busiest: Map<string, number>): void {
  lane.requests += slot.requests;
  lane.failures += slot.failures;
  lane.fallbacks += slot.fallbacks;
  const key = `${slot.side} ${slot.route}`;
  if (slot.p95_ms !== null && slot.requests >= (busiest.get(key) ?? 0)) {
    busiest.set(key, slot.requests);
    lane.p95 = slot.p95_ms;
  }
}

export function laneOf(all: Lanes, route: string): Record<Side, Lane> {
  return all.get(route) ?? { legacy: silent, new: silent };
}
