import { useState } from "preact/hooks";
import { keysOn, turnKeys } from "../lib/keys";
import { Dialog } from "./dialog";
import { pages } from "./shell";

export function Help({ close }: { close: () => void }) {
  const [on, turn] = useState(keysOn());
  const toggle = (event: { currentTarget: HTMLInputElement }) => {
    turnKeys(event.currentTarget.checked);
    turn(event.currentTarget.checked);
  };
  return (
    <Dialog title="Keys" close={close}>
      <dl class="keys">
        {pages.map((page) => <div key={page.key}><dt><kbd>g</kbd> <kbd>{page.key}</kbd></dt><dd>{page.name}</dd></div>)}
        <div><dt><kbd>/</kbd></dt><dd>Jump to a route</dd></div>
        <div><dt><kbd>p</kbd></dt><dd>Keep what is shown, or go on</dd></div>
        <div><dt><kbd>↑</kbd> <kbd>↓</kbd></dt><dd>From row to row in Routes</dd></div>
        <div><dt><kbd>Esc</kbd></dt><dd>Close a dialog</dd></div>
        <div><dt><kbd>?</kbd></dt><dd>This list</dd></div>
      </dl>
      <label class="check"><input type="checkbox" checked={on} onChange={toggle} /> Keys of one letter work</label>
      <p class="quiet">Whatever can be done here can be done with stranglerctl; every action shows its line.</p>
    </Dialog>
  );
}
