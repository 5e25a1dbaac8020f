// What a page asks the API for besides the stream.
import { useEffect, useRef, useState } from "preact/hooks";
import { type Call, call, Problem } from "../api/client";
import { useLive } from "../live/store";

export interface Resource<T> {
  data: T | null;
  problem: Problem | null;
  loading: boolean;
  reload: () => void;
}

interface Held<T> {
  key: string;
  data: T | null;
  problem: Problem | null;
}

/**
 * Asks when the call or `version` changes, and every so many milliseconds unless that is 0, while
 * somebody looks and the page is not paused. Good data stay when a later answer is none.
 */
export function useResource<T>(wanted: Call | null, every = 0, version: unknown = 0): Resource<T> {
  const key = wanted === null ? "" : JSON.stringify(wanted);
  const [held, hold] = useState<Held<T>>({ key, data: null, problem: null });
  const [turn, next] = useState(0);
  const paused = useLive((state) => state.link === "paused");
  const latest = useRef(wanted);
  latest.current = wanted;

  useEffect(() => {
    const asked = latest.current;
    if (asked === null) return undefined;
    const stop = new AbortController();
    call<T>({ ...asked, signal: stop.signal }).then(
      (data) => hold({ key, data, problem: null }),
      (error: unknown) => {
        if (stop.signal.aborted || !(error instanceof Problem)) return;
        hold((before) => ({ key, data: before.key === key ? before.data : null, problem: error }));
      },
    );
    return () => stop.abort();
  }, [key, turn, version]);

  useEffect(() => {
    if (every === 0 || paused) return undefined;
    const timer = setInterval(() => document.hidden || next((n) => n + 1), every);
    return () => clearInterval(timer);
  }, [every, paused]);

  const current = held.key === key ? held : { data: null, problem: null };
  return {
    data: current.data,
    problem: current.problem,
    loading: current.data === null && current.problem === null,
    reload: () => next((n) => n + 1),
  };
}
