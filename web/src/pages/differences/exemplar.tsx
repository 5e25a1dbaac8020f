import { useEffect, useState } from "preact/hooks";
import { at } from "../../api/client";
import type { Difference, Exemplar, FoundDifference } from "../../api/types";
import { stranglerctl } from "../../lib/command";
import { count, milliseconds } from "../../lib/format";
import { useResource } from "../../lib/resource";
import { forbidden } from "../../lib/roles";
import { type Branch, parsed } from "../../lib/tree";
import { useLive } from "../../live/store";
import { Command, Loading, ProblemBox, Time } from "../../ui/basics";

export function ExemplarView({ found, noise }: { found: FoundDifference; noise: ReadonlySet<string> }) {
  const role = useLive((state) => state.session?.role ?? "viewer");
  const [which, turn] = useState(0);
  const why = forbidden(role, "operator");
  const id = found.exemplars[Math.min(which, found.exemplars.length - 1)];
  const { data, problem, loading, reload } = useResource<Exemplar>(why === "" && id !== undefined ? { path: at`/api/v1/exemplars/${id}` } : null);
  if (why !== "") return <p class="note">Exemplars show values of users. {why}</p>;
  if (id === undefined) return <p class="quiet">No exemplar of it is kept any more.</p>;
  return (
    <div class="exemplar">
      <div class="heading">
        <label>Exemplar <select value={String(which)} onChange={(event) => turn(Number(event.currentTarget.value))}>{found.exemplars.map((other, i) => <option key={other} value={String(i)}>{i + 1} of {found.exemplars.length}</option>)}</select></label>
      </div>
      {problem && <ProblemBox problem={problem} again={reload} />}
      {loading && <Loading what="the exemplar" />}
      {data && <Shown exemplar={data} signature={found.signature} noise={noise} />}
    </div>
  );
}

function Shown({ exemplar, signature, noise }: { exemplar: Exemplar; signature: string; noise: ReadonlySet<string> }) {
  const { request, legacy, new: fresh } = exemplar;
  return (
    <>
      <p><code class="breaks">{request.method} {request.target}</code> <span class="quiet"><Time at={exemplar.at} />, served by {exemplar.served}, compared by {exemplar.instance}</span></p>
      <p class="quiet">legacy {legacy.status}, {count(legacy.bytes)} bytes, {milliseconds(legacy.duration_s * 1000)} · new {fresh.status}, {count(fresh.bytes)} bytes, {milliseconds(fresh.duration_s * 1000)}. What is the same on both sides is not kept.</p>
      <div class="scroll" tabIndex={0} role="region" aria-label="Differences of this exemplar">
        <table>
          <thead><tr><th>Where</th><th>Kind</th><th>Legacy</th><th>New</th></tr></thead>
          <tbody>{exemplar.differences.map((one, i) => <Row key={i} one={one} mine={one.signature === signature} noise={noise.has(one.signature)} />)}</tbody>
        </table>
      </div>
      {exemplar.more > 0 && <p class="quiet">And {count(exemplar.more)} more that there was no room for.</p>}
      <Command line={stranglerctl(["diff", "show", exemplar.id])} />
    </>
  );
}

function Row({ one, mine, noise }: { one: Difference; mine: boolean; noise: boolean }) {
  const legacy = parsed(one.legacy.text);
  const fresh = parsed(one.new.text);
  return (
    <>
      <tr class={`${mine ? "mine" : ""} ${noise ? "noise" : ""}`}>
        <td><code>{one.where}</code></td><td>{one.kind}{noise && <span class="sign wait">noise</span>}</td>
        <td><code class="breaks">{one.legacy.type === "" ? "absent" : one.legacy.text}</code></td>
        <td><code class="breaks">{one.new.type === "" ? "absent" : one.new.text}</code></td>
      </tr>
      {legacy !== null && fresh !== null && <tr><td colSpan={4}><Structure legacy={legacy} fresh={fresh} /></td></tr>}
    </>
  );
}

/** Where both sides have an object or an array there, what differs within. */
function Structure({ legacy, fresh }: { legacy: object; fresh: object }) {
  const [branch, grow] = useState<Branch | null>(null);
  useEffect(() => {
    let wanted = true;
    void import("../../lib/structure").then(({ compared }) => {
      if (wanted) grow(compared(legacy, fresh));
    });
    return () => {
      wanted = false;
    };
  }, [JSON.stringify([legacy, fresh])]);
  return branch === null ? <Loading what="what differs within" /> : <ul class="tree"><Twig branch={branch} /></ul>;
}

function Twig({ branch }: { branch: Branch }) {
  return (
    <li>
      {branch.name !== "" && <code>{branch.name}: </code>}
      {branch.kind === "changed" && <><del>{branch.legacy}</del> → <ins>{branch.fresh}</ins></>}
      {branch.kind === "missing" && <><del>{branch.legacy}</del> <span class="quiet">only legacy</span></>}
      {branch.kind === "extra" && <><ins>{branch.fresh}</ins> <span class="quiet">only new</span></>}
      {branch.kind === "moved" && <span class="quiet">in another place: {branch.fresh}</span>}
      {branch.children.length > 0 && <ul>{branch.children.map((child) => <Twig key={child.name} branch={child} />)}</ul>}
    </li>
  );
}
