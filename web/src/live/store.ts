// The one state of the page, and who listens to it.
import { createContext } from "preact";
import { useContext, useEffect, useState } from "preact/hooks";
import { empty, type State } from "./state";

export class Store {
  private listeners = new Set<() => void>();
  private drawing = false;
  state: State = empty;

  set(next: State): void {
    if (next === this.state) return;
    this.state = next;
    if (this.drawing) return;
    // However many messages come at once, the page is drawn once.
    this.drawing = true;
    setTimeout(() => {
      this.drawing = false;
      for (const listener of [...this.listeners]) listener();
    }, 16);
  }

  patch(change: Partial<State>): void {
    this.set({ ...this.state, ...change });
  }

  listen(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** The router's time, in milliseconds; this browser's clock may be a day off. */
  now(): number {
    return Date.now() + this.state.ahead;
  }
}

export const StoreContext = createContext(new Store());

export function useStore(): Store {
  return useContext(StoreContext);
}

/** Part of the state; the component is drawn again when that part changes. */
export function useLive<T>(select: (state: State) => T): T {
  const store = useStore();
  const [, redraw] = useState({});
  const value = select(store.state);
  useEffect(() => {
    let shown = select(store.state);
    return store.listen(() => {
      const next = select(store.state);
      if (Object.is(next, shown)) return;
      shown = next;
      redraw({});
    });
  }, [store]);
  return value;
}
