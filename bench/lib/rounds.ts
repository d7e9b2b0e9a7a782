import type { BenchOptions } from "./options.ts";

/** Measures A B C A B C …, warm-ups first; their samples are thrown away. */
export async function interleave<S>(
  title: string,
  names: readonly string[],
  options: BenchOptions,
  measure: (name: string) => Promise<S>,
): Promise<Map<string, S[]>> {
  const samples = new Map<string, S[]>(names.map((name) => [name, []]));
  if (names.length === 0) return samples;
  for (let round = 1 - options.warmUps; round <= options.rounds; round++) {
    console.error(`${title}: ${round < 1 ? "warm-up" : `round ${round} of ${options.rounds}`}`);
    for (const name of names) {
      const sample = await measure(name);
      if (round >= 1) samples.get(name)!.push(sample);
    }
  }
  return samples;
}
