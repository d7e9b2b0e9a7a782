import { useEffect, useState } from "preact/hooks";
import type { JSX } from "preact";
import { messageOf } from "../api.ts";

interface Toast {
  readonly id: number;
  readonly text: string;
  readonly isError: boolean;
}

let toasts: readonly Toast[] = [];
let number = 0;
let show: (toasts: readonly Toast[]) => void = () => {};

function set(next: readonly Toast[]): void {
  toasts = next;
  show(next);
}

/** Tells how something went, for some seconds; an error stays until it is closed. */
export function toast(text: string, isError = false): void {
  const id = ++number;
  set([...toasts.slice(-3), { id, text, isError }]);
  if (!isError) setTimeout(() => set(toasts.filter((each) => each.id !== id)), 6_000);
}

/** Does something and tells what it resolves with, or why it could not be done. */
export async function tell(act: () => Promise<string>): Promise<void> {
  try {
    toast(await act());
  } catch (problem) {
    toast(messageOf(problem), true);
  }
}

export function Toasts(): JSX.Element {
  const [shown, setShown] = useState(toasts);
  useEffect(() => {
    show = setShown;
  }, []);
  return (
    <div class="toasts" role="status" aria-live="polite">
      {shown.map(({ id, text, isError }) => (
        <div key={id} class={isError ? "toast error" : "toast"}>
          <span>{text}</span>
          <button
            class="plain"
            aria-label="Close this message"
            onClick={() => set(toasts.filter((each) => each.id !== id))}
          >
            ×
          </button>
        </div>
      ))}
    </div>
  );
}
