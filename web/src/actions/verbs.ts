// The verbs, as the API and the terminal know them.
import { at } from "../api/client";
import type { AutopilotChange, RouteStatus } from "../api/types";
import { flag } from "../lib/command";
import { type Action, body, checked, type Field, type Values } from "./action";
import { moveWords } from "./move";

const reason: Field = { name: "reason", label: "Reason, for the history", kind: "text", most: 2000 };
const force: Field = { name: "force", label: "Go on although a gate fails (needs a reason)", kind: "check" };

function tick(values: Values, field: string, name: string): string[] {
  return checked(values, field) ? [`--${name}`] : [];
}

function needsNew(route: RouteStatus): string {
  if (route.new === "") return "This route has no new side; its definition has to name one first.";
  return route.stage === "retired" ? "This route is retired; its legacy side was given up." : "";
}

const promote: Action = {
  id: "promote", title: "Promote", role: "operator", based: true, tries: true,
  about: "Takes the next step of the plan, or goes where you say.",
  fields: [
    { name: "to", label: "To", kind: "text", help: "A stage, or a percentage such as 25%; the next step of the plan when empty.", most: 20 },
    force,
    { name: "split", label: "Accept split writes: each side keeps its own data", kind: "check" },
    reason,
  ],
  first: {},
  call: (route, values) => ({
    method: "POST", path: at`/api/v1/routes/${route}/promote`,
    body: body({ to: values.to, force: checked(values, "force"), accept_split_writes: checked(values, "split"), reason: values.reason }),
  }),
  command: (route, values) => ["promote", route, ...flag("to", values.to), ...tick(values, "force", "force"), ...tick(values, "split", "accept-split-writes"), ...flag("reason", values.reason)],
  words: moveWords,
  why: (route) => needsNew(route) || (route.stage === "new" ? "New serves everything already; retire gives legacy up." : "") ||
    (route.hold.kind === null ? "" : "A hold stops promotions; resume clears it."),
};

function plain(id: string, title: string, about: string, why: (route: RouteStatus) => string): Action {
  return {
    id, title, about, why, role: "operator", based: true, tries: true, fields: [reason], first: {},
    call: (route, values) => ({ method: "POST", path: at`/api/v1/routes/${route}/` + id, body: body({ reason: values.reason }) }),
    command: (route, values) => [id, route, ...flag("reason", values.reason)],
    words: moveWords,
  };
}

const pause = plain("pause", "Pause", "Keeps the present weight and stops promotions. Rollbacks go on.",
  (route) => needsNew(route) || (route.hold.kind === null ? "" : "A hold is in force already."));

const resume = plain("resume", "Resume", "Clears the hold. Moves no traffic.",
  (route) => needsNew(route) || (route.hold.kind === null ? "There is no hold." : ""));

const undo = plain("undo", "Undo", "Takes the last move back.", needsNew);

const rollback: Action = {
  id: "rollback", title: "Roll back", role: "operator", based: false, tries: true,
  about: "Lets legacy serve everything, at once, whoever was faster.",
  fields: [{ name: "stop", label: "Stop shadowing as well", kind: "check" }, reason],
  first: {},
  call: (route, values) => ({
    method: "POST", path: at`/api/v1/routes/${route}/rollback`, body: body({ stop_shadow: checked(values, "stop"), reason: values.reason }),
  }),
  command: (route, values) => ["rollback", route, ...tick(values, "stop", "stop-shadow"), ...flag("reason", values.reason)],
  words: moveWords,
  why: needsNew,
};

const retire: Action = {
  id: "retire", title: "Retire", role: "operator", based: true, tries: true,
  about: "Gives the legacy side up for good.",
  fields: [{ name: "force", label: "Do not wait for the bake time (needs a reason)", kind: "check" }, reason],
  first: {},
  call: (route, values) => ({
    method: "POST", path: at`/api/v1/routes/${route}/retire`, body: body({ force: checked(values, "force"), reason: values.reason }),
  }),
  command: (route, values) => ["retire", route, ...tick(values, "force", "force"), ...flag("reason", values.reason)],
  words: moveWords,
  why: (route) => needsNew(route) || (route.stage === "new" ? "" : "Only a route that new serves whole can be retired."),
};

const autopilot: Action = {
  id: "autopilot", title: "Autopilot", heading: "Autopilot of", role: "operator", based: false, tries: true,
  about: "Says what the autopilot may do with the route. Moves no traffic.",
  fields: [
    { name: "mode", label: "Mode", kind: "choice", options: [
      ["off", "off: people promote it; evidence rolls it back"],
      ["on", "on: evidence promotes it as well"],
      ["disarmed", "disarmed: neither"],
    ] },
    reason,
  ],
  first: { mode: "on" },
  call: (route, values) => ({ method: "POST", path: at`/api/v1/routes/${route}/autopilot`, body: body({ mode: values.mode, reason: values.reason }) }),
  command: (route, values) => ["autopilot", values.mode === "on" ? "on" : "off", route, ...(values.mode === "disarmed" ? ["--disarm"] : []), ...flag("reason", values.reason)],
  words: (answer) => {
    const change = answer as AutopilotChange;
    const text = change.changed ? `Autopilot of ${change.route}: ${change.before} → ${change.mode}` : `The autopilot of ${change.route} is ${change.mode} already.`;
    return change.note ? [text, change.note] : [text];
  },
  why: needsNew,
};

export const verbs: Action[] = [promote, pause, resume, rollback, undo, autopilot, retire];
