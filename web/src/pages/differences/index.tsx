import { at } from "../../api/client";
import type { RouteDifferences } from "../../api/types";
import { count, share } from "../../lib/format";
import { useResource } from "../../lib/resource";
import { Empty, Link, Loading, ProblemBox } from "../../ui/basics";
import { OneRoute } from "./route";

export function Differences({ name, query }: { name: string | undefined; query: URLSearchParams }) {
  return name === undefined ? <All /> : <OneRoute key={name} name={name} query={query} />;
}

function All() {
  const { data, problem, loading, reload } = useResource<RouteDifferences[]>({ path: "/api/v1/differences" }, 15_000);
  const rows = [...(data ?? [])].sort((a, b) => b.mismatched - a.mismatched || a.route.localeCompare(b.route));
  return (
    <>
      <h1>Differences</h1>
      <p class="quiet">In what new answers otherwise than legacy, by route, for the epoch of each that began last.</p>
      {problem && <ProblemBox problem={problem} again={reload} />}
      {loading && <Loading what="the differences" />}
      {data?.length === 0 && <Empty title="Nothing has been compared yet."><p><code>stranglerctl promote ROUTE --to shadow</code> has the new side asked as well; users go on being served by legacy.</p></Empty>}
      {rows.length > 0 && (
        <table class="stacked">
          <thead><tr><th>Route</th><th>Compared</th><th>Mismatched</th><th>Noise</th><th>Skipped</th><th>Signatures</th></tr></thead>
          <tbody>
            {rows.map((row) => (
              <tr key={row.route}>
                <td data-title="Route"><Link to={at`/differences/${row.route}`}><span class="breaks">{row.route}</span></Link>{row.outdated && <span class="sign wait">outdated</span>}</td>
                <td data-title="Compared" class="number">{count(row.compared)}</td>
                <td data-title="Mismatched" class="number">{count(row.mismatched)} ({share(row.mismatched, row.compared)})</td>
                <td data-title="Noise" class="number">{count(row.noise)}</td>
                <td data-title="Skipped" class="number">{count(Object.values(row.skipped).reduce((sum, n) => sum + n, 0))}</td>
                <td data-title="Signatures" class="number">{count(row.differences.filter((found) => !found.noise).length)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </>
  );
}
