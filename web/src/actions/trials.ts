// What lets people try a route: faults, and overrides for testers.
import { at } from "../api/client";
import type { BreakerReset, FaultChange, Override } from "../api/types";
import { flag } from "../lib/command";
import { rate } from "../lib/format";
import { type Action, body, checked, type Field, type Scene, type Values } from "./action";

const sides = [["new", "new"], ["legacy", "legacy"]] as const;
const reason: Field = { name: "reason", label: "Reason, for the history", kind: "text", most: 2000 };

function hundredths(percent: string | undefined): number {
  return Math.round(Number.parseFloat(percent || "100") * 100);
}

function faultCall(route: string, values: Values) {
  return {
    method: "POST" as const, path: "/api/v1/faults",
    body: body({
      route, side: values.side, for: values.for, latency: values.latency, jitter: values.jitter,
      status: values.status ? Number(values.status) : undefined, reset: checked(values, "reset"),
      percent_bp: values.percent ? hundredths(values.percent) : undefined, reason: values.reason,
    }),
  };
}

function faultWords(answer: unknown, { both }: Scene): string[] {
  const change = answer as FaultChange;
  const words = change.faults.map((fault) => {
    const meets = rate((both[fault.side].perSecond * fault.percent_bp) / 10000);
    const many = `About ${meets} of ${rate(both[fault.side].perSecond)} on ${fault.side}`;
    return change.dry_run ? `${many} would meet it, until it ends by itself.` : `Fault ${fault.id} on ${fault.route} has started. ${many} meet it, until it ends by itself.`;
  });
  return change.note ? [...words, change.note] : words;
}

export const fault: Action = {
  id: "fault", title: "Start a fault", heading: "Start a fault on", role: "operator", based: false, tries: true,
  about: "Injects latency, a status or a reset into one side, for an hour at most.",
  fields: [
    { name: "side", label: "Side", kind: "choice", options: sides },
    { name: "for", label: "For", kind: "text", required: true, help: "Such as 5m; 1h at most.", most: 20 },
    { name: "status", label: "Status", kind: "text", help: "400 to 599, in place of the backend's answer.", most: 3 },
    { name: "latency", label: "Latency", kind: "text", help: "Such as 300ms, before each try.", most: 20 },
    { name: "jitter", label: "Jitter", kind: "text", help: "So much more or less.", most: 20 },
    { name: "percent", label: "Percent of the tries", kind: "text", help: "100 unless told.", most: 6 },
    { name: "reset", label: "End the try as if the backend had reset the connection", kind: "check" },
    reason,
  ],
  first: { side: "new", for: "1m", status: "503" },
  call: faultCall,
  command: (route, values) => [
    "fault", "start", route, ...flag("side", values.side), ...flag("for", values.for), ...flag("status", values.status),
    ...flag("latency", values.latency), ...flag("jitter", values.jitter), ...flag("percent", values.percent),
    ...(checked(values, "reset") ? ["--reset"] : []), ...flag("reason", values.reason),
  ],
  words: faultWords,
  why: () => "",
};

export const override: Action = {
  id: "override", title: "Override for a tester", heading: "Sign an override for", role: "operator", based: false, tries: false,
  about: "Signs a value that puts its bearer on one side of this route. It is shown once.",
  fields: [
    { name: "side", label: "Side", kind: "choice", options: sides },
    { name: "ttl", label: "For", kind: "text", required: true, help: "Such as 2h; 24h at most.", most: 20 },
    reason,
  ],
  first: { side: "new", ttl: "2h" },
  call: (route, values) => ({ method: "POST", path: "/api/v1/overrides", body: body({ route, side: values.side, ttl: values.ttl, reason: values.reason }) }),
  command: (route, values) => ["override", route, ...flag("side", values.side), ...flag("for", values.ttl), ...flag("reason", values.reason)],
  words: (answer) => {
    const made = answer as Override;
    return [`Cookie ${made.cookie}=${made.value}`, `Header ${made.header}: ${made.value}`, `It can be revoked by its id ${made.id}.`, ...(made.note ? [made.note] : [])];
  },
  why: (route) => (route.new === "" ? "This route has no new side." : ""),
};

export const reset: Action = {
  id: "reset", title: "Reset breakers", heading: "Reset the breakers of", role: "operator", based: false, tries: true,
  about: "Closes the breakers of both sides on every router, and forgets what they have counted.",
  fields: [reason],
  first: {},
  call: (route, values) => ({ method: "POST", path: at`/api/v1/breakers/${route}/reset`, body: body({ reason: values.reason }) }),
  command: (route, values) => ["breaker", "reset", route, ...flag("reason", values.reason)],
  words: (answer) => {
    const done = answer as BreakerReset;
    return [`Breakers of ${done.route}: ${done.sides.join(" and ")}`, ...(done.note ? [done.note] : [])];
  },
  why: () => "",
};
