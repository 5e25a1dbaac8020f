// One dialog for every action: preview in numbers, reason, the revision it is based on, and its line.
import { useEffect, useRef, useState } from "preact/hooks";
import { call, Problem } from "../api/client";
import type { RouteStatus } from "../api/types";
import { stranglerctl } from "../lib/command";
import { laneOf, lanes } from "../live/state";
import { useStore } from "../live/store";
import { Command, ProblemBox, Time } from "../ui/basics";
import { Dialog } from "../ui/dialog";
import { useToast } from "../ui/toasts";
import { type Action, type Scene, type Values } from "./action";
import { Fields } from "./fields";

interface ActionDialogProps {
  action: Action;
  route: RouteStatus;
  close: () => void;
}

export function ActionDialog({ action, route, close }: ActionDialogProps) {
  const store = useStore();
  const say = useToast();
  const [values, write] = useState<Values>(action.first);
  const [based, base] = useState(route.revision);
  const [busy, work] = useState(false);
  const [refused, refuse] = useState<Problem | null>(null);
  const [result, show] = useState<string[] | null>(null);
  const scene: Scene = { route, both: laneOf(lanes(store.state.traffic), route.name) };
  const asked = action.fields.filter((field) => field.required && (field.wanted?.(values) ?? true) && !values[field.name]?.trim());
  const missing = asked.length > 0;
  const ready = asked.every((field) => field.name === "reason");
  const preview = usePreview(action, route.name, values, based, scene, ready && result === null);

  const act = async () => {
    if (busy || missing) return;
    work(true);
    refuse(null);
    try {
      const answer = await call({ ...action.call(route.name, values), ...(action.based ? { revision: based } : {}) });
      const words = action.words(answer, scene);
      if (action.tries) {
        say(words[0] ?? "Done.");
        close();
      } else {
        show(words);
      }
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      refuse(error);
    } finally {
      work(false);
    }
  };
  const again = () => {
    refuse(null);
    base(refused?.body.revision ?? preview.problem?.body.revision ?? route.revision);
  };
  const stale = [refused, preview.problem].find((problem) => problem?.status === 412);
  return (
    <Dialog title={`${action.heading ?? action.title} ${route.name}`} close={close}>
      <p>{action.about}</p>
      {result === null ? (
        <form onSubmit={(event) => { event.preventDefault(); void act(); }}>
          <Fields fields={action.fields} values={values} write={write} />
          {stale ? <Faster problem={stale} again={again} /> : <Preview action={action} ready={ready} words={preview.words} problem={refused ?? preview.problem} />}
          <Command line={stranglerctl([...action.command(route.name, values), ...(action.based ? [`--if-revision=${based}`] : [])])} />
          <footer>
            <span class="quiet">{action.based ? `Based on revision ${based}` : "Does not depend on a revision"}</span>
            <button type="submit" class="primary" aria-disabled={busy || missing || stale !== undefined}>{busy ? "Asking …" : action.title}</button>
          </footer>
        </form>
      ) : <ul class="words">{result.map((line) => <li key={line} class="breaks">{line}</li>)}</ul>}
    </Dialog>
  );
}

function Preview({ action, ready, words, problem }: { action: Action; ready: boolean; words: string[] | null; problem: Problem | null }) {
  if (problem) {
    return (
      <>
        <ProblemBox problem={problem} />
        <ul class="words">
          {(problem.body.findings ?? []).filter((found) => found.verdict !== "pass").map((found) => <li key={found.gate}><strong>{found.gate}</strong>: {found.text}{found.missing && `; ${found.missing}`}</li>)}
        </ul>
      </>
    );
  }
  if (!action.tries) return null;
  return (
    <section class="preview" aria-live="polite" aria-label="Preview">
      <h3>What it would do</h3>
      {words === null ? <p class="quiet">{ready ? "Asking …" : "Fill in what is needed."}</p> : <ul class="words">{words.map((line) => <li key={line}>{line}</li>)}</ul>}
    </section>
  );
}

function Faster({ problem, again }: { problem: Problem; again: () => void }) {
  const { changed_by: who, changed_at: when, detail, revision } = problem.body;
  return (
    <div class="problem" role="alert">
      <strong>{who ? `${who} was faster` : problem.body.title}{when && <>, <Time at={when} /></>}.</strong>
      {detail && <p>{detail}</p>}
      <button type="button" onClick={again}>Look again, from revision {revision}</button>
    </div>
  );
}

interface Previewed {
  words: string[] | null;
  problem: Problem | null;
}

// Writing a reason is no reason to ask again: a preview goes by everything else.
function usePreview(action: Action, route: string, values: Values, based: number, scene: Scene, wanted: boolean): Previewed {
  const [preview, set] = useState<Previewed>({ words: null, problem: null });
  const shown = useRef(scene);
  shown.current = scene;
  const needsReason = values.force === "yes" && Boolean(values.reason);
  const key = JSON.stringify([action.call(route, { ...values, reason: "" }), needsReason, based, wanted]);
  useEffect(() => {
    if (!action.tries || !wanted) return undefined;
    const stop = new AbortController();
    const timer = setTimeout(() => {
      const trial = action.call(route, values);
      call({ ...trial, query: { ...trial.query, dry_run: "true" }, ...(action.based ? { revision: based } : {}), signal: stop.signal }).then(
        (answer) => set({ words: action.words(answer, shown.current), problem: null }),
        (error: unknown) => error instanceof Problem && set({ words: null, problem: error }),
      );
    }, 250);
    return () => {
      clearTimeout(timer);
      stop.abort();
    };
  }, [key]);
  return preview;
}
