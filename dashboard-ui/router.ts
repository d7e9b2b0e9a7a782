import { useEffect, useState } from "preact/hooks";

/** Where the page is: `#/jobs?status=failed` or `#/job/0198…`. All of it is in the address, so that it can be shared. */
export interface Route {
  readonly page: string;
  /** What stands after the page: the id of a job. */
  readonly rest: string;
  readonly params: Readonly<Record<string, string>>;
}

export type Params = Readonly<Record<string, string | undefined>>;

export function toHref(page: string, params: Params = {}, rest = ""): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(params)) if (value) query.set(name, value);
  const text = query.toString();
  return `#/${page}${rest === "" ? "" : `/${encodeURIComponent(rest)}`}${text === "" ? "" : `?${text}`}`;
}

export function go(href: string, how: "push" | "replace" = "push"): void {
  if (how === "push") location.hash = href;
  else {
    history.replaceState(null, "", href);
    dispatchEvent(new HashChangeEvent("hashchange"));
  }
}

function parse(hash: string): Route {
  const [path = "", query = ""] = hash.replace(/^#\/?/, "").split("?");
  const [page = "", ...rest] = path.split("/");
  return {
    page: page || "overview",
    rest: decode(rest.join("/")),
    params: Object.fromEntries(new URLSearchParams(query)),
  };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

export function useRoute(): Route {
  const [route, setRoute] = useState(() => parse(location.hash));
  useEffect(() => {
    const onChange = (): void => setRoute(parse(location.hash));
    addEventListener("hashchange", onChange);
    return () => removeEventListener("hashchange", onChange);
  }, []);
  return route;
}
