import { useEffect, useMemo, useState } from "preact/hooks";
import { at, call, Problem } from "../../api/client";
import type { RouteStatistics } from "../../api/types";
import { type Share, trafficShare } from "../../lib/burndown";
import { count } from "../../lib/format";
import { absolute } from "../../lib/time";
import { lanes } from "../../live/state";
import { useLive, useStore } from "../../live/store";
import { Loading, ProblemBox } from "../../ui/basics";
import { Chart } from "../../ui/chart";

const busiest = 40;
const atOnce = 4;
const percent = (value: number) => `${value.toFixed(0)}%`;

/** Legacy's share of the traffic in the last day, of the routes that have the most now. */
export function TrafficBurndown() {
  const { shares, problem, reload, of } = useShares();
  const columns = useMemo(() => ({
    times: (shares ?? []).map((share) => share.at),
    lines: [{ label: "served by legacy", values: (shares ?? []).map((share) => share.legacy) }],
  }), [shares]);
  return (
    <section aria-labelledby="by-traffic">
      <h2 id="by-traffic">Burn-down by traffic</h2>
      {problem && <ProblemBox problem={problem} again={reload} />}
      {shares === null && problem === null && <Loading what="the statistics" />}
      {shares !== null && shares.length === 0 && <p class="quiet">Nothing was served in the last day.</p>}
      {shares !== null && shares.length > 0 && (
        <>
          <p>Legacy's share of the requests in the last day. {of > busiest && <span class="quiet">Of the {busiest} busiest routes of {count(of)}.</span>}</p>
          <Chart title="Served by legacy" times={columns.times} lines={columns.lines} marks={[]} color="--legacy" most={100} format={percent} sync="traffic" />
          <details>
            <summary>Table view</summary>
            <div class="scroll" tabIndex={0} role="region" aria-label="Burn-down by traffic as a table">
              <table>
                <thead><tr><th>When</th><th>Served by legacy</th></tr></thead>
                <tbody>{shares.slice(-100).reverse().map((share) => <tr key={share.at}><td>{absolute(share.at * 1000)}</td><td class="number">{share.legacy === null ? "–" : `${share.legacy.toFixed(1)}%`}</td></tr>)}</tbody>
              </table>
            </div>
          </details>
        </>
      )}
    </section>
  );
}

function useShares(): { shares: Share[] | null; problem: Problem | null; reload: () => void; of: number } {
  const store = useStore();
  const loaded = useLive((state) => state.loaded);
  const of = useLive((state) => state.routes.size);
  const [shares, set] = useState<Share[] | null>(null);
  const [problem, fail] = useState<Problem | null>(null);
  const [turn, next] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => document.hidden || next((n) => n + 1), 60_000);
    return () => clearInterval(timer);
  }, []);
  useEffect(() => {
    if (!loaded) return undefined;
    const stop = new AbortController();
    const minute = lanes(store.state.traffic);
    const traffic = (name: string) => (minute.get(name)?.legacy.requests ?? 0) + (minute.get(name)?.new.requests ?? 0);
    const names = [...store.state.routes.keys()].sort((a, b) => traffic(b) - traffic(a)).slice(0, busiest);
    readAll(names, stop.signal).then(
      (all) => { set(trafficShare(all)); fail(null); },
      (error: unknown) => { if (error instanceof Problem) fail(error); },
    );
    return () => stop.abort();
  }, [loaded, turn]);
  return { shares, problem, reload: () => next((n) => n + 1), of };
}

// A route may be removed while the others are read.
async function one(name: string, signal: AbortSignal): Promise<RouteStatistics[]> {
  try {
    return [await call<RouteStatistics>({ path: at`/api/v1/routes/${name}/statistics`, query: { since: "24h" }, signal })];
  } catch (error) {
    if (error instanceof Problem && error.status === 404) return [];
    throw error;
  }
}

async function readAll(names: string[], signal: AbortSignal): Promise<RouteStatistics[]> {
  const found: RouteStatistics[] = [];
  const waiting = [...names];
  const work = async () => {
    for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) {
      found.push(...(await one(name, signal)));
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  return found;
}
