import { describe, expect, it } from 'vitest';
import { plainText } from '../../src/infra/telegram/html.ts';
import { type Prompt, promptText, readPrompt } from '../../src/infra/telegram/prompts.ts';

const TASK_ID = '5f0c7a52-9d31-5c1e-8a44-0b1c2d3e4f50';
const READERS = [null, { id: '7', firstName: 'Ann' }, { id: '7', firstName: 'repo=evil/repo' }, { id: '7', firstName: '' }];

const PROMPTS: readonly Prompt[] = [
  { verb: 'task', options: {} },
  { verb: 'task', options: { repo: 'acme/widgets', base: 'main', agent: 'codex', testCommand: 'npm run "ci"' } },
  ...(['reason', 'ask', 'clarify', 'feedback'] as const).map((verb) => ({ verb, task: TASK_ID, attempt: 12 })),
];

describe('A question that is answered by a reply', () => {
  it('says itself what the answer is about, whoever it is for', () => {
    for (const prompt of PROMPTS) {
      for (const reader of READERS) {
        const said = plainText(promptText(prompt, reader).text);
        expect(readPrompt(said)).toEqual('task' in prompt ? { ...prompt, task: TASK_ID.slice(0, 8) } : prompt);
      }
    }
  });

  it('is no other message', () => {
    const said = plainText(promptText({ verb: 'reason', task: TASK_ID, attempt: 1 }, null).text);
    for (const other of [
      '',
      'x',
      ` ${said}`,
      `May this run?\n${said}`,
      said.replace('5f0c7a52', 'zzzz'),
      said.replace(', attempt', ''),
    ])
      expect(readPrompt(other), other).toBeUndefined();
  });
});
