import { useState } from "preact/hooks";
import { call, Problem } from "../../api/client";
import type { Explanation, RouteStatus } from "../../api/types";
import { stranglerctl } from "../../lib/command";
import { weight } from "../../lib/format";
import { forbidden } from "../../lib/roles";
import { useLive } from "../../live/store";
import { Button, Command, ProblemBox } from "../../ui/basics";

/** Asks which route and side a request would get; nothing is sent anywhere. */
export function Explain({ route }: { route: RouteStatus }) {
  const role = useLive((state) => state.session?.role ?? "viewer");
  const [method, setMethod] = useState("GET");
  const [url, setUrl] = useState("");
  const [answer, show] = useState<Explanation | null>(null);
  const [problem, fail] = useState<Problem | null>(null);
  const why = forbidden(role, "operator") || (url.trim() === "" ? "It needs an address or a path." : "");
  const ask = () => {
    call<Explanation>({ method: "POST", path: "/api/v1/explain", body: { method, url } }).then(
      (found) => { show(found); fail(null); },
      (error: unknown) => { if (error instanceof Problem) { fail(error); show(null); } },
    );
  };
  return (
    <details class="explain">
      <summary>Explain: who would serve a request?</summary>
      <form onSubmit={(event) => { event.preventDefault(); if (why === "") ask(); }}>
        <label>Method <select value={method} onChange={(event) => setMethod(event.currentTarget.value)}>{["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"].map((verb) => <option key={verb}>{verb}</option>)}</select></label>
        <label>Address or path <input type="text" value={url} maxLength={2000} placeholder="/orders/42" onInput={(event) => setUrl(event.currentTarget.value)} /></label>
        <Button why={why} onClick={ask}>Explain</Button>
      </form>
      {why !== "" && <p class="quiet">{why}</p>}
      {problem && <ProblemBox problem={problem} />}
      {answer && <Answer answer={answer} route={route.name} />}
      {url.trim() !== "" && <Command line={stranglerctl(["explain", method, url])} />}
    </details>
  );
}

function Answer({ answer, route }: { answer: Explanation; route: string }) {
  const miss = answer.near.find((near) => near.route === route);
  if (answer.route === "") return <p>No route matches.</p>;
  return (
    <div role="status">
      <p><strong>{answer.route}</strong>, side <strong>{answer.side}</strong>, backend {answer.backend}; reason {answer.reason}{answer.point != null && `, point ${answer.point} of a weight of ${weight(answer.weight_bp)}`}.</p>
      {miss && <p class="note">Not {route}: {miss.why}.</p>}
    </div>
  );
}
