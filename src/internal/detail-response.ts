/** The form of all refusals: `{"detail": …}`. */
export function detailResponse(status: number, detail: unknown, headers?: Readonly<Record<string, string>>): Response {
  return new Response(JSON.stringify({ detail }), {
    status,
    headers: { "content-type": "application/json", ...headers },
  });
}
