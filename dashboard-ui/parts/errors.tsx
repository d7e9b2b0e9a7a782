import type { JSX } from "preact";
import type { ErrorGroup } from "../../src/dashboard/dashboard-types.ts";
import { formatCount } from "../format.ts";
import { toHref } from "../router.ts";
import { JobActions } from "./actions.tsx";
import { JobLink } from "./bits.tsx";
import { Time } from "./time.tsx";

/** Failed jobs by what they failed of. */
export function ErrorTable(props: {
  groups: readonly ErrorGroup[];
  isShort?: boolean;
  onDone?: () => void;
}): JSX.Element {
  const { groups, isShort = false, onDone = () => {} } = props;
  return (
    <table class="errors">
      <thead>
        <tr>
          <th class="number">Jobs</th>
          <th>Error</th>
          {!isShort && <th>First</th>}
          <th>Last</th>
          {!isShort && (
            <>
              <th>Newest</th>
              <th>
                <span class="hidden">Actions</span>
              </th>
            </>
          )}
        </tr>
      </thead>
      <tbody>
        {groups.map((group) => {
          const filter = { status: "failed", task: group.task, error: group.key };
          return (
            <tr key={`${group.task} ${group.key}`}>
              <td class="number" data-label="jobs">
                <a href={toHref("jobs", filter)} aria-label={`Show the ${group.count} jobs`}>
                  {formatCount(group.count)}
                </a>
              </td>
              <td class="wide">
                <a href={toHref("jobs", filter)}>{group.task}</a>
                <div class="message">
                  <b>{group.code ?? group.name}</b> {group.message}
                </div>
              </td>
              {!isShort && (
                <td data-label="first">
                  <Time at={group.firstAt} />
                </td>
              )}
              <td data-label="last">
                <Time at={group.lastAt} />
              </td>
              {!isShort && (
                <>
                  <td>
                    <JobLink id={group.newestId} />
                  </td>
                  <td>
                    <JobActions statuses={["failed"]} filter={filter} suffix=" all" onDone={onDone} />
                  </td>
                </>
              )}
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}
