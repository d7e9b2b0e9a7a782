import { backgroundTasks } from "afterword/next";
import { invite } from "./actions";

export const dynamic = "force-dynamic";

export default function Page() {
  backgroundTasks().addTask(console.log, "the page was shown");
  return (
    <form action={invite}>
      <input name="email" type="email" required />
      <button>Invite</button>
    </form>
  );
}
