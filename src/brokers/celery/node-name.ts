const taken = new Set<string>();

/**
 * The name of a worker among Celery's, `name@host`; those after the first of a process on one server are counted. Whoever takes it
 * gives it back with {@link returnNodeName}.
 *
 * @param place - the server and its database
 */
export function takeNodeName(place: string, name: string, host: string): string {
  for (let count = 1; ; count++) {
    const nodename = `${count === 1 ? name : `${name}-${count}`}@${host}`;
    const key = toKey(place, nodename);
    if (taken.has(key)) continue;
    taken.add(key);
    return nodename;
  }
}

export function returnNodeName(place: string, nodename: string): void {
  taken.delete(toKey(place, nodename));
}

function toKey(place: string, nodename: string): string {
  return `${place} ${nodename}`;
}
