// Calls of the admin API by the session's cookie.
import type { ProblemBody } from "./types";

/** An answer that is no success; its fields are those of RFC 9457. */
export class Problem extends Error {
  constructor(readonly body: ProblemBody) {
    super(body.title);
  }

  get status(): number {
    return this.body.status;
  }
}

export interface Call {
  method?: "GET" | "POST" | "PUT" | "DELETE";
  path: string;
  query?: Record<string, string | undefined>;
  /** The revision that the change is based on. */
  revision?: number;
  body?: unknown;
  signal?: AbortSignal;
}

/** Called when the router does not know the session (any more). */
type SignedOut = () => void;

let signedOut: SignedOut = () => undefined;

export function onSignedOut(listener: SignedOut): void {
  signedOut = listener;
}

/** Makes an address of names that may hold anything. */
export function at(parts: TemplateStringsArray, ...names: (string | number)[]): string {
  return parts.reduce((path, part, i) => path + encodeURIComponent(names[i - 1] ?? "") + part);
}

export async function call<T>(wanted: Call): Promise<T> {
  const answer = await ask(wanted);
  if (answer.ok) {
    return answer.status === 204 ? (undefined as T) : ((await answer.json()) as T);
  }
  if (answer.status === 401 && wanted.path !== "/api/v1/session") {
    signedOut();
  }
  throw new Problem(await problemOf(answer));
}

async function ask(wanted: Call): Promise<Response> {
  const headers: Record<string, string> = { Accept: "application/json" };
  if (wanted.body !== undefined) headers["Content-Type"] = "application/json";
  if (wanted.revision !== undefined) headers["If-Match"] = `"${wanted.revision}"`;
  const request: RequestInit = { method: wanted.method ?? "GET", headers, credentials: "same-origin" };
  if (wanted.body !== undefined) request.body = JSON.stringify(wanted.body);
  if (wanted.signal) request.signal = wanted.signal;
  try {
    return await fetch(wanted.path + queryOf(wanted.query), request);
  } catch (cause) {
    if (wanted.signal?.aborted) throw cause;
    throw new Problem(unreachable(wanted.method !== undefined && wanted.method !== "GET"));
  }
}

function queryOf(query: Call["query"]): string {
  const given = Object.entries(query ?? {}).filter((pair): pair is [string, string] => Boolean(pair[1]));
  return given.length === 0 ? "" : `?${new URLSearchParams(given)}`;
}

function unreachable(change: boolean): ProblemBody {
  return {
    type: "about:blank",
    title: "The router does not answer.",
    status: 0,
    code: "unreachable",
    detail: change ? "whether the change was made is not known" : "nothing was read",
    hint: "look at History once it answers again; stranglerctl doctor says what is wrong",
  };
}

async function problemOf(answer: Response): Promise<ProblemBody> {
  const text = await answer.text();
  try {
    const body = JSON.parse(text) as ProblemBody;
    if (typeof body.title === "string") return body;
  } catch {
    // Something between browser and router answered in its own words.
  }
  return {
    type: "about:blank",
    title: `The answer was ${answer.status} ${answer.statusText}`.trim(),
    status: answer.status,
    code: "no_problem",
    detail: text.slice(0, 200),
    hint: "it is not the router's own; look at what stands between it and you",
  };
}
