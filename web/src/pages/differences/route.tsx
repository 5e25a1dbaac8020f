import { useState } from "preact/hooks";
import { at } from "../../api/client";
import type { FoundDifference, RouteDifferences } from "../../api/types";
import { count, share } from "../../lib/format";
import { setQuery } from "../../lib/location";
import { useResource } from "../../lib/resource";
import { useLive } from "../../live/store";
import { Button, Empty, Link, Loading, ProblemBox, Time } from "../../ui/basics";
import { ExemplarView } from "./exemplar";
import { Rules } from "./rules";

const spans = [["", "the epoch"], ["1h", "1 hour"], ["24h", "1 day"], ["168h", "7 days"]] as const;

export function OneRoute({ name, query }: { name: string; query: URLSearchParams }) {
  const asked = query.get("since") ?? "";
  const since = spans.find(([span]) => span === asked)?.[0] ?? "";
  const revision = useLive((state) => state.routes.get(name)?.revision ?? 0);
  const { data, problem, loading, reload } = useResource<RouteDifferences>({ path: at`/api/v1/routes/${name}/differences`, query: { since } }, 10_000, revision);
  const [target, aim] = useState("");
  return (
    <>
      <h1 class="breaks">Differences of {name}</h1>
      <p><Link to={at`/routes/${name}`}>The route</Link> · <Link to="/differences">All differences</Link></p>
      <form class="filters" onSubmit={(event) => event.preventDefault()}>
        <label>Of <select value={since} onChange={(event) => setQuery({ since: event.currentTarget.value })}>{spans.map(([span, words]) => <option key={span} value={span}>{words}</option>)}</select></label>
        <label class="check"><input type="checkbox" checked={query.get("noise") === "yes"} onChange={(event) => setQuery({ noise: event.currentTarget.checked ? "yes" : "" })} /> Show noise</label>
      </form>
      {problem && <ProblemBox problem={problem} again={reload} />}
      {loading && <Loading what="the differences" />}
      {data && <Found data={data} query={query} silence={aim} />}
      <Rules name={name} target={target} done={() => { aim(""); reload(); }} aim={aim} />
    </>
  );
}

function Found({ data, query, silence }: { data: RouteDifferences; query: URLSearchParams; silence: (target: string) => void }) {
  const noise = query.get("noise") === "yes";
  const open = query.get("signature") ?? "";
  const rows = data.differences.filter((found) => noise || !found.noise || found.signature === open);
  const noisy = new Set(data.differences.filter((found) => found.noise).map((found) => found.signature));
  const skipped = Object.entries(data.skipped).filter(([, n]) => n > 0).map(([reason, n]) => `${reason} ${count(n)}`);
  return (
    <section aria-labelledby="found">
      <h2 id="found">Found</h2>
      <p>
        {count(data.compared)} compared, {count(data.mismatched)} mismatched ({share(data.mismatched, data.compared)}), {count(data.noise)} noise
        {skipped.length > 0 && <>, skipped: {skipped.join(", ")}</>}. {data.epoch && <span class="quiet">Epoch of build {data.epoch.build || "unknown"}, begun <Time at={data.epoch.began} />.</span>}
      </p>
      {data.outdated && <p class="note">These were compared by other rules than the route has now; by those nothing was compared yet.</p>}
      {rows.length === 0 && <Empty title={data.compared === 0 ? "Nothing was compared." : "No difference that is not noise."}>{data.compared === 0 && <p><code>stranglerctl shadow start</code> has it compared in the present stage.</p>}</Empty>}
      <ul class="found">{rows.map((found) => <Signature key={found.signature} found={found} open={open === found.signature} noisy={noisy} silence={silence} />)}</ul>
    </section>
  );
}

function Signature({ found, open, noisy, silence }: { found: FoundDifference; open: boolean; noisy: ReadonlySet<string>; silence: (target: string) => void }) {
  const { pairs } = found;
  const asked = pairs.both + pairs.new + pairs.legacy;
  return (
    <li class={found.noise ? "noise" : ""}>
      <div class="line">
        <button type="button" class="plain" aria-expanded={open} onClick={() => setQuery({ signature: open ? "" : found.signature })}><span aria-hidden="true">{open ? "▾" : "▸"} </span><code class="breaks">{found.where}</code></button>
        <span class="sign">{found.kind}</span>
        {found.noise && <span class="sign wait">noise</span>}
        <span class="number">{count(found.count)}</span>
        <span class="values"><i class="swatch legacy" role="img" aria-label="legacy" /><code class="breaks">{found.legacy || "absent"}</code> <i class="swatch new" role="img" aria-label="new" /><code class="breaks">{found.new || "absent"}</code></span>
        <Button class="small" label={`Write a rule for ${found.where}`} onClick={() => silence(found.where)}>Rule …</Button>
      </div>
      {found.noise && <p class="quiet">Legacy has it against itself: in {count(pairs.both)} of {count(asked)} comparisons in which it was asked twice.</p>}
      {!found.noise && found.confirmed + found.transient > 0 && <p class="quiet">Asked once more, it was there again {count(found.confirmed)} times of {count(found.confirmed + found.transient)}.</p>}
      {open && <ExemplarView found={found} noise={noisy} />}
    </li>
  );
}
