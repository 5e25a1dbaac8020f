import { at } from "../../api/client";
import type { GateFinding, RouteDetail, RouteGates } from "../../api/types";
import { useResource } from "../../lib/resource";
import { short, span } from "../../lib/time";
import { Loading, ProblemBox } from "../../ui/basics";
import { Verdict } from "../../ui/signs";

export function Plan({ route }: { route: RouteDetail }) {
  const { steps } = route.plan;
  if (!steps || steps.length === 0) return null;
  return (
    <section aria-labelledby="plan">
      <h2 id="plan">Plan</h2>
      <ol class="plan">
        {steps.map((step, i) => <li key={step} class={i + 1 < route.step ? "past" : ""} aria-current={i + 1 === route.step ? "step" : undefined}>{step}</li>)}
      </ol>
      <p class="quiet">{route.step === 0 ? "The route stands between the steps of its plan" : `Step ${route.step} of ${route.steps}`}; bake time {short(route.plan.bake ?? "unknown")}.</p>
    </section>
  );
}

export function Gates({ name, revision }: { name: string; revision: number }) {
  const { data, problem, loading, reload } = useResource<RouteGates>({ path: at`/api/v1/routes/${name}/gates` }, 5_000, revision);
  return (
    <section aria-labelledby="gates">
      <div class="heading"><h2 id="gates">Gates</h2>{data && <Verdict verdict={data.verdict} />}</div>
      {problem && <ProblemBox problem={problem} again={reload} />}
      {loading && <Loading what="the gates" />}
      {data && (
        <>
          <p>{data.next === null ? "There is no further step." : <>Next step: <strong>{data.next}</strong>.</>} {data.held && <span class="quiet">The autopilot does not take it: {data.held}.</span>}</p>
          <table class="stacked">
            <thead><tr><th>Gate</th><th>Verdict</th><th>Found</th><th>Missing</th></tr></thead>
            <tbody>{data.findings.map((finding) => <Row key={finding.gate} finding={finding} />)}</tbody>
          </table>
        </>
      )}
    </section>
  );
}

function Row({ finding }: { finding: GateFinding }) {
  const { gate, verdict, text, missing, wait_s: wait } = finding;
  return (
    <tr>
      <td data-title="Gate"><strong>{gate}</strong></td>
      <td data-title="Verdict"><Verdict verdict={verdict} />{finding.rolls_back && <span class="sign bad">rolls back</span>}</td>
      <td data-title="Found">{text}</td>
      <td data-title="Missing">{missing || <span class="quiet">–</span>}{wait != null && missing && !missing.includes("more") && <span class="quiet"> (about {span(wait)})</span>}</td>
    </tr>
  );
}
