import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { useInfo } from "../info.ts";
import { go, toHref } from "../router.ts";

/** For brokers that know a job by its id alone. */
export function Lookup(): JSX.Element {
  const { broker } = useInfo();
  const [id, setId] = useState("");
  return (
    <>
      <h1>Find a job</h1>
      <p class="lead">The broker {broker} keeps no list of its jobs, but it knows those whose ids you have.</p>
      <form
        class="search"
        onSubmit={(event) => {
          event.preventDefault();
          if (id.trim()) go(toHref("job", {}, id.trim()));
        }}
      >
        <input
          class="grow mono"
          id="search"
          placeholder="The id of a job"
          aria-label="The id of a job"
          value={id}
          onInput={({ currentTarget: { value } }) => setId(value)}
        />
        <button class="primary">Show it</button>
      </form>
    </>
  );
}
