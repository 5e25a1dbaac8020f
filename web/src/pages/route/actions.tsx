import { useState } from "preact/hooks";
import type { Action } from "../../actions/action";
import { ActionDialog } from "../../actions/dialog";
import { fault, override, reset } from "../../actions/trials";
import { verbs } from "../../actions/verbs";
import type { RouteStatus } from "../../api/types";
import { forbidden } from "../../lib/roles";
import { useLive } from "../../live/store";
import { Button } from "../../ui/basics";

const all = [...verbs, fault, override, reset];

/** Why an action cannot be taken now; empty when it can. */
function useWhy(): (action: Action, route: RouteStatus) => string {
  const role = useLive((state) => state.session?.role ?? "viewer");
  const away = useLive((state) => state.store !== null && !state.store.reachable);
  return (action, route) => forbidden(role, action.role) || (away ? "The store cannot be reached; nothing can be changed." : action.why(route));
}

export function Actions({ route }: { route: RouteStatus }) {
  const [open, show] = useState<Action | null>(null);
  const why = useWhy();
  const reasons = new Map<string, string[]>();
  for (const action of all) {
    const words = why(action, route);
    if (words !== "") reasons.set(words, [...(reasons.get(words) ?? []), action.title]);
  }
  return (
    <section class="actions" aria-label="Actions">
      <div>
        {all.map((action) => (
          <Button key={action.id} class={action.id === "promote" ? "primary" : action.id === "rollback" ? "danger" : ""} why={why(action, route)} onClick={() => show(action)}>{action.title}</Button>
        ))}
      </div>
      {reasons.size > 0 && (
        <ul class="whys quiet">
          {[...reasons].map(([words, titles]) => <li key={words}>{titles.length === all.length ? "" : `${titles.join(", ")}: `}{words}</li>)}
        </ul>
      )}
      {open && <ActionDialog action={open} route={route} close={() => show(null)} />}
    </section>
  );
}
