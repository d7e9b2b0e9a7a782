/** What the server had to say against a request. */
export class ApiError extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

async function ask<T>(path: string, init: RequestInit): Promise<T> {
  let response: Response;
  try {
    response = await fetch(`api/${path}`, { credentials: "same-origin", ...init });
  } catch (error) {
    if (init.signal?.aborted) throw error;
    throw new ApiError(0, "The server cannot be reached. Is it running? The page tries again by itself.");
  }
  if (response.ok) return (response.status === 204 ? undefined : await response.json()) as T;
  const text = await response.text();
  throw new ApiError(response.status, toMessage(response, text));
}

function toMessage(response: Response, text: string): string {
  if (response.status === 401) return "You are not logged in, or not any more. Reload the page.";
  try {
    const { detail } = JSON.parse(text) as { detail?: unknown };
    if (typeof detail === "string" && detail !== "Internal Server Error") return detail;
  } catch {
    // No JSON: a proxy answered.
  }
  return `The server answered ${response.status} ${response.statusText}. Its log says why.`;
}

export function get<T>(path: string, signal?: AbortSignal): Promise<T> {
  return ask(path, signal ? { signal } : {});
}

export function post<T>(path: string, body: unknown = {}): Promise<T> {
  return ask(path, {
    method: "POST",
    headers: { "content-type": "application/json", "x-afterword-dashboard": "1" },
    body: JSON.stringify(body),
  });
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
