import { basename, join } from 'node:path';
import { z } from 'zod';
import { type Assignment, exitComplaint, type LoginFile, type Profile, type Reader } from './profile.ts';

/** The lines of `codex exec --json` that say something to us; all else is passed over. */
const Event = z.discriminatedUnion('type', [
  z.object({ type: z.literal('thread.started'), thread_id: z.string() }),
  z.object({
    type: z.literal('turn.completed'),
    usage: z.object({ input_tokens: z.number(), output_tokens: z.number() }).optional(),
  }),
  z.object({ type: z.literal('turn.failed'), error: z.object({ message: z.string() }).optional() }),
  z.object({ type: z.literal('error'), message: z.string().optional() }),
  z.object({
    type: z.enum(['item.started', 'item.completed']),
    item: z.object({
      type: z.string(),
      text: z.string().optional(),
      command: z.string().optional(),
      changes: z.array(z.object({ path: z.string() })).optional(),
    }),
  }),
]);
type Event = z.infer<typeof Event>;

const COMPLAINT_LENGTH_MAX = 300;
const FIELD_LENGTH_MAX = 100;

const parseEvent = (line: string): Event | undefined => {
  if (!line.startsWith('{')) return undefined;
  try {
    return Event.safeParse(JSON.parse(line)).data;
  } catch {
    return undefined;
  }
};

/** Codex wraps every command in a shell, which tells a reader nothing. */
const withoutShell = (command: string): string => /^\S*sh -l?c (["'])(.*)\1$/s.exec(command)?.[2] ?? command;

const doing = (item: Extract<Event, { item: unknown }>['item']): string | undefined => {
  if (item.type === 'command_execution' && item.command !== undefined) return `Running ${withoutShell(item.command)}`;
  if (item.type === 'file_change' && item.changes !== undefined) {
    return `Editing ${item.changes.map(({ path }) => basename(path)).join(', ')}`;
  }
  if (item.type === 'agent_message' || item.type === 'reasoning') return item.text?.split('\n', 1)[0];
  return undefined;
};

/**
 * The last of `turn.completed`, `turn.failed` and `error` decides, together with the exit code: Codex also writes `error` for a connection
 * that it then gets back, and exits 0 after some failures.
 */
export const codexReader = (model: string): Reader => {
  let completed = false;
  let reason: string | undefined;
  const found: Record<string, string> = model === '' ? {} : { model };

  return {
    read: (line) => {
      const event = parseEvent(line);
      switch (event?.type) {
        case 'thread.started':
          found.session = event.thread_id.slice(0, FIELD_LENGTH_MAX);
          return undefined;
        case 'turn.completed':
          completed = true;
          reason = undefined;
          if (event.usage !== undefined) {
            found.tokens_in = `${event.usage.input_tokens}`;
            found.tokens_out = `${event.usage.output_tokens}`;
          }
          return undefined;
        case 'turn.failed':
          completed = false;
          reason = event.error?.message ?? reason;
          return undefined;
        case 'error':
          completed = false;
          reason = event.message;
          return undefined;
        case 'item.started':
        case 'item.completed':
          return doing(event.item);
        default:
          return undefined;
      }
    },
    complaint: (exitCode) => {
      if (exitCode === 0 && completed) return undefined;
      if (reason !== undefined) return `Codex reported: ${reason.slice(0, COMPLAINT_LENGTH_MAX)}`;
      if (exitCode !== 0) return exitComplaint(exitCode);
      return 'Codex ended without finishing its turn; the end of its log says why. Rerun the task once that is settled.';
    },
    meta: () => found,
  };
};

/** The whole request as one text on standard input, where nothing in it can be an option or a sub-command. */
const promptOf = ({ intent, feedback }: Assignment, outFolder: string): string =>
  feedback === ''
    ? intent
    : `${intent}\n\nThe previous attempt got this feedback, which this attempt must settle:\n${feedback}\n\n` +
      `When ${outFolder} holds a patch, it is the previous attempt and did not apply to the newer base.\n`;

/** Of a login folder only the credential itself: the rest of `~/.codex` is history, and configuration that may name other secrets. */
const CREDENTIAL = 'auth.json';

const loginOf = (path: string): LoginFile => ({
  from: basename(path) === CREDENTIAL ? path : join(path, CREDENTIAL),
  to: join('.codex', CREDENTIAL),
});

/** What a codex with OpenAI's own models talks to. */
export const CODEX_HOSTS: readonly string[] = ['api.openai.com', 'auth.openai.com', 'chatgpt.com'];

/** OpenAI's `codex` CLI. Its own sandbox is off: ours is around it. Its folder is `.codex` in the private home, which it makes itself. */
export const codexProfile = (options: {
  readonly command: string;
  readonly model: string;
  readonly extraArguments: readonly string[];
  readonly loginPaths: readonly string[];
  readonly configFile?: string;
}): Profile => ({
  program: options.command,
  logins: [
    ...options.loginPaths.map(loginOf),
    ...(options.configFile === undefined ? [] : [{ from: options.configFile, to: join('.codex', 'config.toml') }]),
  ],
  required: true,
  probe: (program) => [program, '--version'],
  invocation: (assignment, program, places) => ({
    argv: [
      ...[program, 'exec', '--json', '--skip-git-repo-check', '-C', places.work],
      ...['-c', 'sandbox_mode="danger-full-access"', '-c', 'approval_policy="never"', '-c', 'check_for_update_on_startup=false'],
      ...(options.model === '' ? [] : ['-m', options.model]),
      ...options.extraArguments,
      ...['--', '-'],
    ],
    input: promptOf(assignment, places.out),
    environment: {},
  }),
  reader: () => codexReader(options.model),
});
