// A task that one can watch: it is stored in tasks.db before the answer leaves, runs in the background, tells how far it
// is, and survives `kill -9`. This is what `npm start` shows.
//
//   node --conditions=afterword-source examples/thumbnails.ts
//   curl -i -X POST http://127.0.0.1:8000/thumbnails/cat.jpg     (or look at http://127.0.0.1:8000)
//
// What all tasks do is shown at http://127.0.0.1:8000/dashboard, to this machine only.
import { setTimeout } from "node:timers/promises";
import { accepted, App, BackgroundTasks, currentTask, exponential, html, path, task, taskRoutes } from "afterword";
import { dashboard } from "afterword/dashboard";

const sizes = [64, 128, 256, 512, 1024];

export const makeThumbnails = task(
  "make-thumbnails",
  { attempts: 3, backoff: exponential({ base: "1s" }), timeout: "1m" },
  async (photo: string) => {
    const { attempt, progress, signal } = currentTask();
    const made: string[] = [];
    for (const size of sizes) {
      await setTimeout(800, undefined, { signal }); // stands for the work
      if (photo.startsWith("broken") && size === 256 && attempt < 3) throw new Error(`${photo} could not be read`);
      made.push(`${size}/${photo}`);
      progress(made.length / sizes.length, `${size} pixels`);
    }
    return made;
  },
);

const page = /* html */ `<!doctype html>
<html lang="en">
<meta charset="utf-8" />
<meta name="viewport" content="width=device-width, initial-scale=1" />
<title>Afterword: a task to watch</title>
<link rel="icon" href="data:," />
<style>
  :root { color-scheme: light dark; --line: color-mix(in srgb, currentColor 18%, transparent); --accent: #3b6fd4; }
  body { font: 16px/1.5 system-ui, sans-serif; max-width: 44rem; margin: 3rem auto; padding: 0 1.25rem; }
  h1 { font-size: 1.5rem; margin: 0; }
  p { margin: 0.5rem 0 1.25rem; opacity: 0.8; }
  code { font-size: 0.9em; }
  form { display: flex; gap: 0.5rem; flex-wrap: wrap; }
  input { flex: 1 1 12rem; }
  input, button { font: inherit; padding: 0.45rem 0.8rem; border: 1px solid var(--line); border-radius: 0.5rem; background: transparent; color: inherit; }
  button { cursor: pointer; }
  form button { background: var(--accent); border-color: var(--accent); color: white; }
  ul { list-style: none; margin: 1.5rem 0; padding: 0; display: grid; gap: 0.75rem; }
  li { border: 1px solid var(--line); border-radius: 0.75rem; padding: 0.9rem 1rem; display: grid; gap: 0.5rem; }
  .row { display: flex; justify-content: space-between; gap: 1rem; align-items: baseline; }
  .status { font-size: 0.85rem; padding: 0.05rem 0.6rem; border: 1px solid var(--line); border-radius: 1rem; white-space: nowrap; }
  .succeeded { color: #1f8f4d; border-color: currentColor; }
  .failed, .canceled { color: #c2413b; border-color: currentColor; }
  progress { width: 100%; height: 0.5rem; accent-color: var(--accent); }
  small { opacity: 0.7; overflow-wrap: anywhere; }
  small button { padding: 0 0.5rem; }
</style>
<h1>A task to watch</h1>
<p>
  Each answer is a 202 that is kept: the task is stored before it leaves, in <code>tasks.db</code> unless
  <code>AFTERWORD_BROKER</code> says otherwise. Stop the server in the middle,
  with <code>kill&nbsp;-9</code> if you like, start it again, and the task goes on. A photo called
  <code>broken.jpg</code> fails twice and is tried again. <a href="/dashboard">The dashboard</a> shows all of them.
</p>
<form>
  <input name="photo" value="cat.jpg" aria-label="Name of the photo" required pattern="[^\\/]+" />
  <button>Make thumbnails</button>
</form>
<ul></ul>
<script type="module">
  const list = document.querySelector("ul");
  const known = JSON.parse(localStorage.getItem("tasks") ?? "[]");
  for (const task of known.toReversed()) show(task);

  document.querySelector("form").addEventListener("submit", async (event) => {
    event.preventDefault();
    const photo = new FormData(event.target).get("photo");
    const response = await fetch("/thumbnails/" + encodeURIComponent(photo), { method: "POST" });
    if (response.status !== 202) return alert("The server answered " + response.status + ": " + (await response.text()));
    const task = { photo, url: response.headers.get("location") };
    known.unshift(task);
    localStorage.setItem("tasks", JSON.stringify(known.slice(0, 20)));
    show(task);
  });

  function show({ photo, url }) {
    const item = document.createElement("li");
    item.innerHTML =
      '<div class="row"><strong></strong><span class="status">queued</span></div><progress value="0"></progress>' +
      '<small class="row"><span></span><button hidden>Cancel</button></small>';
    const [name, status, bar, note, cancel] = ["strong", ".status", "progress", "small span", "button"].map((s) => item.querySelector(s));
    name.textContent = photo;
    cancel.onclick = () => fetch(url, { method: "DELETE" });
    list.prepend(item);
    const events = new EventSource(url + "/events");
    events.addEventListener("status", ({ data }) => {
      const task = JSON.parse(data);
      const isOver = ["succeeded", "failed", "canceled", "expired"].includes(task.status);
      status.textContent = task.status + (task.attempt > 1 ? ", attempt " + task.attempt + " of " + task.attempts : "");
      status.className = "status " + task.status;
      bar.value = task.status === "succeeded" ? 1 : (task.progress?.value ?? 0);
      note.textContent = task.error?.message ?? task.result?.join("  ") ?? task.progress?.note ?? "waiting";
      cancel.hidden = isOver;
      if (isOver) events.close();
    });
    events.onerror = () => {
      if (events.readyState === EventSource.CLOSED) note.textContent = "no longer known";
    };
  }
</script>
</html>
`;

// After a kill -9 a task goes on when its lease is over: 30 seconds unless one says so, five so that one can watch it.
// Where the tasks are stored is what the environment says, postgres://… or redis://… for instance, else a file. This page asks
// how they are, so amqp://… needs AFTERWORD_RESULTS=sqlite:tasks.db beside it.
process.env.AFTERWORD_BROKER ||= "sqlite:tasks.db";
const app = new App({ title: "Thumbnails", worker: { lease: "5s" } });

app.include(
  taskRoutes({ cancel: true, fields: ["id", "name", "status", "attempt", "attempts", "progress", "result", "error"] }),
);

app.post(
  "/thumbnails/:photo",
  { status: 202, tags: ["tasks"], summary: "Make thumbnails of a photo" },
  { photo: path({ example: "cat.jpg" }), tasks: BackgroundTasks },
  ({ photo, tasks }) => accepted(tasks.addTask(makeThumbnails, photo)),
);

// Others than this machine are refused as long as nobody says who they may be: dashboard({ auth }).
app.mount("/dashboard", dashboard());

app.get("/", { includeInSchema: false }, {}, () => html(page));

export default app;

if (import.meta.main) {
  const { url } = await app.listen({ port: Number(process.env.PORT ?? 8000) });
  console.log(`Serving on ${url}`);
}
