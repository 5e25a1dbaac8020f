// How a route's stage, share, gates and sides look, the same on every page.
import type { GateVerdict, RouteStatus, Side, Stage } from "../api/types";
import { share, weight } from "../lib/format";
import type { Lane } from "../live/state";

export const stages: Stage[] = ["legacy", "shadow", "canary", "new", "retired"];

export function StageSign({ stage }: { stage: Stage }) {
  return <span class={`stage ${stage}`}>{stage}</span>;
}

export function HoldSign({ route }: { route: Pick<RouteStatus, "hold" | "invalid"> }) {
  if (route.invalid) return <span class="sign bad" title={route.invalid.message}>invalid</span>;
  if (route.hold.kind === null) return null;
  const words = route.hold.kind === "paused" ? "paused" : "rolled back";
  return <span class={`sign ${route.hold.kind === "paused" ? "warn" : "bad"}`} title={route.hold.reason}>{words}</span>;
}

const marks: Record<GateVerdict, string> = { pass: "✓", fail: "✕", insufficient: "…" };
const kinds: Record<GateVerdict, string> = { pass: "good", fail: "bad", insufficient: "wait" };

export function Verdict({ verdict }: { verdict: GateVerdict }) {
  return <span class={`sign ${kinds[verdict]}`}><span aria-hidden="true">{marks[verdict]} </span>{verdict}</span>;
}

export function SideSign({ side }: { side: Side }) {
  return <span class="side"><i class={`swatch ${side}`} aria-hidden="true" />{side}</span>;
}

/** The share of users that new serves, in basis points, in whatever stage. */
export function newShare(state: { stage: Stage; weight_bp: number }): number {
  if (state.stage === "retired" || state.stage === "new") return 10000;
  return state.stage === "canary" ? state.weight_bp : 0;
}

/** What new should serve, and what it has served in the last minute. */
export function SplitBar({ route, both }: { route: RouteStatus; both: Record<Side, Lane> }) {
  const wanted = newShare(route);
  const served = both.legacy.requests + both.new.requests;
  const observed = served > 0 ? share(both.new.requests, served) : "no traffic";
  const words = `new should serve ${weight(wanted)}; in the last minute it served ${observed}`;
  if (route.new === "") return <span class="quiet">no new side</span>;
  return (
    <span class="split" title={words}>
      <svg viewBox="0 0 100 10" preserveAspectRatio="none" role="img" aria-label={words}>
        <rect class="ground" width="100" height="10" />
        <rect class="fill" width={wanted / 100} height="10" />
        {served > 0 && <rect class="observed" x={Math.min(99, (100 * both.new.requests) / served)} width="1" height="10" />}
      </svg>
      <span class="number">{weight(wanted)}</span>
      <span class="quiet number">{served > 0 ? `${observed} served` : observed}</span>
    </span>
  );
}
