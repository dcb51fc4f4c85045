import { Failure, Misuse } from '../failure.ts';
import type { Terminal } from '../terminal.ts';

/** A question and what is known of its answer already. */
interface Question {
  readonly message: string;
  /** Said by a flag, a variable or an earlier run: nothing is asked. */
  readonly said?: string | undefined;
  /** Taken where nobody can be asked; offered where somebody can. */
  readonly fallback?: string | undefined;
  /** What to give instead of an answer, such as `--name`. */
  readonly flag: string;
  /** A sentence about what is wrong with an answer. */
  readonly fault?: (answer: string) => string | undefined | Promise<string | undefined>;
}

export interface Choice {
  readonly value: string;
  readonly name: string;
  readonly description?: string;
}

/** Asks a person at a terminal; elsewhere takes what was said, else the fallback, else refuses with what to give. */
export interface Interview {
  /** Whether a person answers. */
  readonly isAsking: boolean;
  text(question: Question): Promise<string>;
  /** Not shown while it is typed. An empty answer is one. */
  secret(question: Question): Promise<string>;
  choice(question: Question & { readonly choices: readonly Choice[] }): Promise<string>;
  confirm(message: string, fallback: boolean): Promise<boolean>;
}

const checked = async ({ fault, flag }: Question, answer: string): Promise<string> => {
  const wrong = await fault?.(answer);
  if (wrong !== undefined) throw new Failure(`${flag}: ${wrong}`);
  return answer;
};

/** Loaded when somebody is asked, which is rare. */
const prompts = () => import('@inquirer/prompts');

/** Ctrl-C at a question ends the whole interview. */
const left = (error: unknown): never => {
  if (error instanceof Error && error.name === 'ExitPromptError')
    throw new Failure('Setup was left. What was written stays; run it again to go on.');
  throw error;
};

export const createInterview = (terminal: Pick<Terminal, 'isInteractive'>, { asks }: { readonly asks: boolean }): Interview => {
  const isAsking = asks && terminal.isInteractive;

  const answer = async (question: Question, ask: () => Promise<string>): Promise<string> => {
    if (question.said !== undefined) return checked(question, question.said);
    if (isAsking) return ask().catch(left);
    if (question.fallback !== undefined) return checked(question, question.fallback);
    throw new Misuse(`Give ${question.flag}: ${question.message}`);
  };
  const validate =
    ({ fault }: Question) =>
    async (typed: string): Promise<string | true> =>
      (await fault?.(typed.trim())) ?? true;

  return {
    isAsking,
    text: (question) =>
      answer(question, async () => {
        const { input } = await prompts();
        const { message, fallback } = question;
        return (
          await input({ message, ...(fallback !== undefined && { default: fallback }), validate: validate(question) })
        ).trim();
      }),
    secret: (question) =>
      answer(question, async () => {
        const { password } = await prompts();
        return (await password({ message: question.message, mask: true, validate: validate(question) })).trim();
      }),
    choice: (question) =>
      answer(question, async () => {
        const { select } = await prompts();
        const { message, choices, fallback } = question;
        return select({ message, choices, ...(fallback !== undefined && { default: fallback }) });
      }),
    confirm: async (message, fallback) => {
      if (!isAsking) return fallback;
      const { confirm } = await prompts();
      return confirm({ message, default: fallback }).catch(left);
    },
  };
};
