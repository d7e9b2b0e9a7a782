import { fileURLToPath } from "node:url";
import { getMimeType } from "hono/utils/mime";
import { formatContentDisposition } from "./content-disposition.ts";
import { createResponse, type ResponseBody } from "./create-response.ts";
import { DeferredResponse } from "./deferred.ts";
import { answerFor, type FileVersion } from "./file-answer.ts";
import { readBody } from "./file-body.ts";
import { json } from "./json.ts";
import { openFile, type OpenFile } from "./open-file.ts";
import type { ResponseOptions } from "./response-options.ts";
import { assertStatus } from "./status.ts";
import { withBackground } from "./with-background.ts";

/** What {@link sendFile} takes after the path. */
export interface SendFileOptions extends ResponseOptions {
  /** With anything but 200, the whole file is sent: conditions and ranges are of no account. @defaultValue 200 */
  readonly status?: number | undefined;
  /**
   * A directory that the path is taken relative to, and that it must not lead out of, through symbolic links neither:
   * needed for every path that comes from outside. Names that begin with a dot are not found in it.
   *
   * @defaultValue none: the path is trusted
   */
  readonly root?: string | URL | undefined;
  /** Whether names that begin with a dot are sent from within `root`. @defaultValue false */
  readonly dotfiles?: boolean | undefined;
  /** The name under which a browser saves the file. In any language; the Content-Type follows it. */
  readonly filename?: string | undefined;
  /** Show it in the browser, although a `filename` is given. @defaultValue false */
  readonly inline?: boolean | undefined;
}

/**
 * Sends a file: `Content-Type` by its extension, `Content-Length`, `Last-Modified`, and an `ETag` of its size and time.
 *
 * For `GET` and `HEAD` it answers conditions (304, 412) and sends one range (206, 416), so that downloads resume and videos
 * seek; a request for several ranges gets the whole file. What is not there, is no file or lies outside `root` ends the
 * request with an `HTTPException` 404; a file without permission is an error of the server.
 *
 * The request decides about the answer, so the file is opened when the endpoint has returned. Until then the response is a
 * placeholder: its headers are those of the options and may be changed, but its status and body tell nothing. It can be
 * returned from an endpoint or an error handler, and given a background; no other code can send it.
 *
 * @example
 * ```ts
 * import { App, path, sendFile } from "afterword";
 *
 * const app = new App();
 * app.get("/report", () => sendFile("reports/2026.pdf", { filename: "Jahresübersicht 2026.pdf" }));
 * app.get("/uploads/:name", { name: path() }, ({ name }) => sendFile(name, { root: "uploads" }));
 * ```
 */
export function sendFile(path: string | URL, init: SendFileOptions = {}): Response {
  if (init.status !== undefined) assertStatus(init.status);
  const response = new FileResponse(toPath(path), init);
  return init.background === undefined ? response : withBackground(response, init.background);
}

class FileResponse extends DeferredResponse {
  readonly #path: string;
  readonly #options: SendFileOptions;

  constructor(path: string, options: SendFileOptions) {
    super(options.headers);
    this.#path = path;
    this.#options = options;
  }

  override async render(request: Request): Promise<Response> {
    const { root, dotfiles = false } = this.#options;
    const file = await openFile(this.#path, { root: root === undefined ? undefined : toPath(root), dotfiles });
    try {
      return await this.#answer(file, request);
    } catch (error) {
      await file.handle.close();
      throw error;
    }
  }

  async #answer({ handle, stats }: OpenFile, request: Request): Promise<Response> {
    const version = this.#toVersion(stats);
    const { status = 200 } = this.#options;
    const answer = status === 200 ? answerFor(version, request.method, request.headers) : ({ status: 200 } as const);
    const headers = { etag: version.etag, "last-modified": version.lastModified, "accept-ranges": "bytes" };
    switch (answer.status) {
      case 304:
        await handle.close();
        this.headers.delete("content-type");
        return this.#create(null, headers, 304);
      case 412:
        await handle.close();
        return json({ detail: "Precondition Failed" }, { status: 412, headers });
      case 416:
        await handle.close();
        return json(
          { detail: "Range Not Satisfiable" },
          { status: 416, headers: { ...headers, "content-range": `bytes */${version.size}` } },
        );
    }
    const range = answer.status === 206 ? answer.range : { start: 0, length: version.size };
    const content: Record<string, string> = {
      "content-type": this.#contentType(),
      "content-length": String(range.length),
      ...headers,
    };
    const { filename, inline = false } = this.#options;
    if (filename !== undefined || inline)
      content["content-disposition"] = formatContentDisposition(inline ? "inline" : "attachment", filename);
    if (answer.status === 206)
      content["content-range"] = `bytes ${range.start}-${range.start + range.length - 1}/${version.size}`;
    // Nobody would read it, and so nobody would close it.
    const hasBody = request.method !== "HEAD";
    if (!hasBody) await handle.close();
    return this.#create(hasBody ? await readBody(handle, range) : null, content, answer.status === 206 ? 206 : status);
  }

  #create(body: ResponseBody, headers: Readonly<Record<string, string>>, status: number): Response {
    const isUntouched = this.headers.keys().next().done === true;
    return createResponse(body, headers, { status, headers: isUntouched ? undefined : this.headers });
  }

  #toVersion({ size, mtimeNs }: OpenFile["stats"]): FileVersion {
    // A file from the future was modified now at the latest (RFC 9110, section 8.8.2.1).
    const modifiedAt = Math.min(Number(mtimeNs / 1_000_000n), Date.now());
    return {
      size: Number(size),
      etag: this.headers.get("etag") ?? `"${size.toString(36)}-${mtimeNs.toString(36)}"`,
      lastModified: this.headers.get("last-modified") ?? new Date(modifiedAt).toUTCString(),
    };
  }

  #contentType(): string {
    const { filename } = this.#options;
    return (
      (filename === undefined ? undefined : getMimeType(filename)) ??
      getMimeType(this.#path) ??
      "application/octet-stream"
    );
  }
}

function toPath(path: string | URL): string {
  return typeof path === "string" ? path : fileURLToPath(path);
}
