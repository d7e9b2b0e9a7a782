import type { Problem } from "../dependencies/problem.ts";
import { addProblem, type RequestScope } from "../dependencies/request-scope.ts";
import { formTooLarge, maxFormBytes, planForm } from "./form-plan.ts";
import { parseMediaType, refuseMedia } from "./media-type.ts";
import { declaredLength, hasBody, openBody, readBody } from "./request-body.ts";
import type { UploadFolder } from "./upload-folder.ts";
import type { Upload } from "./upload.ts";
import { parseUrlEncoded } from "./url-encoded.ts";

/** What a form has brought. The keys are the client's, hence maps. */
export interface ReceivedForm {
  /** The text fields, in the order of their first coming; empty texts too. */
  readonly texts: ReadonlyMap<string, readonly string[]>;
  /** The declared files. */
  readonly uploads: ReadonlyMap<string, readonly Upload[]>;
  /** What is wrong with the files. */
  readonly problems: readonly Problem[];
  /** Where the uploads are, to be removed in the end; `undefined` without uploads. */
  readonly folder: UploadFolder | undefined;
}

const urlEncodedType = "application/x-www-form-urlencoded";
const multipartType = "multipart/form-data";

const memoKey = {};

/**
 * The form of a request: read once, by whoever asks first. The problems with its files are added, and its uploads are
 * removed when the tasks of the request have ended.
 *
 * @throws {HTTPException} 400 if it ends early, 413 if something is too large, 415 for another type, 507 if the disk is full
 */
export function receiveForm(scope: RequestScope): Promise<ReceivedForm> {
  let form = scope.memo.get(memoKey) as Promise<ReceivedForm> | undefined;
  if (form === undefined) {
    form = receive(scope);
    scope.memo.set(memoKey, form);
  }
  return form;
}

async function receive(scope: RequestScope): Promise<ReceivedForm> {
  const form = await read(scope);
  for (const problem of form.problems) addProblem(scope, problem);
  const { folder } = form;
  if (folder !== undefined) scope.tasks.addCleanup({ name: "uploads", run: () => folder.remove() });
  return form;
}

async function read({ req, limits, sources }: RequestScope): Promise<ReceivedForm> {
  const { headers } = req.raw;
  const length = declaredLength(headers);
  if (length === 0) return nothing;
  const refusal = refuseMedia(
    headers,
    (type) => type === urlEncodedType || type === multipartType,
    `${multipartType}, ${urlEncodedType}`,
  );
  if (refusal !== undefined) {
    if (length !== undefined || (await hasBody(req))) throw refusal;
    return nothing;
  }
  const contentType = headers.get("content-type")!;
  if (parseMediaType(contentType).type === urlEncodedType) {
    const texts = parseUrlEncoded(await readBody(req, limits.maxBodyBytes));
    return { ...nothing, texts };
  }
  const plan = planForm(sources);
  const maxBytes = maxFormBytes(plan, limits.maxBodyBytes);
  if (length !== undefined && length > maxBytes) throw formTooLarge(plan, limits.maxBodyBytes);
  // Loaded with the first multipart form: the parser takes 9 ms, which an app without one need not wait for.
  const { readMultipart } = await import("./multipart.ts");
  return readMultipart(await openBody(req), contentType, plan, limits.maxBodyBytes);
}

const nothing: ReceivedForm = { texts: new Map(), uploads: new Map(), problems: [], folder: undefined };
