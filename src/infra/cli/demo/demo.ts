import { join, relative } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { execa } from 'execa';
import { type AuditLine, type AuditVerdict, readAuditLine, verifyAudit } from '../../../projections/audit.ts';
import type { TaskView } from '../../../projections/task-view.ts';
import { createLocalForge } from '../../forge/local.ts';
import { visibleJson, visibleText } from '../../visible.ts';
import { type Api, createApi, pathOf } from '../api.ts';
import { namesOf, PeopleAnswer, StoryAnswer, TaskAnswer } from '../commands/task-documents.ts';
import { follow } from '../commands/task-watch.ts';
import { createDesk, type Desk, shown } from '../desk.ts';
import { Failure } from '../failure.ts';
import { linesOf } from '../lines.ts';
import { readServiceFile } from '../service-file.ts';
import type { Names } from '../task-card.ts';
import { makeExampleRepository } from './example-repository.ts';
import { type Page, pageOf } from './page.ts';
import { prepareSurroundings, type Surroundings, setUp } from './surroundings.ts';

const REPOSITORY = 'example/shop';
const INTENT = 'Three cups cost as much as one. Make the failing test pass.';

/** Until the request is prepared, in seconds. */
const PREPARED_WAIT_SECONDS = 30;
/** The audit follows the log by a moment. */
const AUDIT_LAG_MS_MAX = 3_000;
const AUDIT_POLL_MS = 25;

/** Runs the example's tests here, before anything is asked for; the first line says what fails. */
const failingTests = async (files: string): Promise<string> => {
  const { stdout } = await execa(process.execPath, ['--test', '--test-reporter=tap'], {
    cwd: files,
    reject: false,
    extendEnv: false,
    env: { PATH: process.env.PATH ?? '' },
  });
  const [passed, failed] = [/^# pass (\d+)$/m.exec(stdout)?.[1], /^# fail (\d+)$/m.exec(stdout)?.[1]];
  const failing = /^not ok \d+ - (.*)$/m.exec(stdout)?.[1];
  return `node --test: ${passed} pass, ${failed} fails (${failing})`;
};

const auditOf = async (
  api: Api,
  taskId: string,
): Promise<{ readonly lines: readonly AuditLine[]; readonly verdict: AuditVerdict }> => {
  const until = Date.now() + AUDIT_LAG_MS_MAX;
  for (;;) {
    const texts = await Array.fromAsync(linesOf(await api.open('GET', '/audit.jsonl')));
    const lines = texts.map((text, at) => readAuditLine(text, at + 1));
    const isWhole = lines.some(({ stream, type }) => stream === `task-${taskId}` && /^Task(Completed|Failed)$/.test(type));
    if (isWhole || Date.now() > until) return { lines, verdict: await verifyAudit(texts) };
    await pause(AUDIT_POLL_MS);
  }
};

const textOf = async (chunks: AsyncIterable<Uint8Array>): Promise<string> =>
  Buffer.concat(await Array.fromAsync(chunks)).toString();

interface Story {
  readonly desk: Desk;
  readonly api: Api;
  readonly page: Page;
  readonly surroundings: Surroundings;
  readonly names: Names;
}

/** The card, and a person's answer to it. `null`: nobody answered. */
const allowed = async ({ desk, api, page, names }: Story, task: TaskView, yes: boolean): Promise<boolean | null> => {
  const { terminal } = desk;
  page.card(task, names);
  if (task.approval === null) throw new Failure(`The request could not be prepared. ${task.sentence}`);
  if (yes) terminal.print('  Allow exactly this? [y/n] y   (--yes)');
  else {
    const answer = await terminal.confirm('  Allow exactly this?');
    if (!answer) return answer;
  }
  const body = { action: 'approve', attempt: task.attempt, approval_digest: task.approval.digest };
  await api.send('POST', pathOf`/tasks/${task.taskId}/actions`, { body });
  return true;
};

/** Everything that is left of a task that is over, read back over HTTP as anybody could. */
const evidenceOf = async ({ api, surroundings }: Story, task: TaskView) => {
  const [story, audit] = await Promise.all([
    api.get(pathOf`/tasks/${task.taskId}/events`).then((document) => shown(document, StoryAnswer).events),
    auditOf(api, task.taskId),
  ]);
  const { pullRequest, prepared } = task;
  if (pullRequest === null || prepared === null) return { story, ...audit, delivered: null };
  const forge = createLocalForge({ folder: join(surroundings.configuration.dataFolder, 'forge') });
  const [patch, { title }] = await Promise.all([
    api.open('GET', pathOf`/tasks/${task.taskId}/patch`).then(textOf),
    forge.read(prepared.remote, pullRequest.number),
  ]);
  return { story, ...audit, delivered: { pullRequest, title: visibleText(title), patch: visibleText(patch) } };
};

interface Wish {
  /** Allows the example without asking. */
  readonly yes: boolean;
  /** The last line of standard output is one of JSON; the page goes to standard error. */
  readonly asJson: boolean;
}

/** From the request to the pull request. Resolves to the exit code. */
const tell = async (story: Story, origin: string, { yes, asJson }: Wish, startedAt: number): Promise<number> => {
  const { desk, api, page, surroundings } = story;
  await api.send('POST', '/repositories', { body: { url: origin, name: REPOSITORY } });
  const filed = await api.send('POST', '/tasks', {
    body: { intent: INTENT, repo: REPOSITORY },
    waitSeconds: PREPARED_WAIT_SECONDS,
  });
  const request = shown(filed, TaskAnswer).task;
  const waitedSince = Date.now();
  const answer = await allowed(story, request, yes);
  if (answer === null)
    throw new Failure('Nobody answered, so nothing ran. Without a terminal, allow it with: npm run demo -- --yes');
  if (!answer) {
    desk.terminal.print('', '  Nothing was allowed, so nothing ran. That is what the question is for; npm run demo asks again.');
    return 0;
  }
  const waitedMs = yes ? 0 : Date.now() - waitedSince;

  page.section('What happens');
  const { task } = await follow(desk, api, request.taskId);
  const evidence = await evidenceOf(story, task);
  if (evidence.delivered) page.pullRequest(task, evidence.delivered);
  else page.failure(task);
  page.audit(evidence.lines, evidence.verdict);
  const ms = Date.now() - startedAt - waitedMs;
  page.next(task, relative(process.cwd(), surroundings.folder), ms);

  if (asJson) {
    const { tested, allowed: allowedTree, delivered } = task.trees;
    const { number, url, draft, branch, head } = task.pullRequest ?? {};
    process.stdout.write(
      `${visibleJson({
        taskId: task.taskId,
        status: task.status,
        pullRequest: task.pullRequest && { number, url, draft, branch, head },
        trees: { tested, allowed: allowedTree, delivered },
        sandbox: surroundings.sandbox,
        events: evidence.story.length,
        auditLines: evidence.lines.length,
        auditValid: evidence.verdict.valid,
        ms,
      })}\n`,
    );
  }
  return task.status === 'COMPLETED' && evidence.verdict.valid ? 0 : 1;
};

/** The whole road on an example. Everything but the agent is what a real task meets; the agent is a script and says so. */
export const runDemo = async (given: Desk, wish: Wish): Promise<number> => {
  const image = await setUp();
  const startedAt = Date.now();
  const page = pageOf(given.terminal);
  page.title();
  const surroundings = await prepareSurroundings(image);
  const { origin, files } = await makeExampleRepository(surroundings.folder);
  const [tests, service] = await Promise.all([failingTests(files), given.composition.serve(surroundings.configuration)]);
  try {
    page.surroundings(surroundings, REPOSITORY, tests);
    const local = await readServiceFile(surroundings.configuration.dataFolder);
    if (local === null) throw new Failure('The service started, but did not say where it listens.');
    const api = createApi(local);
    const desk = createDesk({ ...given, said: { url: local.url, token: local.token } });
    const names = await namesOf(api, (document) => shown(document, PeopleAnswer));
    return await tell({ desk, api, page, surroundings, names }, origin, wish, startedAt);
  } finally {
    await service.stop();
  }
};
