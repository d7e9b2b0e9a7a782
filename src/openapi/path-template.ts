/** A path of the document. */
export interface PathTemplate {
  /** `/users/{id}` */
  readonly template: string;
  /** The parameters in it, with the pattern that the route demands, if any. */
  readonly parameters: ReadonlyMap<string, string | undefined>;
  /** What the document calls a parameter that the route calls otherwise. */
  readonly renamed?: ReadonlyMap<string, string>;
}

/**
 * OpenAPI 3.1.1, section 4.8.8: paths that differ only in the names of their parameters are the same path. The first that comes
 * names them for all.
 */
export class SettledTemplates {
  readonly #known = new Map<string, PathTemplate>();

  settle(wanted: PathTemplate): PathTemplate {
    const pattern = wanted.template.replaceAll(/\{[^}]*\}/g, "{}");
    const known = this.#known.get(pattern);
    if (known === undefined) this.#known.set(pattern, wanted);
    if (known === undefined || known.template === wanted.template) return wanted;
    const names = [...known.parameters.keys()];
    const renamed = new Map([...wanted.parameters.keys()].map((name, index) => [name, names[index]!]));
    return { template: known.template, parameters: wanted.parameters, renamed };
  }
}

/**
 * The paths of OpenAPI that a path of Hono's syntax stands for: `/users/:id{[0-9]+}` is `/users/{id}`, and `/pages/:name?`
 * is both `/pages` and `/pages/{name}`. A `*` becomes a parameter `wildcard`.
 */
export function toPathTemplates(path: string): PathTemplate[] {
  const optional = /\/:[^/{?]+(?:\{[^}]*\})?\?$/.exec(path);
  if (optional) {
    const base = path.slice(0, optional.index);
    return [toTemplate(base === "" ? "/" : base), toTemplate(path.slice(0, -1))];
  }
  return [toTemplate(path)];
}

function toTemplate(path: string): PathTemplate {
  const parameters = new Map<string, string | undefined>();
  const template = path
    .replaceAll(/\/:([^/{]+)(?:\{((?:[^{}]|\{[^{}]*\})*)\})?/g, (_, name: string, pattern: string | undefined) => {
      parameters.set(name, pattern);
      return `/{${name}}`;
    })
    .replaceAll(/\*/g, () => {
      const name = parameters.has("wildcard") ? `wildcard${parameters.size}` : "wildcard";
      parameters.set(name, undefined);
      return `{${name}}`;
    });
  return { template, parameters };
}
