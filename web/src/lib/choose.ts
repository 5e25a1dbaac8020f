// Which routes are shown, and in which order: filters and sorting live in the URL.
import type { RouteStatus } from "../api/types";
import { laneOf, type Lanes } from "../live/state";
import { newShare, stages } from "../ui/signs";

export interface Choice {
  text: string;
  stage: string;
  hold: string;
  verdict: string;
  group: string;
  sort: string;
  down: boolean;
}

export const sorts = ["name", "stage", "share", "errors", "p95", "parity", "gates", "autopilot", "changed"] as const;

/** What the URL asks for; parts that make no sense are left out, and named. */
export function choiceOf(query: URLSearchParams): { choice: Choice; unknown: string[] } {
  const unknown: string[] = [];
  const one = (name: string, allowed: readonly string[]) => {
    const value = query.get(name) ?? "";
    if (value === "" || allowed.includes(value)) return value;
    unknown.push(`${name}=${value.slice(0, 60)}`);
    return "";
  };
  const sort = query.get("sort") ?? "";
  const down = sort.startsWith("-");
  const field = down ? sort.slice(1) : sort;
  const known = sorts.some((name) => name === field);
  if (sort !== "" && !known) unknown.push(`sort=${sort.slice(0, 60)}`);
  const choice: Choice = {
    text: (query.get("q") ?? "").slice(0, 200),
    stage: one("stage", stages),
    hold: one("hold", ["paused", "rolled_back", "none"]),
    verdict: one("verdict", ["pass", "fail", "insufficient"]),
    group: query.get("group") ?? "",
    sort: known ? field : "name",
    down: known && down,
  };
  return { choice, unknown };
}

export function chosen(routes: Iterable<RouteStatus>, choice: Choice, lanes: Lanes): RouteStatus[] {
  const wanted = choice.text.toLowerCase();
  const kept = [...routes].filter((route) => fits(route, choice, wanted));
  const value = key(choice.sort, lanes);
  const sign = choice.down ? -1 : 1;
  const keyed = kept.map((route) => ({ route, value: value(route) }));
  keyed.sort((a, b) => sign * compare(a.value, b.value) || a.route.name.localeCompare(b.route.name));
  return keyed.map(({ route }) => route);
}

function fits(route: RouteStatus, choice: Choice, text: string): boolean {
  if (choice.stage !== "" && route.stage !== choice.stage) return false;
  if (choice.hold !== "" && (route.hold.kind ?? "none") !== choice.hold) return false;
  if (choice.verdict !== "" && route.gates?.verdict !== choice.verdict) return false;
  if (choice.group !== "" && route.group !== choice.group) return false;
  return text === "" || `${route.name}\n${route.match}\n${route.legacy}\n${route.new}`.toLowerCase().includes(text);
}

function compare(a: string | number, b: string | number): number {
  return typeof a === "string" && typeof b === "string" ? a.localeCompare(b) : Number(a) - Number(b);
}

const verdicts = { fail: 0, insufficient: 1, pass: 2 };

// What is not known sorts below everything that is.
function key(sort: string, lanes: Lanes): (route: RouteStatus) => string | number {
  switch (sort) {
    case "stage":
      return (route) => stages.indexOf(route.stage) * 100_000 + route.weight_bp;
    case "share":
      return newShare;
    case "errors":
      return (route) => {
        const { requests, failures } = laneOf(lanes, route.name).new;
        return requests === 0 ? -1 : failures / requests;
      };
    case "p95":
      return (route) => laneOf(lanes, route.name).new.p95 ?? -1;
    case "parity":
      return (route) => (route.parity && route.parity.compared > 0 ? 1 - route.parity.mismatched / route.parity.compared : -1);
    case "gates":
      return (route) => (route.gates ? verdicts[route.gates.verdict] : -1);
    case "autopilot":
      return (route) => route.autopilot;
    case "changed":
      return (route) => Date.parse(route.changed_at);
    default:
      return (route) => route.name;
  }
}
