import { StoreError } from "../tasks/store-error.ts";

/** Which calls fail. */
export interface FaultOptions {
  /** The same seed and the same order of calls give the same faults. */
  readonly seed: number;
  /** The share of calls that fail, from 0 to 1. Half of them before anything has happened, half of them after all has. @defaultValue 0.1 */
  readonly rate?: number | undefined;
}

/** Numbers from 0 to 1 that depend on the seed alone: a linear congruential generator of 32 bits, its high bits well mixed. */
export function createRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    const mixed = Math.imul(state ^ (state >>> 16), 0x45d9f3b) >>> 0;
    return ((mixed ^ (mixed >>> 15)) >>> 0) / 0x1_0000_0000;
  };
}

/** `target` with methods that fail now and then, before or after their effect. */
export function withFaults<T extends object>(
  target: T,
  methods: readonly (keyof T & string)[],
  { seed, rate = 0.1 }: FaultOptions,
): T {
  const random = createRandom(seed);
  const faulty: ReadonlySet<PropertyKey> = new Set(methods);
  return new Proxy(target, {
    get(_, key) {
      const member: unknown = Reflect.get(target, key, target);
      if (typeof member !== "function") return member;
      const call = (args: readonly unknown[]): unknown => Reflect.apply(member, target, args) as unknown;
      if (!faulty.has(key)) return (...args: unknown[]) => call(args);
      return async (...args: unknown[]) => {
        const draw = random();
        if (draw < rate / 2) throw new StoreError("not_stored", `A fault before ${String(key)} (seed ${seed}).`);
        const result = await call(args);
        if (draw < rate) throw new StoreError("maybe_stored", `A fault after ${String(key)} (seed ${seed}).`);
        return result;
      };
    },
  });
}
