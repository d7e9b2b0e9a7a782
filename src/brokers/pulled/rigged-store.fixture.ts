import { StoreError } from "../../tasks/store-error.ts";
import { MemoryStore } from "../memory/memory-store.ts";
import type { Store } from "./store.ts";

export type RiggedVerb = "claim" | "extend" | "finish" | "report" | "leave";

type Call = { readonly [V in RiggedVerb]: { readonly verb: V; readonly request: Parameters<Store[V]>[0] } }[RiggedVerb];

/** What happens to the calls of a verb: they fail before or after their effect, or wait. */
export type Rig = "fail before" | "fail after" | Promise<unknown>;

/** A store in memory whose verbs a test can let fail or hold back. */
export class RiggedStore {
  readonly memory: MemoryStore = new MemoryStore();
  readonly rigs: Map<RiggedVerb, Rig> = new Map();
  readonly calls: Call[] = [];
  subscribers = 0;
  readonly store: Store;

  constructor() {
    this.store = new Proxy(this.memory as Store, {
      get: (memory, key) => {
        const verb = key as RiggedVerb;
        const member: unknown = Reflect.get(memory, key, memory);
        if (typeof member !== "function") return member;
        const call = (...args: unknown[]): unknown => Reflect.apply(member, memory, args) as unknown;
        if (key === "subscribe") return (listener: unknown) => this.#subscribe(call, listener);
        if (!["claim", "extend", "finish", "report", "leave"].includes(verb)) return call;
        return (request: unknown) => {
          this.calls.push({ verb, request } as Call);
          return this.#call(verb, () => call(request));
        };
      },
    });
  }

  callsOf<V extends RiggedVerb>(verb: V): readonly Parameters<Store[V]>[0][] {
    return this.calls.filter((call) => call.verb === verb).map(({ request }) => request as Parameters<Store[V]>[0]);
  }

  /** Lets all verbs fail, as if the store were away. */
  interrupt(): void {
    for (const verb of ["claim", "extend", "finish", "report", "leave"] as const) this.rigs.set(verb, "fail before");
  }

  restore(): void {
    this.rigs.clear();
  }

  async #call(verb: RiggedVerb, call: () => unknown): Promise<unknown> {
    const rig = this.rigs.get(verb);
    if (rig === "fail before") throw new StoreError("not_stored", `The store is away (${verb}).`);
    if (rig instanceof Promise) await rig;
    const answer = await call();
    if (rig === "fail after") throw new StoreError("maybe_stored", `The connection was lost (${verb}).`);
    return answer;
  }

  #subscribe(call: (listener: unknown) => unknown, listener: unknown): () => void {
    this.subscribers++;
    const end = call(listener) as () => void;
    return () => {
      this.subscribers--;
      end();
    };
  }
}
