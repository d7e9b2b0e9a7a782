/** Whether an error is what `redirect()` and `permanentRedirect()` of Next throw to leave a handler. */
export function isRedirect(error: unknown): boolean {
  const { digest } = (error ?? {}) as { readonly digest?: unknown };
  return typeof digest === "string" && digest.startsWith("NEXT_REDIRECT;");
}
