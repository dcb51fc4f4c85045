import type { Command } from 'commander';
import type { Deal } from '../desk.ts';
import { act, addTask, approve, type RequestWish, rerun } from './task-act.ts';
import { type ListWish, listTasks, type ShowWish, showTask } from './task-read.ts';
import { redactEvent } from './task-redact.ts';
import { watchTask } from './task-watch.ts';

const TASK = '<task>';
const ABOUT_TASK = 'its id, or the beginning of it: at least 6 characters';

const withAmendments = (command: Command): Command =>
  command
    .option('--repo <name>', 'the repository: name or org/name')
    .option('--base <branch>', 'the branch the change starts from')
    .option('--agent <name>', 'the coding agent')
    .option('--test <command>', 'the test command, one of those that are allowed');

/** `task`: what people ask for, and what they allow. */
export const addTaskCommands = (program: Command, deal: Deal): void => {
  const task = program.command('task').description('ask for changes, allow them, follow them');

  withAmendments(task.command('add'))
    .description('ask for a change; "-" reads it from standard input')
    .argument('<intent...>', 'what is to be changed, in your own words')
    .option('--for <label>', 'a label of yours that is kept with the request; it gives no rights')
    .action(deal((desk, intent: string[], wish: RequestWish) => addTask(desk, intent, wish)));

  task
    .command('list')
    .description('tasks you may read, newest first')
    .option('--status <status>', 'such as WAIT_APPROVE_WRITE')
    .option('--repo <name>', 'of one repository')
    .option('--mine', 'those you asked for')
    .option('--limit <number>', 'at most so many, up to 100')
    .option('--cursor <cursor>', 'go on after the page that named it')
    .action(deal((desk, wish: ListWish) => listTasks(desk, wish)));

  task
    .command('show')
    .description('everything about one task')
    .argument(TASK, ABOUT_TASK)
    .option('--patch', 'the patch')
    .option('--log <name>', 'a log: agent or tests')
    .option('--events', 'every event, in words')
    .action(deal((desk, id: string, wish: ShowWish) => showTask(desk, id, wish)));

  task
    .command('approve')
    .description('allow exactly what was read; without a digest, show it; ends with 0 only when it was allowed')
    .argument(TASK, ABOUT_TASK)
    .argument('[digest]', 'at least the first 8 digits of the digest on the card')
    .option('--watch', 'follow the task until it is over')
    .action(deal((desk, id: string, digest: string | undefined, wish: { watch?: boolean }) => approve(desk, id, digest, wish)));

  for (const action of ['reject', 'cancel'] as const) {
    task
      .command(action)
      .description(action === 'reject' ? 'refuse what a card asks for' : 'stop a task, whatever it is doing')
      .argument(TASK, ABOUT_TASK)
      .option('--reason <text>', 'why')
      .action(deal((desk, id: string, { reason }: { reason?: string }) => act(desk, id, action, { reason })));
  }

  task
    .command('ask')
    .description('ask the requester back, before you decide')
    .argument(TASK, ABOUT_TASK)
    .argument('<question>', 'the question')
    .action(deal((desk, id: string, question: string) => act(desk, id, 'ask', { question })));

  withAmendments(task.command('clarify'))
    .description('answer a question, or amend a request that something is missing of')
    .argument(TASK, ABOUT_TASK)
    .argument('[text]', 'what is added to the request')
    .action(
      deal((desk, id: string, text: string | undefined, { repo, base, agent, test }: RequestWish) =>
        act(desk, id, 'clarify', { text, repo, base_branch: base, agent, test_command: test }),
      ),
    );

  task
    .command('retry')
    .description('look again, after what was missing was repaired')
    .argument(TASK, ABOUT_TASK)
    .action(deal((desk, id: string) => act(desk, id, 'retry', {})));

  task
    .command('rerun')
    .description('start another attempt of a task that is over, on the same pull request')
    .argument(TASK, ABOUT_TASK)
    .option('--feedback <text>', 'what the agent is to do otherwise')
    .action(deal((desk, id: string, { feedback }: { feedback?: string }) => rerun(desk, id, feedback)));

  task
    .command('redact')
    .description('erase every text of one event of a task that is over, for admins; artifacts and the forge are left as they are')
    .argument(TASK, ABOUT_TASK)
    .argument('<event>', 'its number ("revision" in: task show <task> --events --json)')
    .action(deal((desk, id: string, revision: string) => redactEvent(desk, id, revision)));

  task
    .command('watch')
    .description('follow a task until it is over; ends with 1 when it failed')
    .argument(TASK, ABOUT_TASK)
    .action(deal((desk, id: string) => watchTask(desk, id)));
};
