export async function register() {
  if (process.env.NEXT_RUNTIME !== "nodejs") return;
  await import("./lib/tasks");
  const { openBackgroundTasks } = await import("afterword/next");
  await openBackgroundTasks();
}
