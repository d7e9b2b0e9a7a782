/** The name of an operation that was given none: `GET /users/{id}/posts` is `getUsersByIdPosts`. */
export function toOperationId(method: string, template: string): string {
  const words = template
    .split("/")
    .filter((part) => part !== "")
    .map((part) => part.replaceAll(/\{([^}]*)\}/g, " by $1 "))
    .flatMap((part) => part.split(/[^A-Za-z\d]+/))
    .filter((word) => word !== "");
  return method.toLowerCase() + (words.length === 0 ? "Root" : words.map(capitalize).join(""));
}

/** A function's name as a title: `readItems` is "Read items". */
export function toSummary(name: string): string {
  const words = name
    .replaceAll(/([a-z\d])([A-Z])/g, "$1 $2")
    .replaceAll(/[_$]+/g, " ")
    .trim()
    .toLowerCase();
  return capitalize(words);
}

export function capitalize(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}
