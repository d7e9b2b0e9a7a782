import type { Block } from "./read-blocks.ts";

/** A request that a page shows, and the answer that it promises. */
export interface Exchange {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
  readonly answer: {
    readonly status: number;
    readonly headers: Readonly<Record<string, string>>;
    /** `undefined`: the page does not say. */
    readonly body: string | undefined;
  };
}

/** Reads an `http` block; the form is described in guide.test.ts. */
export function parseExchanges({ code, where }: Block): Exchange[] {
  return code.split(/^(?=[A-Z]+ (?:https?:\/)?\/)/m).map((text) => {
    const parts = /^([A-Z]+) ((?:https?:\/)?\/\S*)\n(.*?)^HTTP (\d{3})\n?(.*)$/ms.exec(text);
    if (parts === null)
      throw new Error(
        `${where}: expected "GET /path", headers, an empty line and a body, then "HTTP 200", headers, an empty line and a body, but got:\n${text}`,
      );
    const [, method, path, request, status, answer] = parts as unknown as string[];
    const { headers, body } = parseMessage(request!);
    return {
      method: method!,
      path: path!,
      headers: withContentType(headers, body),
      // A multipart body has the line ends of HTTP.
      body: /^multipart\//.test(headers["content-type"] ?? "") ? body?.replaceAll("\n", "\r\n") : body,
      answer: { status: Number(status), ...parseMessage(answer!) },
    };
  });
}

function parseMessage(text: string): { headers: Record<string, string>; body: string | undefined } {
  const [, head, body] = /^((?:[\w-]+: [^\n]*\n)*)\n?(.*)$/s.exec(text)!;
  const headers = head!.split("\n").slice(0, -1);
  return {
    headers: Object.fromEntries(
      headers.map((line) => [line.slice(0, line.indexOf(":")).toLowerCase(), line.slice(line.indexOf(":") + 2)]),
    ),
    body: body!.trim() === "" ? undefined : body!.trimEnd(),
  };
}

function withContentType(headers: Record<string, string>, body: string | undefined): Record<string, string> {
  if (body === undefined || "content-type" in headers) return headers;
  const type = /^[{["]/.test(body) ? "application/json" : "application/x-www-form-urlencoded";
  return { ...headers, "content-type": type };
}
