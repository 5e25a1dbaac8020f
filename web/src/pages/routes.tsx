import { useMemo } from "preact/hooks";
import { at } from "../api/client";
import type { Parity, RouteStatus, Side } from "../api/types";
import { choiceOf, chosen, type Choice } from "../lib/choose";
import { count, milliseconds, plural, share } from "../lib/format";
import { setQuery } from "../lib/location";
import { laneOf, lanes, type Lane, type Lanes } from "../live/state";
import { useLive } from "../live/store";
import { Button, Empty, Link, Loading, Time } from "../ui/basics";
import { type Column, Rows } from "../ui/rows";
import { HoldSign, SplitBar, stages, StageSign, Verdict } from "../ui/signs";

export function Routes({ query }: { query: URLSearchParams }) {
  const routes = useLive((state) => state.routes);
  const loaded = useLive((state) => state.loaded || state.routes.size > 0);
  const traffic = useLive((state) => state.traffic);
  const minute = useMemo(() => lanes(traffic), [traffic]);
  const address = query.toString();
  const { choice, unknown } = useMemo(() => choiceOf(new URLSearchParams(address)), [address]);
  const rows = useMemo(() => chosen(routes.values(), choice, minute), [routes, choice, minute]);
  const columns = useMemo(() => columnsOf(minute), [minute]);
  return (
    <>
      <h1>Routes</h1>
      <Filters choice={choice} groups={groupsOf(routes.values())} />
      {unknown.length > 0 && <p class="note" role="status">Left out of the address, because it means nothing here: {unknown.join(", ")}.</p>}
      <p class="quiet" role="status">{loaded ? `${count(rows.length)} of ${plural(routes.size, "route")}; traffic of the last minute` : ""}</p>
      {!loaded && <Loading what="the routes" />}
      {loaded && routes.size === 0 && <Empty title="There are no routes yet."><p><code>stranglerctl apply -f definitions.yaml</code> defines them, and moves no traffic.</p></Empty>}
      {routes.size > 0 && rows.length === 0 && <Empty title="No route fits these filters."><Button onClick={clear}>Show all routes</Button></Empty>}
      {rows.length > 0 && (
        <Rows
          label="Routes" rows={rows} columns={columns} rowKey={(route) => route.name} sort={choice.sort} down={choice.down}
          onSort={(id, down) => setQuery({ sort: id === "name" && !down ? "" : (down ? "-" : "") + id })}
        />
      )}
    </>
  );
}

function clear(): void {
  setQuery({ q: "", stage: "", hold: "", verdict: "", group: "" });
}

function groupsOf(routes: Iterable<RouteStatus>): string[] {
  return [...new Set([...routes].map((route) => route.group).filter((group) => group !== ""))].sort();
}

const holds = [["paused", "paused"], ["rolled_back", "rolled back"], ["none", "none"]] as const;
const verdicts = [["pass", "pass"], ["fail", "fail"], ["insufficient", "insufficient"]] as const;

function Filters({ choice, groups }: { choice: Choice; groups: string[] }) {
  return (
    <form class="filters" role="search" aria-label="Filter routes" onSubmit={(event) => event.preventDefault()}>
      <label>Name, match or backend
        <input type="search" maxLength={200} value={choice.text} onInput={(event) => setQuery({ q: event.currentTarget.value })} />
      </label>
      <Pick name="stage" title="Stage" value={choice.stage} options={stages.map((stage) => [stage, stage] as const)} />
      <Pick name="hold" title="Hold" value={choice.hold} options={holds} />
      <Pick name="verdict" title="Gates" value={choice.verdict} options={verdicts} />
      {groups.length > 0 && <Pick name="group" title="Group" value={choice.group} options={groups.map((group) => [group, group] as const)} />}
    </form>
  );
}

function Pick({ name, title, value, options }: { name: string; title: string; value: string; options: readonly (readonly [string, string])[] }) {
  return (
    <label>{title}
      <select value={value} onChange={(event) => setQuery({ [name]: event.currentTarget.value })}>
        <option value="">all</option>
        {options.map(([option, words]) => <option key={option} value={option}>{words}</option>)}
      </select>
    </label>
  );
}

function columnsOf(minute: Lanes): Column<RouteStatus>[] {
  return [
    { id: "name", title: "Route", cell: (route) => <NameCell route={route} /> },
    { id: "stage", title: "Stage", cell: (route) => <><StageSign stage={route.stage} /><HoldSign route={route} /></> },
    { id: "share", title: "Served by new", cell: (route) => <SplitBar route={route} both={laneOf(minute, route.name)} /> },
    { id: "errors", title: "Errors", cell: (route) => <Pair both={laneOf(minute, route.name)} value={(lane) => share(lane.failures, lane.requests)} /> },
    { id: "p95", title: "p95", cell: (route) => <Pair both={laneOf(minute, route.name)} value={(lane) => milliseconds(lane.p95)} /> },
    { id: "parity", title: "Parity", cell: (route) => <ParityCell parity={route.parity} /> },
    { id: "gates", title: "Gates", cell: (route) => (route.gates ? <span title={route.gates.missing || route.gates.held}><Verdict verdict={route.gates.verdict} /></span> : <span class="quiet">–</span>) },
    { id: "autopilot", title: "Autopilot", cell: (route) => (route.new === "" ? <span class="quiet">–</span> : route.autopilot) },
    { id: "changed", title: "Last change", cell: (route) => <span class="two"><Time at={route.changed_at} /><span class="quiet">by {route.changed_by}</span></span> },
  ];
}

function NameCell({ route }: { route: RouteStatus }) {
  return (
    <span class="two">
      <Link to={at`/routes/${route.name}`}><span title={route.name}>{route.name}</span></Link>
      <code class="quiet" title={route.match}>{route.match}</code>
    </span>
  );
}

function Pair({ both, value }: { both: Record<Side, Lane>; value: (lane: Lane) => string }) {
  return (
    <span class="pair">
      {(["legacy", "new"] as const).map((side) => (
        <span key={side} class="number"><i class={`swatch ${side}`} role="img" aria-label={side} title={side} />{value(both[side])}</span>
      ))}
    </span>
  );
}

export function ParityCell({ parity }: { parity: Parity | null }) {
  if (parity === null || parity.compared === 0) return <span class="quiet">–</span>;
  const title = `${count(parity.compared)} compared, ${count(parity.mismatched)} mismatched, ${count(parity.noise)} noise, ${count(parity.skipped)} skipped`;
  return (
    <span class="two" title={title}>
      <span class="number">{share(parity.compared - parity.mismatched, parity.compared)}</span>
      <span class="quiet number">of {count(parity.compared)}{parity.outdated ? ", outdated" : ""}</span>
    </span>
  );
}
