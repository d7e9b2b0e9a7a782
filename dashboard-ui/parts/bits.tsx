import type { ComponentChildren, JSX } from "preact";
import type { JobStatus } from "../../src/dashboard/dashboard-types.ts";
import { toHref } from "../router.ts";

export function Status({ status }: { status: JobStatus }): JSX.Element {
  return <span class={`status ${status}`}>{status}</span>;
}

/** What is shown where there is nothing: why, and what would change that. */
export function Empty({ title, children }: { title: string; children?: ComponentChildren }): JSX.Element {
  return (
    <div class="empty">
      <strong>{title}</strong>
      {children && <p>{children}</p>}
    </div>
  );
}

export function Problem({ error }: { error: string | undefined }): JSX.Element | null {
  if (error === undefined) return null;
  return (
    <div class="problem" role="alert">
      {error}
    </div>
  );
}

export function Loading(): JSX.Element {
  return (
    <div class="loading" role="status">
      Loading…
    </div>
  );
}

/** A part of a page, with its heading. */
export function Section(props: {
  title: string;
  aside?: ComponentChildren;
  children: ComponentChildren;
  class?: string;
}): JSX.Element {
  return (
    <section class={`panel ${props.class ?? ""}`}>
      <header>
        <h2>{props.title}</h2>
        {props.aside && <div class="aside">{props.aside}</div>}
      </header>
      {props.children}
    </section>
  );
}

export function JobLink({ id, children }: { id: string; children?: ComponentChildren }): JSX.Element {
  return (
    <a href={toHref("job", {}, id)} class="mono nowrap">
      {children ?? shortId(id)}
    </a>
  );
}

/** The end of an id tells jobs apart; its beginning is the time. */
export function shortId(id: string): string {
  return id.length > 16 ? `…${id.slice(-12)}` : id;
}

export function Meter({ value, label }: { value: number; label: string }): JSX.Element {
  const part = Math.min(1, Math.max(0, value));
  return (
    <span class="meter" role="meter" aria-label={label} aria-valuemin={0} aria-valuemax={1} aria-valuenow={part}>
      <span style={{ width: `${part * 100}%` }} />
    </span>
  );
}

/** A JSON value, indented. */
export function Json({ value }: { value: unknown }): JSX.Element {
  return (
    <pre class="code" tabIndex={0}>
      {typeof value === "string" ? value : JSON.stringify(value, undefined, 2)}
    </pre>
  );
}
