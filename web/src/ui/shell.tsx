// What surrounds every page: navigation, search, how fresh the data are, who is signed in.
import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import { call } from "../api/client";
import type { Session } from "../api/types";
import { go } from "../lib/location";
import { useKeys } from "../lib/keys";
import { span } from "../lib/time";
import { useLive, useStore } from "../live/store";
import type { Stream } from "../live/stream";
import { Button, Link } from "./basics";
import { Help } from "./help";
import { Search } from "./search";

export const pages = [
  { path: "/", name: "Overview", key: "o" },
  { path: "/routes", name: "Routes", key: "r" },
  { path: "/differences", name: "Differences", key: "d" },
  { path: "/history", name: "History", key: "h" },
  { path: "/topology", name: "Topology", key: "t" },
  { path: "/faults", name: "Faults", key: "f" },
] as const;

interface ShellProps {
  path: string;
  session: Session;
  stream: Stream;
  children: ComponentChildren;
}

export function Shell({ path, session, stream, children }: ShellProps) {
  const [help, showHelp] = useState(false);
  const jumps = Object.fromEntries(pages.map((page) => [`g ${page.key}`, () => go(page.path)]));
  useKeys({
    ...jumps,
    "/": () => document.getElementById("search")?.focus(),
    "?": () => showHelp(true),
    p: () => document.getElementById("pause")?.click(),
  });
  const first = `/${path.split("/")[1] ?? ""}`;
  return (
    <>
      <a class="skip" href="#main" onClick={(event) => { event.preventDefault(); document.getElementById("main")?.focus(); }}>Skip to the page</a>
      <header class="bar">
        <Link to="/" class="brand">strangler</Link>
        <nav aria-label="Pages">
          {pages.map((page) => <Link key={page.path} to={page.path} current={first === page.path}>{page.name}</Link>)}
        </nav>
        <Search />
        <Freshness stream={stream} />
        <Account session={session} help={() => showHelp(true)} stream={stream} />
      </header>
      <StoreBanner />
      <main id="main" tabIndex={-1}>{children}</main>
      {help && <Help close={() => showHelp(false)} />}
    </>
  );
}

const staleAfter = 12;

function Freshness({ stream }: { stream: Stream }) {
  const link = useLive((state) => state.link);
  const heard = useLive((state) => state.heard);
  const [now, tick] = useState(Date.now());
  useEffect(() => {
    const timer = setInterval(() => tick(Date.now()), 1000);
    return () => clearInterval(timer);
  }, []);
  const age = heard === 0 ? 0 : Math.max(0, (now - heard) / 1000);
  const stale = link !== "live" || age > staleAfter;
  return (
    <div class="fresh">
      <span class={`sign ${stale ? "warn" : "good"}`} role="status">{words(link, stale, heard === 0)}</span>
      {stale && heard > 0 && <span class="quiet number">stale for {span(age)}</span>}
      <button
        type="button" id="pause" class="small" aria-pressed={link === "paused"} title="Keep what is shown (p)"
        onClick={() => (link === "paused" ? stream.start() : stream.pause())}
      >
        {link === "paused" ? "Go on" : "Pause"}
      </button>
    </div>
  );
}

function words(link: string, stale: boolean, never: boolean): string {
  if (link === "paused") return "paused";
  if (link === "waiting") return "connection lost";
  if (link === "connecting" || never) return "connecting";
  return stale ? "silent" : "live";
}

function Account({ session, help, stream }: { session: Session; help: () => void; stream: Stream }) {
  const store = useStore();
  const leave = () => {
    stream.stop();
    const gone = () => store.patch({ session: null, link: "ended" });
    call({ method: "DELETE", path: "/api/v1/session" }).then(gone, gone);
  };
  return (
    <div class="account">
      <span title={`Signed in with the token ${session.name}`}><span class="name">{session.name}</span> <span class="sign">{session.role}</span></span>
      <Button class="small" label="Keys and help" onClick={help}>?</Button>
      <Button class="small" onClick={leave}>Sign out</Button>
    </div>
  );
}

function StoreBanner() {
  const store = useLive((state) => state.store);
  if (store === null || store.reachable) return null;
  return (
    <div class="banner" role="alert">
      <strong>The store cannot be reached.</strong> Routers go on serving what they have; this page shows what was
      read {span(store.age_s)} ago. Nothing can be changed until it is back. <code>stranglerctl doctor</code> says more.
    </div>
  );
}
