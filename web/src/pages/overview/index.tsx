import { useMemo } from "preact/hooks";
import { at } from "../../api/client";
import type { Event, RouteStatus, Status } from "../../api/types";
import { median, readyToRetire, stuck } from "../../lib/burndown";
import { count, plural, rate, share } from "../../lib/format";
import { useResource } from "../../lib/resource";
import { span } from "../../lib/time";
import { lanes } from "../../live/state";
import { useLive, useStore } from "../../live/store";
import { Boundary, Empty, Link, Loading, ProblemBox, Time } from "../../ui/basics";
import { StageSign, stages } from "../../ui/signs";
import { EventList } from "../history";
import { RoutesBurndown } from "./routes";
import { TrafficBurndown } from "./traffic";

export function Overview() {
  const routes = useLive((state) => state.routes);
  const loaded = useLive((state) => state.loaded || state.routes.size > 0);
  const all = useMemo(() => [...routes.values()], [routes]);
  return (
    <>
      <h1>Overview</h1>
      {!loaded && <Loading what="the routes" />}
      {loaded && all.length === 0 && <Empty title="There are no routes yet."><p><code>strangler serve --legacy URL</code> puts the router in front of a monolith; <code>stranglerctl apply -f definitions.yaml</code> says what can move.</p></Empty>}
      {all.length > 0 && (
        <>
          <Boundary name="The figures"><Figures routes={all} /></Boundary>
          <div class="columns">
            <Boundary name="The burn-down by routes"><RoutesBurndown /></Boundary>
            <Boundary name="The burn-down by traffic"><TrafficBurndown /></Boundary>
          </div>
          <Boundary name="The stages"><Stages routes={all} /></Boundary>
          <div class="columns">
            <Boundary name="What is stuck"><Stuck routes={all} /></Boundary>
            <Boundary name="What is ready"><Ready routes={all} /></Boundary>
          </div>
        </>
      )}
      <Recent />
    </>
  );
}

function Figures({ routes }: { routes: RouteStatus[] }) {
  const traffic = useLive((state) => state.traffic);
  const revision = useLive((state) => state.revision);
  const status = useResource<Status>({ path: "/api/v1/status" }, 30_000, revision);
  const sums = useMemo(() => {
    const sum = { legacy: 0, new: 0, failures: 0, perSecond: 0 };
    for (const both of lanes(traffic).values()) {
      sum.legacy += both.legacy.requests;
      sum.new += both.new.requests;
      sum.failures += both.legacy.failures + both.new.failures;
      sum.perSecond += both.legacy.perSecond + both.new.perSecond;
    }
    return sum;
  }, [traffic]);
  const done = routes.filter((route) => route.stage === "new" || route.stage === "retired").length;
  const served = sums.legacy + sums.new;
  const frozen = status.data?.frozen;
  return (
    <>
      {status.problem && <ProblemBox problem={status.problem} again={status.reload} />}
      {frozen && <p class="note breaks">Promotions are frozen by {frozen.by}, <Time at={frozen.at} />: {frozen.reason || "no reason given"}. Rollbacks go on. <code>stranglerctl unfreeze</code> lifts it.</p>}
      <dl class="figures">
        <div><dt>Routes moved whole</dt><dd>{count(done)} <small>of {plural(routes.length, "route")}</small></dd></div>
        <div><dt>Traffic served by new</dt><dd>{share(sums.new, served)} <small>last minute</small></dd></div>
        <div><dt>Requests</dt><dd>{rate(sums.perSecond)} <small>{count(served)} in the last minute</small></dd></div>
        <div><dt>Errors</dt><dd>{share(sums.failures, served)} <small>both sides</small></dd></div>
        <div><dt>Revision</dt><dd>{count(revision)} <small>{status.data ? `router ${status.data.instance}` : ""}</small></dd></div>
      </dl>
    </>
  );
}

function Stages({ routes }: { routes: RouteStatus[] }) {
  const store = useStore();
  return (
    <section aria-labelledby="stages">
      <h2 id="stages">Stages</h2>
      <div class="stages">
        {stages.map((stage) => {
          const here = routes.filter((route) => route.stage === stage);
          const age = median(here.map((route) => (store.now() - Date.parse(route.changed_at)) / 1000));
          return (
            <Link key={stage} to={`/routes?stage=${stage}`} class="tile">
              <StageSign stage={stage} /><strong class="number">{count(here.length)}</strong>
              <span class="quiet">{age === null ? "none" : `last change ${span(age)} ago (median)`}</span>
            </Link>
          );
        })}
      </div>
    </section>
  );
}

const listed = 8;

function Stuck({ routes }: { routes: RouteStatus[] }) {
  const store = useStore();
  const found = routes.map((route) => ({ route, why: stuck(route, store.now()) })).filter(({ why }) => why !== "");
  return (
    <section aria-labelledby="stuck">
      <h2 id="stuck">Stuck <span class="quiet number">{count(found.length)}</span></h2>
      {found.length === 0 && <p class="quiet">Nothing is held, failing, or left alone for two weeks.</p>}
      <ul class="list">
        {found.slice(0, listed).map(({ route, why }) => <li key={route.name}><Link to={at`/routes/${route.name}`}><span class="breaks">{route.name}</span></Link> <StageSign stage={route.stage} /><span class="quiet breaks">{why}</span></li>)}
      </ul>
      {found.length > listed && <p class="quiet">and {count(found.length - listed)} more: <Link to="/routes?sort=gates">by gates</Link></p>}
    </section>
  );
}

function Ready({ routes }: { routes: RouteStatus[] }) {
  const found = routes.filter(readyToRetire);
  return (
    <section aria-labelledby="ready">
      <h2 id="ready">Ready to retire <span class="quiet number">{count(found.length)}</span></h2>
      {found.length === 0 && <p class="quiet">No route is served whole by new with every gate passed.</p>}
      <ul class="list">
        {found.slice(0, listed).map((route) => <li key={route.name}><Link to={at`/routes/${route.name}`}><span class="breaks">{route.name}</span></Link><span class="quiet">last changed <Time at={route.changed_at} /></span></li>)}
      </ul>
      {found.length > listed && <p class="quiet">and {count(found.length - listed)} more: <Link to="/routes?stage=new&verdict=pass">in Routes</Link></p>}
    </section>
  );
}

function Recent() {
  const newest = useLive((state) => state.events[0]?.id ?? 0);
  const { data, problem, loading, reload } = useResource<Event[]>({ path: "/api/v1/events", query: { limit: "8" } }, 0, newest);
  return (
    <section aria-labelledby="recent">
      <div class="heading"><h2 id="recent">Recent events</h2><Link to="/history">All of them</Link></div>
      {problem && <ProblemBox problem={problem} again={reload} />}
      {loading && <Loading what="the history" />}
      {data && (data.length === 0 ? <Empty title="Nothing has happened yet." /> : <EventList events={data} />)}
    </section>
  );
}
