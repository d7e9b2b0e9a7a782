import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { Dialog } from "./parts/dialog.tsx";
import { go, toHref } from "./router.ts";

/** After `g`: where to. */
const places: Readonly<Record<string, string>> = {
  o: "overview",
  q: "queues",
  j: "jobs",
  e: "errors",
  s: "schedules",
  w: "workers",
  b: "background",
};

/** Keys for those who do not reach for the mouse. */
export function Keyboard({ pages }: { pages: readonly string[] }): JSX.Element | null {
  const [isOpen, setOpen] = useState(false);
  useEffect(() => {
    let isGoing = false;
    const onKey = (event: KeyboardEvent): void => {
      const target = event.target as HTMLElement;
      const isTyping =
        /^(?:INPUT|SELECT|TEXTAREA)$/.test(target.tagName) && (target as HTMLInputElement).type !== "checkbox";
      if (event.key === "Escape" && isTyping) target.blur();
      if (isTyping || event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog")) return;
      const { key } = event;
      if (isGoing && places[key] !== undefined && pages.includes(places[key])) {
        go(toHref(places[key]));
        event.preventDefault();
      } else if (key === "/") {
        event.preventDefault();
        const field = document.querySelector<HTMLInputElement>("#search");
        if (field) field.focus();
        else go(toHref("jobs"));
      } else if (key === "?") setOpen(true);
      else if (key === "j" || key === "k") step(key === "j" ? 1 : -1);
      isGoing = key === "g";
    };
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  }, [pages.join()]);
  if (!isOpen) return null;
  return (
    <Dialog title="Keys" onClose={() => setOpen(false)}>
      <dl class="keys">
        {Object.entries(places)
          .filter(([, page]) => pages.includes(page))
          .map(([key, page]) => (
            <div key={key}>
              <dt>
                <kbd>g</kbd> <kbd>{key}</kbd>
              </dt>
              <dd>{page}</dd>
            </div>
          ))}
        <div>
          <dt>
            <kbd>/</kbd>
          </dt>
          <dd>search</dd>
        </div>
        <div>
          <dt>
            <kbd>j</kbd> <kbd>k</kbd>
          </dt>
          <dd>next and previous job; Enter opens it</dd>
        </div>
        <div>
          <dt>
            <kbd>Esc</kbd>
          </dt>
          <dd>close</dd>
        </div>
      </dl>
      <div class="buttons">
        <button onClick={() => setOpen(false)}>Close</button>
      </div>
    </Dialog>
  );
}

function step(by: number): void {
  const rows = [...document.querySelectorAll<HTMLAnchorElement>("a.row")];
  const at = rows.indexOf(document.activeElement as HTMLAnchorElement);
  rows[at < 0 ? (by > 0 ? 0 : rows.length - 1) : Math.min(rows.length - 1, Math.max(0, at + by))]?.focus();
}
