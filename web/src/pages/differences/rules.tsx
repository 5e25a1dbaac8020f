import { useEffect, useState } from "preact/hooks";
import { ActionDialog } from "../../actions/dialog";
import { removeRule, rule } from "../../actions/rule";
import type { Action } from "../../actions/action";
import { at } from "../../api/client";
import type { Rule } from "../../api/types";
import { count } from "../../lib/format";
import { useResource } from "../../lib/resource";
import { forbidden } from "../../lib/roles";
import { useLive } from "../../live/store";
import { Button, Empty, Loading, ProblemBox, Time } from "../../ui/basics";

interface RulesProps {
  name: string;
  /** Of which a rule is to be written; empty: of none. */
  target: string;
  aim: (target: string) => void;
  done: () => void;
}

export function Rules({ name, target, aim, done }: RulesProps) {
  const role = useLive((state) => state.session?.role ?? "viewer");
  const route = useLive((state) => state.routes.get(name));
  const [open, show] = useState<Action | null>(null);
  const { data, problem, loading, reload } = useResource<Rule[]>({ path: at`/api/v1/routes/${name}/rules` }, 0, route?.revision);
  const why = forbidden(role, "operator");
  useEffect(() => {
    if (target !== "" && why === "") show(rule(target));
  }, [target]);
  const close = () => {
    show(null);
    reload();
    done();
  };
  return (
    <section aria-labelledby="rules">
      <div class="heading"><h2 id="rules">Rules</h2><Button class="small" why={why} onClick={() => aim("$.")}>Add a rule</Button></div>
      {why !== "" && <p class="quiet">{why}</p>}
      {problem && <ProblemBox problem={problem} again={reload} />}
      {loading && <Loading what="the rules" />}
      {data?.length === 0 && <Empty title="No rule keeps a difference of this route from being reported." />}
      {data && data.length > 0 && (
        <table class="stacked">
          <thead><tr><th>Rule</th><th>Kept away</th><th>Reason</th><th>Owner</th><th>Expires</th><th /></tr></thead>
          <tbody>
            {data.map((one) => (
              <tr key={one.id} class={one.expired ? "noise" : ""}>
                <td data-title="Rule">{one.kind} <code class="breaks">{one.target}</code></td><td data-title="Kept away" class="number">{one.hits == null ? "–" : count(one.hits)}</td>
                <td data-title="Reason" class="breaks">{one.reason}</td><td data-title="Owner">{one.owner || "–"}</td>
                <td data-title="Expires">{one.expired ? "expired" : one.expires ? <Time at={one.expires} /> : "never"}</td>
                <td><Button class="small" why={why} label={`Remove the rule ${one.kind} ${one.target}`} onClick={() => show(removeRule(one))}>Remove</Button></td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {open && route && <ActionDialog key={open.id + target} action={open} route={route} close={close} />}
    </section>
  );
}
