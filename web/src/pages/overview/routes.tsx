import { useMemo } from "preact/hooks";
import type { Event } from "../../api/types";
import { burndown, type Point } from "../../lib/burndown";
import { count, plural } from "../../lib/format";
import { useResource } from "../../lib/resource";
import { absolute } from "../../lib/time";
import { useLive, useStore } from "../../live/store";
import { Loading, ProblemBox, Time } from "../../ui/basics";
import { Chart } from "../../ui/chart";

const most = 1000;

export function RoutesBurndown() {
  const routes = useLive((state) => state.routes);
  const newest = useLive((state) => state.events[0]?.id ?? 0);
  const store = useStore();
  const { data, problem, loading, reload } = useResource<Event[]>({ path: "/api/v1/events", query: { limit: String(most) } }, 0, newest);
  const points = useMemo(() => (data ? burndown(routes.values(), data, store.now()) : []), [data, routes]);
  const last = points.at(-1);
  const columns = useMemo(() => ({ times: points.map((point) => point.at / 1000), lines: linesOf(points) }), [points]);
  return (
    <section aria-labelledby="by-routes">
      <h2 id="by-routes">Burn-down by routes</h2>
      {problem && <ProblemBox problem={problem} again={reload} />}
      {loading && <Loading what="the history" />}
      {last && (
        <>
          <p><strong>{plural(last.left, "route")}</strong> of {count(last.all)} still need legacy. {points[0] && <span class="quiet">Since <Time at={new Date(points[0].at).toISOString()} />.</span>}</p>
          <Chart title="Routes that still need legacy" times={columns.times} lines={columns.lines} marks={[]} color="--legacy" most={Math.max(1, ...points.map((point) => point.all))} format={count} sync="routes" />
          <details>
            <summary>Table view</summary>
            <div class="scroll" tabIndex={0} role="region" aria-label="Burn-down by routes as a table">
              <table>
                <thead><tr><th>When</th><th>Need legacy</th><th>Of</th></tr></thead>
                <tbody>{points.slice(-100).reverse().map((point, i) => <tr key={i}><td>{absolute(point.at)}</td><td class="number">{count(point.left)}</td><td class="number">{count(point.all)}</td></tr>)}</tbody>
              </table>
            </div>
          </details>
          {data?.length === most && <p class="quiet">From the newest {count(most)} events.</p>}
        </>
      )}
    </section>
  );
}

function linesOf(points: Point[]) {
  return [
    { label: "need legacy", values: points.map((point) => point.left) },
    { label: "all", values: points.map((point) => point.all), dash: [2, 3] },
  ];
}
