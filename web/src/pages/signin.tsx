import { useState } from "preact/hooks";
import { call, Problem } from "../api/client";
import type { Session } from "../api/types";
import { ProblemBox } from "../ui/basics";

export function SignIn({ done, ended }: { done: (session: Session) => void; ended: boolean }) {
  const [token, write] = useState("");
  const [problem, fail] = useState<Problem | null>(null);
  const [busy, work] = useState(false);
  const submit = async (event: Event) => {
    event.preventDefault();
    if (busy || token.trim() === "") return;
    work(true);
    try {
      done(await call<Session>({ method: "POST", path: "/api/v1/session", body: { token: token.trim() } }));
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      fail(error);
    } finally {
      work(false);
    }
  };
  return (
    <main id="main" class="signin">
      <form onSubmit={submit}>
        <h1>strangler</h1>
        {ended && problem === null && <p role="status">Your session has ended. Sign in again to go on where you were.</p>}
        <label for="token">Token</label>
        <input
          id="token" type="password" autoComplete="current-password" spellcheck={false} autoFocus maxLength={512} value={token}
          aria-describedby="token-help" onInput={(event) => write(event.currentTarget.value)}
        />
        <p id="token-help" class="quiet">
          <code>strangler token create --role viewer --name YOU</code> makes one; <code>strangler demo</code> prints one.
        </p>
        {problem && <ProblemBox problem={problem} />}
        <button type="submit" class="primary" aria-disabled={busy}>{busy ? "Signing in …" : "Sign in"}</button>
      </form>
    </main>
  );
}
