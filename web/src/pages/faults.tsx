import { useState } from "preact/hooks";
import type { Action } from "../actions/action";
import { ActionDialog } from "../actions/dialog";
import { stopFault } from "../actions/stopfault";
import { fault as startFault } from "../actions/trials";
import { at } from "../api/client";
import type { Fault, RouteStatus } from "../api/types";
import { weight } from "../lib/format";
import { useResource } from "../lib/resource";
import { forbidden } from "../lib/roles";
import { span } from "../lib/time";
import { useLive } from "../live/store";
import { Button, Empty, Link, Loading, ProblemBox, Time } from "../ui/basics";
import { SideSign } from "../ui/signs";

export function Faults() {
  const routes = useLive((state) => state.routes);
  const revision = useLive((state) => state.revision);
  const role = useLive((state) => state.session?.role ?? "viewer");
  const away = useLive((state) => state.store !== null && !state.store.reachable);
  const { data, problem, loading, reload } = useResource<Fault[]>({ path: "/api/v1/faults" }, 5_000, revision);
  const [open, show] = useState<{ action: Action; route: RouteStatus } | null>(null);
  const [name, choose] = useState("");
  const why = forbidden(role, "operator") || (away ? "The store cannot be reached; nothing can be changed." : "");
  const wanted = routes.get(name.trim());
  const whyNot = why || (wanted ? "" : "Choose a route first.");
  return (
    <>
      <h1>Faults</h1>
      <p class="quiet">Trouble that somebody injects, to see what the guard does about it. Every fault ends by itself.</p>
      <form class="filters" onSubmit={(event) => { event.preventDefault(); if (wanted && whyNot === "") show({ action: startFault, route: wanted }); }}>
        <label>Route <input type="search" list="routes" maxLength={200} value={name} onInput={(event) => choose(event.currentTarget.value)} /></label>
        <datalist id="routes">{[...routes.keys()].slice(0, 1000).map((route) => <option key={route} value={route} />)}</datalist>
        <Button class="primary" why={whyNot} onClick={() => wanted && show({ action: startFault, route: wanted })}>Start a fault</Button>
      </form>
      {whyNot !== "" && <p class="quiet">{whyNot}</p>}
      {problem && <ProblemBox problem={problem} again={reload} />}
      {loading && <Loading what="the faults" />}
      {data?.length === 0 && <Empty title="Nothing is injected now." />}
      {data && data.length > 0 && (
        <table class="stacked">
          <thead><tr><th>Route</th><th>Side</th><th>What</th><th>Of the tries</th><th>Ends</th><th>Who</th><th /></tr></thead>
          <tbody>{data.map((one) => <Row key={one.id} fault={one} why={why} stop={() => { const route = routes.get(one.route); if (route) show({ action: stopFault(one), route }); }} />)}</tbody>
        </table>
      )}
      {open && <ActionDialog key={open.action.id} action={open.action} route={open.route} close={() => { show(null); reload(); }} />}
    </>
  );
}

function Row({ fault, why, stop }: { fault: Fault; why: string; stop: () => void }) {
  return (
    <tr>
      <td data-title="Route"><Link to={at`/routes/${fault.route}`}><span class="breaks">{fault.route}</span></Link></td>
      <td data-title="Side"><SideSign side={fault.side} /></td><td data-title="What">{whatOf(fault)}</td><td data-title="Of the tries" class="number">{weight(fault.percent_bp)}</td>
      <td data-title="Ends"><span title={`in ${span(fault.left_s)}`}><Time at={fault.ends_at} /></span></td>
      <td data-title="Who" class="breaks">{fault.actor}{fault.reason && `: ${fault.reason}`}</td>
      <td><Button class="small danger" why={why} label={`Stop fault ${fault.id} on ${fault.route}`} onClick={stop}>Stop</Button></td>
    </tr>
  );
}

function whatOf(fault: Fault): string {
  const parts = [
    fault.latency && `latency ${fault.latency}${fault.jitter ? ` ± ${fault.jitter}` : ""}`,
    fault.status && `status ${fault.status}`,
    fault.reset && "reset",
    fault.header && `with ${fault.header}${fault.value ? `: ${fault.value}` : ""}`,
  ];
  return parts.filter(Boolean).join(", ");
}
