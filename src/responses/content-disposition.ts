/**
 * The header that says whether a file is shown or saved, and under which name (RFC 6266).
 *
 * Only the last part of a path is used. A name that is not plain ASCII is given twice: in UTF-8 (RFC 8187) and, for very
 * old clients, with `_` in place of what they do not know.
 */
export function formatContentDisposition(type: "attachment" | "inline", filename: string | undefined): string {
  if (filename === undefined) return type;
  const name = filename.toWellFormed().split(/[/\\]/).at(-1)!;
  // A percent sign is plain too, but some browsers would decode it.
  if (/^[\w !#$&+\-.^`|~()[\]{},;=@']+$/.test(name)) return `${type}; filename="${name}"`;
  const fallback = name.replaceAll(/[^\x20-\x7e]|["%]/gu, "_");
  return `${type}; filename="${fallback}"; filename*=UTF-8''${encodeExtended(name)}`;
}

/** `encodeURIComponent` leaves some characters that are not `attr-char` there. */
function encodeExtended(name: string): string {
  return encodeURIComponent(name).replaceAll(/['()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
}
