// What can be done to a route, as data: the dialog does the rest.
import type { Call } from "../api/client";
import type { Role, RouteStatus } from "../api/types";
import type { Lane } from "../live/state";
import type { Side } from "../api/types";

export interface Field {
  name: string;
  label: string;
  kind: "text" | "check" | "choice";
  help?: string;
  options?: readonly (readonly [string, string])[];
  required?: boolean;
  most?: number;
  /** Whether it means anything beside the other values. */
  wanted?: (values: Values) => boolean;
}

export type Values = Record<string, string>;

/** What a preview is made from. */
export interface Scene {
  route: RouteStatus;
  both: Record<Side, Lane>;
}

export interface Action {
  id: string;
  title: string;
  /** The dialog's title before the route's name, where that is not the title: "Add a rule to". */
  heading?: string;
  /** What it does, in a sentence. */
  about: string;
  role: Role;
  /** Whether it is refused when somebody changed the route meanwhile. */
  based: boolean;
  /** Whether the API can say beforehand what it would do. */
  tries: boolean;
  fields: Field[];
  first: Values;
  call: (route: string, values: Values) => Call;
  command: (route: string, values: Values) => string[];
  /** What an answer says, in words and numbers. */
  words: (answer: unknown, scene: Scene) => string[];
  /** Why it makes no sense now; empty when it does. */
  why: (route: RouteStatus) => string;
}

export function checked(values: Values, name: string): boolean {
  return values[name] === "yes";
}

/** The body without what is empty. */
export function body(fields: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== "" && value !== undefined && value !== false));
}
