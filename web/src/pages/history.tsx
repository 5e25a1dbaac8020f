import { useEffect, useState } from "preact/hooks";
import { at, call, Problem } from "../api/client";
import type { Event, State } from "../api/types";
import { place } from "../actions/move";
import { setQuery } from "../lib/location";
import { useResource } from "../lib/resource";
import { useLive } from "../live/store";
import { Button, Empty, Link, Loading, ProblemBox, Time } from "../ui/basics";

const page = 100;

export function History({ query }: { query: URLSearchParams }) {
  const route = query.get("route") ?? "";
  const newest = useLive((state) => state.events[0]?.id ?? 0);
  const names = useLive((state) => state.routes);
  const first = useResource<Event[]>({ path: "/api/v1/events", query: { route, limit: String(page) } }, 0, newest);
  const [older, add] = useState<Event[]>([]);
  const [problem, fail] = useState<Problem | null>(null);
  const [ended, end] = useState(false);
  useEffect(() => {
    add([]);
    end(false);
  }, [route]);
  const known = new Set((first.data ?? []).map((event) => event.id));
  const events = [...(first.data ?? []), ...older.filter((event) => !known.has(event.id))];
  const more = () => {
    const before = String(events.at(-1)?.id ?? "");
    call<Event[]>({ path: "/api/v1/events", query: { route, before, limit: String(page) } }).then(
      (found) => { add((all) => [...all, ...found]); end(found.length < page); fail(null); },
      (error: unknown) => { if (error instanceof Problem) fail(error); },
    );
  };
  return (
    <>
      <h1>History</h1>
      <form class="filters" role="search" aria-label="Filter the history" onSubmit={(event) => event.preventDefault()}>
        <label>Route
          <input type="search" list="routes" maxLength={200} value={route} onChange={(event) => setQuery({ route: event.currentTarget.value.trim() })} />
        </label>
        <datalist id="routes">{[...names.keys()].slice(0, 1000).map((name) => <option key={name} value={name} />)}</datalist>
      </form>
      {first.loading && <Loading what="the history" />}
      {first.problem && <ProblemBox problem={first.problem} again={first.reload} />}
      {first.data && events.length === 0 && <Empty title={route ? `Nothing is known of a route called “${route}”.` : "Nothing has happened yet."} />}
      {events.length > 0 && <EventList events={events} />}
      {problem && <ProblemBox problem={problem} again={more} />}
      {events.length >= page && !ended && <p><Button onClick={more}>Older</Button></p>}
    </>
  );
}

export function EventList({ events }: { events: readonly Event[] }) {
  return <ol class="events">{events.map((event) => <Row key={event.id} event={event} />)}</ol>;
}

const machines = { operator: "", autopilot: " by the autopilot's gates", guard: " because of a breaker or an unreachable backend" };

function Row({ event }: { event: Event }) {
  const about = ["route", "fault", "breaker", "autopilot"].includes(event.kind);
  return (
    <li>
      <span class="when"><Time at={event.at} /></span>
      <span class="what">
        <span class={`sign ${event.verb === "rollback" ? "bad" : ""}`}>{event.verb.replaceAll("_", " ")}</span>{" "}
        {about ? <Link to={at`/routes/${event.subject}`}><span class="breaks">{event.subject}</span></Link> : <span class="breaks">{event.kind} {event.subject}</span>}{" "}
        <span>{moveOf(event)}</span>
        <span class="quiet"> by {event.actor}{machines[event.cause]}, revision {event.revision} </span>
        <Details event={event} />
        {event.reason && <q class="breaks">{event.reason}</q>}
      </span>
    </li>
  );
}

function Details({ event }: { event: Event }) {
  const [open, show] = useState(false);
  const shown = { before: event.before, after: event.after, evidence: event.evidence };
  if (event.before == null && event.after == null && event.evidence == null) return null;
  return (
    <details onToggle={(toggled) => show(toggled.currentTarget.open)}>
      <summary>before, after, evidence</summary>
      {open && <pre tabIndex={0}>{JSON.stringify(shown, null, 2)}</pre>}
    </details>
  );
}

/** "shadow → canary at 25%"; empty for what moves nothing. */
function moveOf(event: Event): string {
  const before = stateOf(event.before);
  const after = stateOf(event.after);
  return before && after ? `${place(before)} → ${place(after)}` : "";
}

/** An event's before or after as a route's state; null when it is something else. */
export function stateOf(value: unknown): State | null {
  if (typeof value !== "object" || value === null) return null;
  return "stage" in value && "weight_bp" in value && "hold" in value ? (value as State) : null;
}
