// One route: where it stands, whether it may go on, what both sides do, and what can be done.
import { at } from "../../api/client";
import type { Event, RouteDetail, RouteStatus } from "../../api/types";
import { count, plural } from "../../lib/format";
import { useResource } from "../../lib/resource";
import { laneOf, lanes } from "../../live/state";
import { useLive } from "../../live/store";
import { Boundary, Empty, Link, Loading, ProblemBox, Time } from "../../ui/basics";
import { HoldSign, SplitBar, StageSign } from "../../ui/signs";
import { EventList } from "../history";
import { ParityCell } from "../routes";
import { Actions } from "./actions";
import { Charts } from "./charts";
import { Explain } from "./explain";
import { Gates, Plan } from "./gates";
import { Guard } from "./guard";

export function RoutePage({ name, query }: { name: string; query: URLSearchParams }) {
  const live = useLive((state) => state.routes.get(name));
  const revision = live?.revision ?? 0;
  const { data, problem, loading, reload } = useResource<RouteDetail>({ path: at`/api/v1/routes/${name}` }, 0, revision);
  const history = useResource<Event[]>({ path: "/api/v1/events", query: { route: name, limit: "50" } }, 0, revision);
  if (data === null) {
    return (
      <>
        <h1 class="breaks">{name}</h1>
        {loading && <Loading what="the route" />}
        {problem && <ProblemBox problem={problem} again={reload} />}
        {problem?.status === 404 && <p><Link to="/routes">All routes</Link></p>}
      </>
    );
  }
  const route: RouteDetail = { ...data, ...live };
  const moves = (history.data ?? []).filter((event) => event.kind === "route" || event.kind === "fault");
  return (
    <>
      <Head route={route} />
      <Actions route={route} />
      {problem && <ProblemBox problem={problem} again={reload} />}
      <div class="columns">
        <div>
          <Boundary name="The plan"><Plan route={route} /></Boundary>
          <Boundary name="Explain"><Explain route={route} /></Boundary>
        </div>
        <Boundary name="The guard"><Guard route={route} /></Boundary>
      </div>
      {route.new !== "" && route.stage !== "retired" && <Boundary name="The gates"><Gates name={name} revision={revision} /></Boundary>}
      <Boundary name="The charts"><Charts name={name} events={moves} query={query} /></Boundary>
      <section aria-labelledby="history">
        <div class="heading"><h2 id="history">History</h2><Link to={`/history?route=${encodeURIComponent(name)}`}>All of it</Link></div>
        {history.problem && <ProblemBox problem={history.problem} again={history.reload} />}
        {history.data && (history.data.length === 0 ? <Empty title="Nothing has happened yet." /> : <EventList events={history.data.slice(0, 10)} />)}
      </section>
    </>
  );
}

function Head({ route }: { route: RouteStatus }) {
  const traffic = useLive((state) => state.traffic);
  const both = laneOf(lanes(traffic), route.name);
  return (
    <header class="head">
      <h1 class="breaks">{route.name} <StageSign stage={route.stage} /> <HoldSign route={route} /></h1>
      <p><code class="breaks">{route.match}</code></p>
      {route.hold.kind !== null && route.hold.reason && <p class="note breaks">{route.hold.kind === "paused" ? "Paused" : "Rolled back"}: {route.hold.reason}</p>}
      {route.invalid && <p class="note breaks">Not in the table: {route.invalid.message}</p>}
      <dl class="facts">
        <div><dt>Served by new</dt><dd><SplitBar route={route} both={both} /></dd></div>
        <div><dt>Legacy → new</dt><dd>{route.legacy || "none"} → {route.new || "none"}</dd></div>
        <div><dt>Traffic, last minute</dt><dd>{plural(both.legacy.requests + both.new.requests, "request")}, {count(both.legacy.failures + both.new.failures)} failed</dd></div>
        <div><dt>Parity</dt><dd><ParityCell parity={route.parity} /> {route.new !== "" && <Link to={at`/differences/${route.name}`}>Differences</Link>}</dd></div>
        <div><dt>Autopilot</dt><dd>{route.autopilot}</dd></div>
        {route.group !== "" && <div><dt>Group</dt><dd><Link to={`/routes?group=${encodeURIComponent(route.group)}`}>{route.group}</Link></dd></div>}
        <div><dt>Last change</dt><dd><Time at={route.changed_at} /> by {route.changed_by}, revision {route.revision}</dd></div>
      </dl>
    </header>
  );
}
