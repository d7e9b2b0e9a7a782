import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import type { JobsPage, JobSummary } from "../src/dashboard/dashboard-types.ts";
import { get, messageOf } from "./api.ts";
import { onChanged } from "./live.ts";
import { Pace } from "./pace.ts";
import type { Params } from "./router.ts";

/** A list of jobs that grows with what is found, and follows what changes. */
export interface JobList {
  readonly jobs: readonly JobSummary[];
  readonly next: string | undefined;
  readonly isSearching: boolean;
  /** How many parts were looked through for this search. */
  readonly steps: number;
  readonly error: string | undefined;
  readonly more: () => void;
  readonly stop: () => void;
  readonly reload: () => void;
}

interface State {
  readonly jobs: readonly JobSummary[];
  readonly next: string | undefined;
  readonly isSearching: boolean;
  readonly steps: number;
  readonly error: string | undefined;
}

const pageSize = 50;
const nothing: State = { jobs: [], next: undefined, isSearching: true, steps: 0, error: undefined };
const refreshMs = 2_000;

/** Looks part by part until a page is full: a broker looks through so many jobs at once, and may find none of them. */
export function useJobList(filter: Params): JobList {
  const query = new URLSearchParams(
    Object.entries(filter).filter(([, value]) => value) as [string, string][],
  ).toString();
  const [state, setState] = useState<State>(nothing);
  const latest = useRef(state);
  latest.current = state;
  const controls = useRef({ more: () => {}, stop: () => {}, reload: () => {} });

  useEffect(() => {
    const controller = new AbortController();
    const { signal } = controller;
    let isBusy = false;
    /** Of the search whose answers count: one that was begun later takes its place. */
    let current = 0;
    const control = { isStopped: false };
    const pace = new Pace(refreshMs);
    let timer: ReturnType<typeof setTimeout> | undefined;

    const search = async (start: State, wanted: number, isQuiet: boolean): Promise<void> => {
      const own = ++current;
      isBusy = true;
      control.isStopped = false;
      let { jobs, next } = start;
      let steps = 0;
      // What somebody has stopped is not looked through to its end behind his back.
      const maxSteps = isQuiet ? Math.max(1, latest.current.steps) : Infinity;
      const startedMs = performance.now();
      try {
        do {
          const limit = Math.min(200, Math.max(1, wanted - jobs.length));
          const after = next === undefined ? "" : `&after=${encodeURIComponent(next)}`;
          const page: JobsPage = await get(`jobs?${query}&limit=${limit}${after}`, signal);
          if (own !== current) return;
          jobs = [...jobs, ...page.jobs];
          next = page.next;
          steps++;
          if (!isQuiet) setState({ jobs, next, isSearching: true, steps, error: undefined });
        } while (next !== undefined && jobs.length < wanted && steps < maxSteps && !control.isStopped);
        setState({ jobs, next, isSearching: false, steps, error: undefined });
      } catch (error) {
        if (signal.aborted || own !== current) return;
        setState({ ...latest.current, isSearching: false, error: messageOf(error) });
        timer = setTimeout(refresh, 5_000);
      }
      isBusy = false;
      pace.took(performance.now() - startedMs);
    };
    /** The same as is shown, as it is now. */
    const refresh = (): void => {
      timer = undefined;
      if (isBusy) return later();
      void search(nothing, Math.max(pageSize, latest.current.jobs.length), true);
    };
    const later = (): void => {
      timer ??= setTimeout(refresh, pace.pauseMs);
    };
    controls.current = {
      more: () => void search({ ...latest.current, isSearching: true }, latest.current.jobs.length + pageSize, false),
      stop: () => (control.isStopped = true),
      reload: () => {
        pace.skip();
        clearTimeout(timer);
        timer = undefined;
        later();
      },
    };
    setState(nothing);
    void search(nothing, pageSize, false);
    const stop = onChanged((ids) => {
      if (document.hidden || ids?.length === 0) return;
      // A long list that one has walked through stays as it is, but for the jobs in it.
      const { jobs } = latest.current;
      if (jobs.length > 200 && ids !== undefined && !jobs.some(({ id }) => ids.includes(id))) return;
      later();
    });
    return () => {
      stop();
      clearTimeout(timer);
      controller.abort();
    };
  }, [query]);

  const more = useCallback(() => controls.current.more(), []);
  const stop = useCallback(() => controls.current.stop(), []);
  const reload = useCallback(() => controls.current.reload(), []);
  return { ...state, more, stop, reload };
}
