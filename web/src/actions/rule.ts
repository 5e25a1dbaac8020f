// Rules: what keeps a known difference from being reported.
import { at } from "../api/client";
import type { Rule, RuleChange } from "../api/types";
import { flag } from "../lib/command";
import { count } from "../lib/format";
import { type Action, body, type Field, type Values } from "./action";

const kinds = [
  ["ignore", "ignore: do not compare this place, nor what is below"],
  ["unordered", "unordered: the order of this array means nothing"],
  ["tolerance", "tolerance: this number may differ"],
  ["case", "case: upper and lower case are alike"],
  ["replace", "replace: a pattern is replaced on both sides first"],
] as const;

const of = (...some: string[]) => (values: Values) => some.includes(values.kind ?? "");

const fields: Field[] = [
  { name: "kind", label: "Kind", kind: "choice", options: kinds },
  { name: "target", label: "Target", kind: "text", required: true, help: "$.items[*].price, header Vary, status or body.", most: 500 },
  { name: "by", label: "By", kind: "text", wanted: of("unordered"), help: "The field that tells elements apart.", most: 200 },
  { name: "within", label: "Within", kind: "text", wanted: of("tolerance"), required: true, help: "Such as 0.01 or 1%.", most: 40 },
  { name: "pattern", label: "Pattern", kind: "text", wanted: of("replace"), required: true, help: "A regular expression.", most: 500 },
  { name: "with", label: "With", kind: "text", wanted: of("replace"), help: "What takes its place.", most: 500 },
  { name: "expires", label: "Expires", kind: "text", help: "A date such as 2027-01-31; never when empty.", most: 40 },
  { name: "reason", label: "Reason: why the difference is right", kind: "text", required: true, most: 500 },
];

export function rule(target: string): Action {
  return {
    id: "rule", title: "Add the rule", heading: "Add a rule to", role: "operator", based: true, tries: true,
    about: "From then on evidence is gathered anew. The preview says what it would have hidden so far.",
    fields, first: { kind: "ignore", target },
    call: (route, values) => ({
      method: "POST", path: at`/api/v1/routes/${route}/rules`,
      // A preview needs no reason, but the API wants one.
      body: body({ ...pick(values), reason: values.reason || "preview" }),
    }),
    command: (route, values) => ["rule", "add", route, ...flag(values.kind ?? "ignore", values.target), ...["by", "within", "pattern", "with", "expires", "reason"].flatMap((name) => flag(name, meant(name, values)))],
    words,
    why: () => "",
  };
}

// What was written for another kind stays in the form and is not sent.
function meant(name: string, values: Values): string | undefined {
  const field = fields.find((one) => one.name === name);
  return field?.wanted?.(values) === false ? undefined : values[name];
}

function pick(values: Values): Record<string, unknown> {
  return Object.fromEntries(["kind", "target", "by", "within", "pattern", "with", "expires"].map((name) => [name, meant(name, values)]));
}

export function removeRule(one: Rule): Action {
  return {
    id: `remove ${one.id}`, title: "Remove the rule", heading: "Remove a rule from", role: "operator", based: true, tries: true,
    about: `The rule ${one.kind} ${one.target}: ${one.reason}`,
    fields: [{ name: "reason", label: "Reason, for the history", kind: "text", most: 2000 }], first: {},
    call: (route, values) => ({ method: "DELETE", path: at`/api/v1/routes/${route}/rules/${one.id}`, query: { reason: values.reason } }),
    command: (route, values) => ["rule", "rm", route, one.id, ...flag("reason", values.reason)],
    words,
    why: () => "",
  };
}

function words(answer: unknown): string[] {
  const change = answer as RuleChange;
  const said = [`${change.rule.kind} ${change.rule.target} on ${change.route}${change.dry_run ? "" : `, revision ${change.previous_revision} → ${change.revision}`}`];
  const { preview } = change;
  if (preview) {
    said.push(`It would have hidden ${preview.exact ? "" : "about "}${count(preview.hidden)} of ${count(preview.of)} differences found.`);
    if (preview.everything) said.push("It hides whatever bodies may have.");
    if (preview.unseen > 0) said.push(`Of ${count(preview.unseen)} differences nothing can be said: a value is hidden or cut.`);
  }
  return [...said, ...change.warnings, ...(change.note ? [change.note] : [])];
}
