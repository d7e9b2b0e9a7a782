import { render, type JSX } from "preact";
import { useEffect } from "preact/hooks";
import type { DashboardInfo } from "../src/dashboard/dashboard-types.ts";
import { InfoContext } from "./info.ts";
import { Keyboard } from "./keyboard.tsx";
import { startLive, useConnection, useSample } from "./live.ts";
import { Background } from "./pages/background.tsx";
import { Errors } from "./pages/errors.tsx";
import { JobPage } from "./pages/job.tsx";
import { Jobs } from "./pages/jobs.tsx";
import { Lookup } from "./pages/lookup.tsx";
import { Overview } from "./pages/overview.tsx";
import { Queues } from "./pages/queues.tsx";
import { Schedules } from "./pages/schedules.tsx";
import { Workers } from "./pages/workers.tsx";
import { Empty, Loading, Problem } from "./parts/bits.tsx";
import { Confirmation } from "./parts/dialog.tsx";
import { setServerTime } from "./parts/time.tsx";
import { Toasts } from "./parts/toasts.tsx";
import { formatShort } from "./format.ts";
import { toHref, useRoute, type Route } from "./router.ts";
import { useTheme } from "./theme.ts";
import { useData } from "./use-data.ts";

/** The pages, and what they need of the broker. */
const pages: readonly {
  readonly page: string;
  readonly title: string;
  readonly isThere: (info: DashboardInfo) => boolean;
}[] = [
  { page: "overview", title: "Overview", isThere: () => true },
  { page: "queues", title: "Queues", isThere: ({ abilities }) => abilities.includes("list") },
  {
    page: "jobs",
    title: "Jobs",
    isThere: ({ abilities }) => abilities.includes("list") || abilities.includes("results"),
  },
  { page: "errors", title: "Errors", isThere: ({ abilities }) => abilities.includes("list") },
  { page: "schedules", title: "Schedules", isThere: ({ abilities }) => abilities.includes("schedule") },
  { page: "workers", title: "Workers", isThere: () => true },
  { page: "background", title: "Background", isThere: ({ hasBackground }) => hasBackground },
];

function Root(): JSX.Element {
  const { data: info, error } = useData<DashboardInfo>("info", { concerns: false });
  useEffect(() => {
    if (!info) return;
    setServerTime(info.now);
    startLive();
  }, [info]);
  if (info === undefined)
    return (
      <main class="alone">
        <Problem error={error} />
        {!error && <Loading />}
      </main>
    );
  return (
    <InfoContext.Provider value={info}>
      <Frame info={info} />
    </InfoContext.Provider>
  );
}

function Frame({ info }: { info: DashboardInfo }): JSX.Element {
  const route = useRoute();
  const { theme, colors, next } = useTheme();
  const there = pages.filter(({ isThere }) => isThere(info));
  const current = route.page === "job" ? "jobs" : route.page;
  const title = pages.find(({ page }) => page === current)?.title ?? "Afterword";
  useEffect(() => {
    document.title = `${title} · Afterword`;
  }, [title]);
  useEffect(() => scrollTo(0, 0), [route.page, route.rest]);
  return (
    <>
      <a
        class="skip"
        href="#content"
        onClick={(event) => {
          event.preventDefault();
          document.querySelector<HTMLElement>("#content")?.focus();
        }}
      >
        To the content
      </a>
      <div class="side">
        <a class="brand" href={toHref("overview")}>
          <img src="assets/icon.svg" alt="" width="24" height="24" /> Afterword
        </a>
        <nav aria-label="Pages">
          {there.map(({ page, title: name }) => (
            <a key={page} href={toHref(page)} aria-current={page === current ? "page" : undefined}>
              {name}
              <Badge page={page} />
            </a>
          ))}
        </nav>
        <div class="foot">
          <Live />
          <span class="broker" title={`Process ${info.pid} on ${info.host}`}>
            {info.broker}
            {info.isReadOnly && " · read-only"}
          </span>
          <button class="plain" onClick={next} aria-label={`Colors: ${theme}. Change them`}>
            {theme === "auto" ? "◐" : theme === "light" ? "☀" : "☾"}
          </button>
        </div>
      </div>
      <main id="content" tabIndex={-1}>
        <Page route={route} info={info} theme={colors} isThere={there.some(({ page }) => page === current)} />
      </main>
      <Toasts />
      <Confirmation />
      <Keyboard pages={there.map(({ page }) => page)} />
    </>
  );
}

function Page(props: { route: Route; info: DashboardInfo; theme: string; isThere: boolean }): JSX.Element {
  const { route, info, theme, isThere } = props;
  if (!isThere)
    return (
      <>
        <h1>Nothing here</h1>
        <Empty title={`There is no page "${route.page}"`}>
          Or the broker {info.broker} is not able to fill it. <a href={toHref("overview")}>To the overview</a>
        </Empty>
      </>
    );
  switch (route.page) {
    case "queues":
      return <Queues />;
    case "jobs":
      return info.abilities.includes("list") ? <Jobs params={route.params} /> : <Lookup />;
    case "job":
      return <JobPage key={route.rest} id={route.rest} />;
    case "errors":
      return <Errors />;
    case "schedules":
      return <Schedules />;
    case "workers":
      return <Workers />;
    case "background":
      return <Background />;
    default:
      return <Overview theme={theme} />;
  }
}

/** How many wait or have failed, beside the name of a page. */
function Badge({ page }: { page: string }): JSX.Element | null {
  const sample = useSample();
  if (sample === undefined || (page !== "queues" && page !== "errors")) return null;
  const status = page === "queues" ? "queued" : "failed";
  const count = sample.queues.reduce((total, queue) => total + queue[status], 0);
  if (count === 0) return null;
  return (
    <span class={`badge ${status}`} aria-label={`${count} ${status}`}>
      {formatShort(count)}
    </span>
  );
}

function Live(): JSX.Element {
  const connection = useConnection();
  const words = { connecting: "connecting", live: "live", lost: "reconnecting", resting: "resting" };
  return (
    <span class={`live ${connection}`} role="status">
      <i /> {words[connection]}
    </span>
  );
}

render(<Root />, document.body);
