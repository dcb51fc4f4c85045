import { type ChatCompletionRequest, type FixtureResponse, LLMock } from '@copilotkit/aimock';

/** What the model does next: has a shell command run, ends its turn with a text, or fails as the real service does. */
export type ScriptedStep =
  | { readonly run: string }
  | { readonly say: string }
  | { readonly fail: { readonly status: number; readonly message: string } };

export interface ScriptedModel {
  /** `http://127.0.0.1:PORT` */
  readonly url: string;
  readonly port: number;
  /** The last text of the user in each request, in order. */
  prompts(): readonly string[];
  /** Results of the tools it had run, in order of the last conversation. */
  toolResults(): readonly string[];
  close(): Promise<void>;
}

const textOf = (content: unknown): string => {
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) return '';
  return content.map((part: { readonly text?: string }) => part.text ?? '').join('');
};

const lastUserIndex = ({ messages }: ChatCompletionRequest): number => messages.findLastIndex(({ role }) => role === 'user');

/** The shell tool has another name and shape in each version of each CLI. */
const shellCall = ({ tools }: ChatCompletionRequest, command: string): FixtureResponse => {
  const names = new Set((tools ?? []).map((tool) => tool.function.name));
  const call = names.has('exec_command')
    ? { name: 'exec_command', arguments: JSON.stringify({ cmd: command }) }
    : names.has('shell_command')
      ? { name: 'shell_command', arguments: JSON.stringify({ command }) }
      : { name: 'shell', arguments: JSON.stringify({ command: ['/bin/sh', '-c', command] }) };
  return { toolCalls: [call], usage: { input_tokens: 100, output_tokens: 10 } };
};

/**
 * A model on loopback that speaks the APIs of OpenAI, Anthropic and Google and follows a script. Which step is due is counted from the
 * conversation (tool results since the last user message), so a request sent again gets the same answer.
 */
export const startScriptedModel = async (script: readonly ScriptedStep[]): Promise<ScriptedModel> => {
  const mock = new LLMock({ port: 0, host: '127.0.0.1', logLevel: 'silent' });
  const prompts: string[] = [];
  let results: string[] = [];

  mock.on({ predicate: () => true }, (request) => {
    const since = request.messages.slice(lastUserIndex(request) + 1);
    prompts.push(textOf(request.messages[lastUserIndex(request)]?.content));
    results = since.filter(({ role }) => role === 'tool').map(({ content }) => textOf(content));
    const step = script[Math.min(results.length, script.length - 1)] ?? { say: 'Done.' };
    if ('run' in step) return shellCall(request, step.run);
    if ('say' in step) return { content: step.say, usage: { input_tokens: 100, output_tokens: 10 } };
    return { error: { message: step.fail.message, type: 'invalid_request_error' }, status: step.fail.status };
  });
  const url = (await mock.start()).replace('localhost', '127.0.0.1');
  return {
    url,
    port: Number(new URL(url).port),
    prompts: () => prompts,
    toolResults: () => results,
    close: () => mock.stop(),
  };
};
