/** A part of a multipart body as a test writes it. */
export interface Part {
  readonly name?: string;
  readonly filename?: string;
  readonly type?: string;
  readonly content?: string;
  /** In place of the headers that follow from the above. */
  readonly head?: string;
}

export const boundary = "XbX";
export const multipartType: string = `multipart/form-data; boundary=${boundary}`;

/** The bytes of parts, as a browser sends them. */
export function multipart(...parts: readonly Part[]): string {
  return `${parts.map((part) => `--${boundary}\r\n${headOf(part)}\r\n\r\n${part.content ?? ""}\r\n`).join("")}--${boundary}--\r\n`;
}

/** A POST with a multipart body. */
export function postForm(body: BodyInit, headers: Record<string, string> = {}): Request {
  return new Request("http://localhost/", {
    method: "POST",
    body,
    headers: { "content-type": multipartType, ...headers },
    duplex: "half",
  } as RequestInit);
}

function headOf({ name, filename, type, head }: Part): string {
  if (head !== undefined) return head;
  const disposition = `Content-Disposition: form-data${name === undefined ? "" : `; name="${name}"`}${filename === undefined ? "" : `; filename="${filename}"`}`;
  return type === undefined ? disposition : `${disposition}\r\nContent-Type: ${type}`;
}
