import type { BoundSource } from "../dependencies/source.ts";
import { SecurityParameter, type SecurityScheme } from "../security/security-parameter.ts";
import type { DocumentRecord } from "./document.ts";

/** The security schemes of a document: each once, whoever declares it. */
export class SecuritySchemes {
  readonly #schemes = new Map<string, SecurityScheme>();

  /**
   * What an operation demands: all of its declarations together, and, where all of them are optional, nothing as well.
   * `undefined` when it declares none.
   */
  requirementsOf(sources: readonly BoundSource[]): DocumentRecord[] | undefined {
    const scopes = new Map<string, Set<string>>();
    let isOptional = true;
    for (const { source } of sources) {
      if (!(source instanceof SecurityParameter)) continue;
      const { kind, options } = source;
      if (!options.optional) isOptional = false;
      const name = this.#enter(kind.schemeName, kind.scheme);
      const known = scopes.get(name) ?? new Set();
      scopes.set(name, known);
      for (const scope of kind.scopes) known.add(scope);
    }
    if (scopes.size === 0) return undefined;
    const all = Object.fromEntries([...scopes].map(([name, list]) => [name, [...list]]));
    return isOptional ? [all, {}] : [all];
  }

  toRecord(): Record<string, SecurityScheme> {
    return Object.fromEntries([...this.#schemes].toSorted(([a], [b]) => (a < b ? -1 : 1)));
  }

  /** Two schemes that differ cannot have one name. */
  #enter(wish: string, scheme: SecurityScheme): string {
    const text = JSON.stringify(scheme);
    let name = wish;
    for (let count = 2; this.#schemes.has(name) && JSON.stringify(this.#schemes.get(name)) !== text; count++)
      name = `${wish}${count}`;
    this.#schemes.set(name, scheme);
    return name;
  }
}
