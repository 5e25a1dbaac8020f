import type { Breaker, RouteDetail } from "../../api/types";
import { useResource } from "../../lib/resource";
import { short } from "../../lib/time";
import { Empty, Loading, ProblemBox } from "../../ui/basics";
import { SideSign } from "../../ui/signs";

const kinds = { closed: "good", half_open: "warn", open: "bad" } as const;

export function BreakerSign({ state }: { state: keyof typeof kinds }) {
  return <span class={`sign ${kinds[state]}`}>{state.replace("_", "-")}</span>;
}

export function Guard({ route }: { route: RouteDetail }) {
  const { data, problem, loading, reload } = useResource<Breaker[]>({ path: "/api/v1/breakers", query: { route: route.name } }, 5_000);
  const changed = route.settings.filter((setting) => setting.source === "route");
  return (
    <section aria-labelledby="guard">
      <h2 id="guard">Guard</h2>
      {problem && <ProblemBox problem={problem} again={reload} />}
      {loading && <Loading what="the breakers" />}
      {data?.length === 0 && <Empty title="No router reports a breaker of this route." />}
      {data && data.length > 0 && (
        <table class="stacked">
          <thead><tr><th>Side</th><th>Router</th><th>Breaker</th><th>Why</th></tr></thead>
          <tbody>
            {data.map((breaker) => (
              <tr key={breaker.side + breaker.instance}>
                <td data-title="Side"><SideSign side={breaker.side} /></td><td data-title="Router">{breaker.instance}</td>
                <td data-title="Breaker"><BreakerSign state={breaker.state} /></td><td data-title="Why">{breaker.reason?.replaceAll("_", " ") ?? "–"}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      <details>
        <summary>{route.settings.length} values in force, {changed.length} of them from the route's definition</summary>
        <div class="scroll" tabIndex={0} role="region" aria-label="Values in force">
          <table>
            <thead><tr><th>Setting</th><th>Side</th><th>Value</th><th>From</th></tr></thead>
            <tbody>
              {route.settings.map((setting) => (
                <tr key={`${setting.side ?? ""}${setting.name}`}>
                  <td><code>{setting.name}</code></td><td>{setting.side ? <SideSign side={setting.side} /> : "both"}</td><td>{short(setting.value)}</td>
                  <td>{setting.source === "route" ? <strong>route</strong> : <span class="quiet">default</span>}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      </details>
    </section>
  );
}
