import { describe, expect, it } from 'vitest';
import { taskCommands } from '../../../src/domain/task/commands.ts';
import { taskKind as task } from '../../../src/domain/task/index.ts';
import { folded } from '../given.ts';
import { approveTask, askBack, cancelTask, clarify, createTask, redactText, rejectTask, rerun, retry } from './commands.ts';
import { taskCreated, untilPrepared } from './events.ts';
import { ANNA, BERT } from './samples.ts';

const prepared = folded(task, untilPrepared);
const needs = (command: ReturnType<typeof createTask>) => task.needs(command, prepared);
const on = (right: string, ...repos: readonly string[]) => repos.map((repo) => ({ right, repo }));

describe('The right that a command needs', () => {
  it('is to request, for who asks, amends, looks again and reruns', () => {
    expect(task.needs(createTask({ repo: 'acme/other' }), task.initialState)).toEqual(on('request', 'acme/other'));
    for (const command of [retry(), rerun()]) expect(needs(command)).toEqual(on('request', 'acme/shop'));
  });

  it('is to request in both repositories, for who sends a request to another', () => {
    expect(needs(clarify({ repo: 'acme/other' }))).toEqual(on('request', 'acme/shop', 'acme/other'));
  });

  it('is to approve, for every decision at a gate', () => {
    for (const command of [approveTask(), rejectTask(), askBack()]) expect(needs(command)).toEqual(on('approve', 'acme/shop'));
  });

  it('is to approve, for who stops somebody else’s task', () => {
    expect(needs(cancelTask({}, { actor: ANNA }))).toEqual(on('request', 'acme/shop'));
    expect(needs(cancelTask({}, { actor: BERT }))).toEqual(on('approve', 'acme/shop'));
  });

  it('is to administer, for who erases', () => {
    expect(needs(redactText())).toEqual(on('administer', 'acme/shop'));
  });

  it('does not exist for what only workers report', () => {
    const people = 'CreateTask Approve Reject AskBack Clarify Retry Cancel Rerun RedactText'.split(' ');
    for (const type of Object.keys(taskCommands).filter((name) => !people.includes(name))) {
      expect(needs({ ...createTask(), type })).toEqual([]);
    }
  });

  it('cannot be told for a task that does not exist', () => {
    expect(() => task.needs(approveTask(), task.initialState)).toThrow('There is no such task');
    expect(folded(task, taskCreated()).status).toBe('CREATED');
  });
});
