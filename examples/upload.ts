// A large file is streamed in, answered with 202, and hashed afterwards. It is spooled to disk on the way, so memory
// stays flat; after the task it is removed.
//
//   node --conditions=afterword-source examples/upload.ts
//   curl -F "video=@large.mp4" http://127.0.0.1:8000/videos
//   curl http://127.0.0.1:8000/videos/1
import { createHash } from "node:crypto";
import { App, BackgroundTasks, HTTPException, accepted, file, path, type Upload } from "afterword";
import * as z from "zod";

interface Video {
  readonly id: number;
  readonly name: string;
  readonly bytes: number;
  sha256?: string;
}

const videos = new Map<number, Video>();

async function hash(video: Video, upload: Upload) {
  const sha256 = createHash("sha256");
  for await (const chunk of upload.stream()) sha256.update(chunk);
  video.sha256 = sha256.digest("hex");
}

const app = new App({ title: "Videos" });

app.post(
  "/videos",
  { video: file({ maxBytes: 512 * 1024 * 1024 }), tasks: BackgroundTasks },
  ({ video: upload, tasks }) => {
    const video: Video = { id: videos.size + 1, name: upload.name, bytes: upload.size };
    videos.set(video.id, video);
    tasks.addTask(hash, video, upload);
    return accepted(video);
  },
);

app.get("/videos/:id", { id: path(z.int()) }, ({ id }) => {
  const video = videos.get(id);
  if (!video) throw new HTTPException(404, "Video not found");
  return video;
});

export default app;

if (import.meta.main) {
  const { url } = await app.listen({ port: Number(process.env.PORT ?? 8000) });
  console.log(`Serving on ${url}`);
}
