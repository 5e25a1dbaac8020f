// The small parts that every page is made of.
import { Component, type ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { Problem } from "../api/client";
import { absolute, relative } from "../lib/time";
import { go } from "../lib/location";
import { useStore } from "../live/store";
import { useToast } from "./toasts";

interface LinkProps {
  to: string;
  class?: string;
  children: ComponentChildren;
  current?: boolean;
}

export function Link({ to, children, current, ...rest }: LinkProps) {
  const follow = (event: MouseEvent) => {
    if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    go(to);
    scrollTo(0, 0);
  };
  return <a href={to} onClick={follow} aria-current={current ? "page" : undefined} {...rest}>{children}</a>;
}

interface ButtonProps {
  children: ComponentChildren;
  onClick: () => void;
  /** Why it cannot be used; it stays reachable, so that the reason can be read. */
  why?: string;
  class?: string;
  label?: string;
  pressed?: boolean;
}

export function Button({ children, onClick, why = "", class: name = "", label, pressed }: ButtonProps) {
  return (
    <button
      type="button" class={name} aria-disabled={why !== ""} title={why || undefined} aria-pressed={pressed}
      aria-label={label === undefined ? undefined : label + (why ? `. ${why}` : "")}
      aria-description={why && label === undefined ? why : undefined}
      onClick={() => why === "" && onClick()}
    >
      {children}
    </button>
  );
}

/** How long ago, with the exact time in the viewer's zone and UTC as its title. */
export function Time({ at }: { at: string }) {
  const store = useStore();
  const [, tick] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => tick((n) => n + 1), 10_000);
    return () => clearInterval(timer);
  }, []);
  const when = Date.parse(at);
  if (Number.isNaN(when)) return <span>–</span>;
  return <time dateTime={at} title={absolute(when)}>{relative(when, store.now())}</time>;
}

/** A problem in full: what was wrong, what was left unchanged, what to do next. */
export function ProblemBox({ problem, again }: { problem: Problem; again?: () => void }) {
  const { title, detail, hint } = problem.body;
  return (
    <div class="problem" role="alert">
      <strong>{title}</strong>
      {detail && <p>{detail}</p>}
      {hint && <p class="quiet">{hint}</p>}
      {again && <Button onClick={again}>Try again</Button>}
    </div>
  );
}

export function Loading({ what }: { what: string }) {
  return <p class="loading" role="status">Reading {what} …</p>;
}

export function Empty({ title, children }: { title: string; children?: ComponentChildren }) {
  return (
    <div class="empty">
      <strong>{title}</strong>
      {children}
    </div>
  );
}

export function CopyButton({ text, children, what }: { text: string; children: ComponentChildren; what: string }) {
  const say = useToast();
  const copy = () => {
    copied(text).then(() => say(`${what} copied.`), () => say(`The browser does not allow copying. ${text}`, "failed"));
  };
  return <Button class="small" onClick={copy}>{children}</Button>;
}

// The clipboard is there over TLS and on loopback only.
async function copied(text: string): Promise<void> {
  if (navigator.clipboard === undefined) throw new Error("no clipboard");
  await navigator.clipboard.writeText(text);
}

export function Command({ line }: { line: string }) {
  return (
    <div class="command">
      <code tabIndex={0}>{line}</code>
      <CopyButton text={line} what="Command">Copy as stranglerctl</CopyButton>
    </div>
  );
}

interface Caught {
  error: Error | null;
}

/** A defect of one part of the page leaves the others alone. */
export class Boundary extends Component<{ children: ComponentChildren; name: string }, Caught> {
  override state: Caught = { error: null };

  static override getDerivedStateFromError(error: Error): Caught {
    return { error };
  }

  render() {
    const { error } = this.state;
    if (error === null) return this.props.children;
    return (
      <div class="problem" role="alert">
        <strong>{this.props.name} cannot be shown.</strong>
        <p>That is a defect of the dashboard: {error.message}. Nothing was changed.</p>
        <p class="quiet">stranglerctl shows the same in a terminal.</p>
        <Button onClick={() => this.setState({ error: null })}>Try again</Button>
      </div>
    );
  }
}
