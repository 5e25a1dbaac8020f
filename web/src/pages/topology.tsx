import { useMemo } from "preact/hooks";
import { at } from "../api/client";
import type { Backend, Breaker, Instance, RouteStatus } from "../api/types";
import { count, plural, rate, share } from "../lib/format";
import { setQuery } from "../lib/location";
import { useResource } from "../lib/resource";
import { span } from "../lib/time";
import { type Lanes, laneOf, lanes } from "../live/state";
import { useLive } from "../live/store";
import { Empty, Link, Loading, ProblemBox } from "../ui/basics";
import { SideSign, StageSign } from "../ui/signs";
import { BreakerSign } from "./route/guard";

export function Topology({ query }: { query: URLSearchParams }) {
  const revision = useLive((state) => state.revision);
  const backends = useResource<Backend[]>({ path: "/api/v1/backends" }, 0, revision);
  const instances = useResource<Instance[]>({ path: "/api/v1/instances" }, 5_000);
  const breakers = useResource<Breaker[]>({ path: "/api/v1/breakers" }, 5_000);
  return (
    <>
      <h1>Topology</h1>
      {instances.problem && <ProblemBox problem={instances.problem} again={instances.reload} />}
      {instances.data && <Routers instances={instances.data} revision={revision} />}
      {breakers.problem && <ProblemBox problem={breakers.problem} again={breakers.reload} />}
      {breakers.data && <Breakers breakers={breakers.data} />}
      {backends.problem && <ProblemBox problem={backends.problem} again={backends.reload} />}
      {backends.loading && <Loading what="the backends" />}
      {backends.data?.length === 0 && <Empty title="There are no backends yet."><p><code>stranglerctl apply -f definitions.yaml</code> defines them.</p></Empty>}
      {backends.data && <Backends backends={backends.data} instances={instances.data ?? []} breakers={breakers.data ?? []} chosen={query.get("backend") ?? ""} />}
    </>
  );
}

const states = { serving: "good", silent: "bad", signed_off: "" } as const;

function Routers({ instances, revision }: { instances: Instance[]; revision: number }) {
  return (
    <section aria-labelledby="routers">
      <h2 id="routers">Routers</h2>
      <table class="stacked">
        <thead><tr><th>Router</th><th>State</th><th>Revision</th><th>Heard</th><th>Traffic</th><th>Version</th></tr></thead>
        <tbody>
          {instances.map((one) => (
            <tr key={one.instance}>
              <td data-title="Router" class="breaks">{one.instance}</td><td data-title="State"><span class={`sign ${states[one.state]}`}>{one.state.replace("_", " ")}</span></td>
              <td data-title="Revision" class="number">{one.revision}{one.revision < revision && one.state === "serving" && <span class="sign warn">behind</span>}</td>
              <td data-title="Heard">{span(one.age_s)} ago</td><td data-title="Traffic" class="number">{one.requests_per_s == null ? "–" : rate(one.requests_per_s)}</td><td data-title="Version">{one.version}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function Breakers({ breakers }: { breakers: Breaker[] }) {
  const open = breakers.filter((breaker) => breaker.state !== "closed");
  return (
    <section aria-labelledby="breakers">
      <h2 id="breakers">Breakers that are not closed <span class="quiet number">{count(open.length)}</span></h2>
      {open.length === 0 && <p class="quiet">Every breaker lets everything pass.</p>}
      {open.length > 0 && (
        <table class="stacked">
          <thead><tr><th>Route</th><th>Side</th><th>Router</th><th>Breaker</th><th>Why</th><th>Next try</th></tr></thead>
          <tbody>
            {open.map((breaker) => (
              <tr key={breaker.route + breaker.side + breaker.instance}>
                <td data-title="Route"><Link to={at`/routes/${breaker.route}`}><span class="breaks">{breaker.route}</span></Link></td><td data-title="Side"><SideSign side={breaker.side} /></td>
                <td data-title="Router">{breaker.instance}</td><td data-title="Breaker"><BreakerSign state={breaker.state} /></td><td data-title="Why" class="breaks">{breaker.reason?.replaceAll("_", " ") ?? "–"}</td>
                <td data-title="Next try">{breaker.left_s == null ? "–" : `in ${span(breaker.left_s)}`}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
}

interface BackendsProps {
  backends: Backend[];
  instances: Instance[];
  breakers: Breaker[];
  chosen: string;
}

function Backends({ backends, instances, breakers, chosen }: BackendsProps) {
  const routes = useLive((state) => state.routes);
  const traffic = useLive((state) => state.traffic);
  const minute = useMemo(() => lanes(traffic), [traffic]);
  return (
    <section aria-labelledby="backends">
      <h2 id="backends">Backends</h2>
      <ul class="backends">
        {backends.map((backend) => (
          <li key={backend.name} class="card">
            <div class="heading">
              <h3 class="breaks">{backend.name}</h3>
              <button type="button" class="small" aria-expanded={chosen === backend.name} onClick={() => setQuery({ backend: chosen === backend.name ? "" : backend.name })}>Blast radius</button>
            </div>
            <Endpoints backend={backend} instances={instances} />
            <Bulkhead backend={backend} instances={instances} breakers={breakers} routes={routes} />
            {chosen === backend.name && <Blast backend={backend} routes={routes} minute={minute} />}
          </li>
        ))}
      </ul>
    </section>
  );
}

function Endpoints({ backend, instances }: { backend: Backend; instances: Instance[] }) {
  const trouble = instances.flatMap((one) => (one.trouble?.endpoints ?? []).filter((found) => found.backend === backend.name));
  return (
    <ul class="list">
      {backend.endpoints.map((endpoint) => {
        const found = trouble.filter((one) => one.endpoint === endpoint);
        const words = found[0]?.ill ? `ill on ${plural(found.length, "router")}` : `ejected on ${plural(found.length, "router")}`;
        return <li key={endpoint}><code class="breaks">{endpoint}</code>{found.length > 0 && <span class="sign bad" title={found[0]?.fault}>{words}</span>}</li>;
      })}
    </ul>
  );
}

function Bulkhead({ backend, instances, breakers, routes }: Omit<BackendsProps, "backends" | "chosen"> & { backend: Backend; routes: ReadonlyMap<string, RouteStatus> }) {
  const limit = backend.settings.find((setting) => setting.name === "bulkhead.concurrent")?.value ?? "off";
  const full = instances.flatMap((one) => (one.trouble?.backends ?? []).filter((found) => found.backend === backend.name).map((found) => `${one.instance}${found.waiting ? ` (${found.waiting} waiting)` : ""}`));
  const open = breakers.filter((breaker) => breaker.state !== "closed" && routes.get(breaker.route)?.[breaker.side] === backend.name).length;
  return (
    <p class="quiet">
      Bulkhead: {limit === "off" ? "no limit" : `${limit} at once on each router`}
      {full.length > 0 && <span class="sign bad">full on {full.join(", ")}</span>}
      {open > 0 && <span class="sign bad">{plural(open, "breaker")} not closed</span>}
    </p>
  );
}

function Blast({ backend, routes, minute }: { backend: Backend; routes: ReadonlyMap<string, RouteStatus>; minute: Lanes }) {
  const hit = backend.routes.flatMap((name) => {
    const route = routes.get(name);
    if (!route) return [];
    const both = laneOf(minute, name);
    const served = (route.legacy === backend.name ? both.legacy.perSecond : 0) + (route.new === backend.name ? both.new.perSecond : 0);
    return [{ route, served, whole: both.legacy.perSecond + both.new.perSecond }];
  }).sort((a, b) => b.served - a.served);
  const served = hit.reduce((sum, one) => sum + one.served, 0);
  let whole = 0;
  for (const both of minute.values()) whole += both.legacy.perSecond + both.new.perSecond;
  return (
    <div role="status">
      <p>Without it {rate(served)} of {rate(whole)} would be without their backend ({share(served, whole)}), on {plural(hit.length, "route")}.</p>
      <ul class="list">
        {hit.slice(0, 20).map(({ route, served: part, whole: of }) => (
          <li key={route.name}><Link to={at`/routes/${route.name}`}><span class="breaks">{route.name}</span></Link> <StageSign stage={route.stage} /><span class="quiet number">{rate(part)} of {rate(of)}</span>{route.new === backend.name && route.stage === "canary" && <span class="quiet">legacy can take over</span>}</li>
        ))}
      </ul>
      {hit.length > 20 && <p class="quiet">and {count(hit.length - 20)} more</p>}
    </div>
  );
}
