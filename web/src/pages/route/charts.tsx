import { useMemo } from "preact/hooks";
import { at } from "../../api/client";
import type { Event, RouteStatistics, Side } from "../../api/types";
import { count, milliseconds, rate, share } from "../../lib/format";
import { setQuery } from "../../lib/location";
import { useResource } from "../../lib/resource";
import { highest, lowest, type Series, seriesOf } from "../../lib/series";
import { absolute } from "../../lib/time";
import { Empty, Loading, ProblemBox } from "../../ui/basics";
import { Chart, type Line, type Mark } from "../../ui/chart";
import { SideSign } from "../../ui/signs";

const ranges = ["15m", "1h", "6h", "24h", "168h"] as const;
const names: Record<string, string> = { "15m": "15 minutes", "1h": "1 hour", "6h": "6 hours", "24h": "1 day", "168h": "7 days" };

export function Charts({ name, events, query }: { name: string; events: Event[]; query: URLSearchParams }) {
  const asked = query.get("since") ?? "15m";
  const since = ranges.find((range) => range === asked) ?? "15m";
  const table = query.get("view") === "table";
  const { data, problem, loading, reload } = useResource<RouteStatistics>(
    { path: at`/api/v1/routes/${name}/statistics`, query: { since, resolution: since === "15m" ? "slot" : undefined } },
    since === "15m" ? 5_000 : 30_000,
  );
  return (
    <section aria-labelledby="charts">
      <div class="heading">
        <h2 id="charts">Traffic</h2>
        <label>Last <select value={since} onChange={(event) => setQuery({ since: event.currentTarget.value })}>
          {ranges.map((range) => <option key={range} value={range}>{names[range]}</option>)}
        </select></label>
        <button type="button" class="small" aria-pressed={table} onClick={() => setQuery({ view: table ? "" : "table" })}>Table view</button>
      </div>
      {asked !== since && <p class="note">“{asked.slice(0, 40)}” is no range of time that can be shown; these are 15 minutes.</p>}
      {problem && <ProblemBox problem={problem} again={reload} />}
      {loading && <Loading what="the statistics" />}
      {data && data.points.length === 0 && <Empty title={`Nothing was served in the last ${names[since]}.`}><p>Routers write what they served every 5 seconds.</p></Empty>}
      {data && data.points.length > 0 && (table ? <Table data={data} /> : <Pairs data={data} events={events} />)}
      {data?.slow_over_ms != null && <p class="quiet">Slow on this route is what takes longer than {milliseconds(data.slow_over_ms)}, which is legacy's p95.</p>}
    </section>
  );
}

const percent = (value: number) => `${value < 1 ? value.toFixed(value === 0 ? 0 : 2) : value.toFixed(value < 10 ? 1 : 0)}%`;

function Pairs({ data, events }: { data: RouteStatistics; events: Event[] }) {
  const series = useMemo(() => seriesOf(data.points), [data]);
  const marks = useMemo<Mark[]>(() => events.map((event) => ({ at: Date.parse(event.at) / 1000, label: event.verb.replaceAll("_", " ") })), [events]);
  const measures = [
    { title: "Requests a second", format: rate, lines: (side: Side) => [{ label: "rate", values: series.rate[side] }], most: highest(series.rate.legacy, series.rate.new) },
    { title: "Errors", format: percent, lines: (side: Side) => [{ label: "errors", values: series.errors[side] }], most: highest(series.errors.legacy, series.errors.new) },
    { title: "Duration", format: milliseconds, lines: (side: Side) => durations(series, side), most: highest(series.p99.legacy, series.p99.new), least: lowest(series.p50.legacy, series.p50.new) },
  ];
  return (
    <div class="pairs">
      {measures.map(({ title, format, lines, most, least = 0 }) => (["legacy", "new"] as const).map((side) => (
        <Chart
          key={title + side} title={`${title}, ${side}`} times={series.times} lines={lines(side)} marks={marks}
          color={side === "legacy" ? "--legacy" : "--new"} most={most} least={least} format={format} sync={data.route}
        />
      )))}
    </div>
  );
}

function durations(series: Series, side: Side): Line[] {
  return [
    { label: "p50", values: series.p50[side] },
    { label: "p95", values: series.p95[side], dash: [6, 3] },
    { label: "p99", values: series.p99[side], dash: [2, 3] },
  ];
}

const mostRows = 500;

function Table({ data }: { data: RouteStatistics }) {
  const points = [...data.points].reverse().slice(0, mostRows);
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label="Statistics as a table">
      <table>
        <thead><tr><th>From</th><th>Side</th><th>Requests</th><th>Failures</th><th>Share</th><th>Fallbacks</th><th>p50</th><th>p95</th><th>p99</th></tr></thead>
        <tbody>
          {points.map((point) => (
            <tr key={point.from + point.side}>
              <td><time dateTime={point.from} title={absolute(Date.parse(point.from))}>{new Date(point.from).toLocaleString("en-GB")}</time></td>
              <td><SideSign side={point.side} /></td>
              <td class="number">{count(point.requests)}</td><td class="number">{count(point.failures)}</td><td class="number">{share(point.failures, point.requests)}</td>
              <td class="number">{count(point.fallbacks)}</td><td class="number">{milliseconds(point.p50_ms)}</td>
              <td class="number">{milliseconds(point.p95_ms)}</td><td class="number">{milliseconds(point.p99_ms)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {data.points.length > mostRows && <p class="quiet">The newest {mostRows} of {count(data.points.length)}.</p>}
    </div>
  );
}
