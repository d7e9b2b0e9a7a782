import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { ComponentChildren, JSX } from "preact";

/** A question that is open. */
interface Question {
  readonly title: string;
  readonly text: ComponentChildren;
  readonly verb: string;
  readonly isDangerous: boolean;
  readonly answer: (isAgreed: boolean) => void;
}

let ask: (question: Question) => void = () => {};

/** Asks before something is done. @returns whether the user agrees */
export function confirm(question: Omit<Question, "answer">): Promise<boolean> {
  return new Promise((answer) => ask({ ...question, answer }));
}

export function Confirmation(): JSX.Element | null {
  const [question, setQuestion] = useState<Question>();
  useEffect(() => {
    ask = setQuestion;
  }, []);
  if (question === undefined) return null;
  const close = (isAgreed: boolean): void => {
    setQuestion(undefined);
    question.answer(isAgreed);
  };
  return (
    <Dialog title={question.title} onClose={() => close(false)}>
      <p>{question.text}</p>
      <div class="buttons">
        <button onClick={() => close(false)}>Leave it</button>
        <button class={question.isDangerous ? "danger" : "primary"} onClick={() => close(true)} data-agree>
          {question.verb}
        </button>
      </div>
    </Dialog>
  );
}

export function Dialog(props: { title: string; onClose: () => void; children: ComponentChildren }): JSX.Element {
  const element = useRef<HTMLDialogElement>(null);
  // Before anybody sees it, so that a key pressed at once is its own.
  useLayoutEffect(() => {
    const dialog = element.current!;
    dialog.showModal();
    return () => dialog.close();
  }, []);
  return (
    <dialog
      ref={element}
      aria-label={props.title}
      // Escape has closed it by now. One that is closed because it goes away has no element any more.
      onClose={() => element.current && props.onClose()}
      onClick={(event) => event.target === element.current && props.onClose()}
    >
      <div class="inside">
        <h2>{props.title}</h2>
        {props.children}
      </div>
    </dialog>
  );
}
