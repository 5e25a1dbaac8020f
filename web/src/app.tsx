import { useEffect, useState } from "preact/hooks";
import { call, onSignedOut, Problem } from "./api/client";
import type { Session } from "./api/types";
import { segments, useLocation } from "./lib/location";
import { Store, StoreContext, useLive } from "./live/store";
import { Stream } from "./live/stream";
import { empty } from "./live/state";
import { Differences } from "./pages/differences";
import { Faults } from "./pages/faults";
import { History } from "./pages/history";
import { Overview } from "./pages/overview";
import { RoutePage } from "./pages/route";
import { Routes } from "./pages/routes";
import { SignIn } from "./pages/signin";
import { Topology } from "./pages/topology";
import { Boundary, Empty, Link, Loading, ProblemBox } from "./ui/basics";
import { Shell } from "./ui/shell";
import { ToastContext, Toasts, useToasts } from "./ui/toasts";

export function App() {
  const [store] = useState(() => new Store());
  const [stream] = useState(() => new Stream(store));
  const { toasts, say, close } = useToasts();
  return (
    <StoreContext.Provider value={store}>
      <ToastContext.Provider value={say}>
        <Signed store={store} stream={stream} />
        <Toasts toasts={toasts} close={close} />
      </ToastContext.Provider>
    </StoreContext.Provider>
  );
}

function Signed({ store, stream }: { store: Store; stream: Stream }) {
  const session = useLive((state) => state.session);
  const ended = useLive((state) => state.link === "ended");
  const [asked, answer] = useState(false);
  const [problem, fail] = useState<Problem | null>(null);
  const { path, query } = useLocation();

  const begin = (found: Session) => {
    // Another token may see less: nothing of the last session stays.
    store.set({ ...empty, session: found });
    stream.start();
  };
  const ask = () => {
    fail(null);
    call<Session>({ path: "/api/v1/session" })
      .then(begin, (error: unknown) => {
        if (error instanceof Problem && error.status !== 401) fail(error);
      })
      .finally(() => answer(true));
  };
  useEffect(() => {
    onSignedOut(() => {
      stream.stop();
      store.patch({ session: null, link: "ended" });
    });
    ask();
    return () => stream.stop();
  }, []);

  if (problem) return <main id="main" class="signin"><ProblemBox problem={problem} again={ask} /></main>;
  if (!asked) return <main id="main" class="signin"><Loading what="your session" /></main>;
  if (session === null) return <SignIn done={begin} ended={ended} />;
  return (
    <Shell path={path} session={session} stream={stream}>
      <Boundary key={path} name="This page"><Page path={path} query={query} /></Boundary>
    </Shell>
  );
}

function Page({ path, query }: { path: string; query: URLSearchParams }) {
  const parts = segments(path);
  const title = parts === null || parts.length === 0 ? "overview" : parts.slice(0, 2).join(" · ");
  useEffect(() => {
    document.title = `${title} · strangler`;
  }, [title]);
  const [page, name, more] = parts ?? ["?"];
  if (page === undefined) return <Overview />;
  if (page === "routes" && name === undefined) return <Routes query={query} />;
  if (page === "routes" && name !== undefined && more === undefined) return <RoutePage key={name} name={name} query={query} />;
  if (page === "differences" && more === undefined) return <Differences name={name} query={query} />;
  if (name === undefined && page === "history") return <History query={query} />;
  if (name === undefined && page === "topology") return <Topology query={query} />;
  if (name === undefined && page === "faults") return <Faults />;
  return <Empty title="There is no such page."><p><Link to="/">Overview</Link> and <Link to="/routes">Routes</Link> are good places to begin.</p></Empty>;
}
