// What a change of stage, weight or hold means, in words and numbers.
import type { Move, State } from "../api/types";
import { count, rate, weight } from "../lib/format";
import { newShare } from "../ui/signs";
import type { Scene } from "./action";

export function place(state: State): string {
  const at = state.stage === "canary" ? `canary at ${weight(state.weight_bp)}` : state.stage;
  if (state.hold.kind === null) return at;
  return `${at}, ${state.hold.kind === "paused" ? "paused" : "rolled back"}`;
}

/** How much of the route's traffic changes its side, from what it served in the last minute. */
export function moved(before: State, after: State, perSecond: number): string {
  const difference = newShare(after) - newShare(before);
  if (difference === 0) return "No request changes its side.";
  const side = difference > 0 ? "new" : "legacy";
  const of = `of ${rate(perSecond)}`;
  if (perSecond === 0) return `${weight(Math.abs(difference))} of the users would move to ${side}; there was no traffic in the last minute.`;
  return `About ${rate((perSecond * Math.abs(difference)) / 10000)} ${of} would move to ${side}: ${weight(Math.abs(difference))} of the users.`;
}

export function moveWords(answer: unknown, { both }: Scene): string[] {
  const move = answer as Move;
  if (!move.changed) return [`${move.route} is already where it should be: ${place(move.after)}.`, ...noteOf(move)];
  const words = [
    `${move.route}: ${place(move.before)} → ${place(move.after)}${move.step > 0 ? ` (step ${move.step} of ${move.steps})` : ""}`,
    moved(move.before, move.after, both.legacy.perSecond + both.new.perSecond),
  ];
  for (const finding of move.findings ?? []) {
    if (finding.verdict !== "pass") words.push(`${finding.gate}: ${finding.verdict}: ${finding.text}${finding.missing ? `; ${finding.missing}` : ""}`);
  }
  if (move.unsafe_served_by_new) words.push(`New has served ${count(move.unsafe_served_by_new)} requests that may have written something.`);
  return [...words, ...noteOf(move)];
}

function noteOf(move: Move): string[] {
  return move.note ? [move.note] : [];
}
