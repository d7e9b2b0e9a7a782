import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { get, messageOf } from "./api.ts";
import { onChanged } from "./live.ts";
import { Pace } from "./pace.ts";

/** What was asked for, and how that went. */
export interface Data<T> {
  readonly data: T | undefined;
  readonly error: string | undefined;
  readonly reload: () => void;
}

/** When to ask again by itself. */
export interface RefreshOptions {
  /** Whether changes of these jobs matter; all do by default, none with `false`. */
  readonly concerns?: ((ids: readonly string[]) => boolean) | false;
  /** So often at most. */
  readonly atMostMs?: number;
  /** So often in any case; 0 for not at all. */
  readonly everyMs?: number;
  /** Whether the server answers without asking the broker. */
  readonly isFree?: boolean;
}

/** Asks for something, and again when it may have changed. A path of `undefined` asks for nothing. */
export function useData<T>(path: string | undefined, options: RefreshOptions = {}): Data<T> {
  const [state, setState] = useState<{ path?: string; data?: T; error?: string }>({});
  const { concerns, atMostMs = 2_000, everyMs = 0, isFree = false } = options;
  const asks = useRef(() => {});
  const concerned = useRef(concerns);
  concerned.current = concerns;

  useEffect(() => {
    if (path === undefined) return undefined;
    const controller = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    let isAsking = false;
    let isStale = false;
    const pace = new Pace(atMostMs);
    const ask = async (): Promise<void> => {
      clearTimeout(timer);
      timer = undefined;
      if (isAsking) {
        isStale = true;
        return;
      }
      isAsking = true;
      isStale = false;
      const startedMs = performance.now();
      let failed = false;
      try {
        const data = await get<T>(path, controller.signal);
        setState({ path, data });
      } catch (error) {
        if (controller.signal.aborted) return;
        failed = true;
        const message = messageOf(error);
        setState((known) => ({ ...(known.path === path ? known : { path }), error: message }));
      }
      isAsking = false;
      pace.took(isFree ? 0 : performance.now() - startedMs);
      if (isStale) later();
      else if (failed) timer = setTimeout(ask, 5_000);
      else if (everyMs > 0) timer = setTimeout(ask, Math.max(everyMs, pace.pauseMs));
    };
    const later = (): void => {
      if (isAsking) {
        isStale = true;
        return;
      }
      clearTimeout(timer);
      timer = setTimeout(ask, pace.pauseMs);
    };
    asks.current = () => {
      pace.skip();
      void ask();
    };
    void ask();
    const stop = onChanged((ids) => {
      const matters = concerned.current;
      if (matters === false || document.hidden) return;
      if (ids === undefined || matters === undefined || matters(ids)) later();
    });
    return () => {
      stop();
      clearTimeout(timer);
      controller.abort();
    };
  }, [path, atMostMs, everyMs, isFree]);

  const reload = useCallback(() => asks.current(), []);
  const isCurrent = state.path === path;
  return { data: isCurrent ? state.data : undefined, error: isCurrent ? state.error : undefined, reload };
}
