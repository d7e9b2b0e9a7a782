import { createContext } from "preact";
import { useContext } from "preact/hooks";
import type { Ability, DashboardInfo } from "../src/dashboard/dashboard-types.ts";

export const InfoContext = createContext<DashboardInfo | undefined>(undefined);

export function useInfo(): DashboardInfo {
  return useContext(InfoContext)!;
}

/** What the broker is able to do, and this page may. */
export interface Can {
  readonly has: (ability: Ability) => boolean;
  readonly retry: boolean;
  readonly cancel: boolean;
  readonly remove: boolean;
  readonly pause: boolean;
  readonly change: boolean;
}

export function useCan(): Can {
  const { abilities, isReadOnly } = useInfo();
  const has = (ability: Ability): boolean => abilities.includes(ability);
  return {
    has,
    retry: !isReadOnly && has("list"),
    cancel: !isReadOnly && has("results"),
    remove: !isReadOnly && has("list"),
    pause: !isReadOnly && has("pause"),
    change: !isReadOnly,
  };
}
