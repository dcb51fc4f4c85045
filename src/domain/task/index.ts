import type { Kind, Need } from '../decider.ts';
import type { Command, Happened } from '../event.ts';
import { taskStream } from '../ids.ts';
import { DomainError } from '../refusals.ts';
import { type TaskCommand, taskCommands } from './commands.ts';
import { decide } from './decide.ts';
import { type TaskEvent, taskEvents } from './events.ts';
import { evolve } from './evolve.ts';
import { nextStep } from './next-step.ts';
import { absent, type Task } from './state.ts';

/** A person's own request may be stopped by that person; somebody else's only by one who may approve. */
const needs = (command: TaskCommand & Pick<Command, 'actor'>, task: Task): Need[] => {
  if (command.type === 'CreateTask') return [{ right: 'request', repo: command.data.repo }];
  if (task.status === 'absent') throw new DomainError('task-not-found');
  const { repo } = task;
  switch (command.type) {
    case 'Approve':
    case 'Reject':
    case 'AskBack':
      return [{ right: 'approve', repo }];
    case 'Cancel':
      return [{ right: task.requestedBy === command.actor ? 'request' : 'approve', repo }];
    case 'Clarify':
      return [repo, command.data.repo ?? repo].map((name) => ({ right: 'request', repo: name }));
    case 'Retry':
    case 'Rerun':
      return [{ right: 'request', repo }];
    case 'RedactText':
      return [{ right: 'administer', repo }];
    default:
      return [];
  }
};

const beginnings: Readonly<Record<string, readonly TaskEvent['type'][]>> = {
  CreateTask: ['TaskCreated'],
  Approve: ['TaskApproved', 'PatchApproved'],
  Reject: ['TaskRejected'],
  AskBack: ['ClarificationRequested'],
  Clarify: ['RequestClarified'],
  Retry: ['RetryRequested'],
  Cancel: ['TaskCancelled'],
  Rerun: ['RerunRequested'],
  RedactText: ['TextRedacted'],
};

/** The first kind of stream. The casts hold because dispatch parses each command and event by the schema that its type names. */
export const taskKind: Kind<Task> = {
  name: 'task',
  commands: taskCommands,
  events: taskEvents,
  beginnings,
  initialState: absent,
  streamOf: (command) => taskStream((command as TaskCommand & Command).data.taskId),
  decide: (command, task) => decide(command as TaskCommand & Command, task),
  evolve: (task, event) => evolve(task, event as TaskEvent & Happened),
  nextStep,
  needs: (command, task) => needs(command as TaskCommand & Command, task),
};
