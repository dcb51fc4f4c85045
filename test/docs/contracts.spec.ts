import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ACTION_FIELDS } from '../../src/commands/door.ts';
import { Metadata } from '../../src/domain/event.ts';
import { CALL_ERROR_CODES, REFUSALS, TASK_ERROR_CODES } from '../../src/domain/refusals.ts';
import { ClarifyReason } from '../../src/domain/task/shapes.ts';
import { parseTemplate } from '../../src/infra/agent/profiles/template.ts';
import { NewTaskBody, RunResultDocument } from '../../src/infra/http/task-schemas.ts';
import { TASK_LINES } from '../../src/infra/okaydokki/records.ts';
import { AUDIT_VERSION, AUDITED_STREAMS, AuditLine } from '../../src/projections/audit.ts';
import { TaskStatus, TaskView } from '../../src/projections/task-view.ts';
import { MAY_BECOME } from '../domain/may-become.ts';
import { withCallTable } from './call-table.ts';

const root = new URL('../../', import.meta.url);
const textOf = (path: string): string => readFileSync(new URL(path, root), 'utf8');
const page = (name: string): string => textOf(`docs/contracts/${name}.md`);

const names = (text = ''): string[] => Array.from(text.matchAll(/`([^`]+)`/g), ([, name = '']) => name);

/** Rows of the table below a heading: the names in the first cell, and the other cells. */
const rows = (text: string, heading: string) => {
  const section = text.split(`## ${heading}\n`)[1]?.split(/^## /m)[0] ?? '';
  return section
    .split('\n')
    .filter((line) => /^\| /.test(line))
    .slice(1)
    .map((line) => line.split('|').slice(1, -1))
    .map(([first, ...cells]) => ({ names: names(first), cells }));
};

const first = (text: string, heading: string): string[] => rows(text, heading).flatMap((row) => row.names);

describe('docs/contracts/task-lifecycle.md', () => {
  const text = page('task-lifecycle');

  it('has every status, and what it may become', () => {
    const said = rows(text, 'Statuses').flatMap(({ names: statuses, cells }) =>
      statuses.map((status) => [status, names(cells[1])]),
    );
    const { absent: _, ...becomes } = MAY_BECOME;
    expect(Object.fromEntries(said)).toEqual(becomes);
    expect(said.map(([status]) => status)).toEqual(TaskStatus.options);
  });

  it('has every action, every reason to wait and every reason to fail', () => {
    expect(first(text, 'What people do')).toEqual(Object.keys(ACTION_FIELDS));
    expect(first(text, 'Why it waits for a clarification').sort()).toEqual(ClarifyReason.options.toSorted());
    expect(first(text, 'Why it failed').sort()).toEqual([...TASK_ERROR_CODES].sort());
  });
});

describe('docs/contracts/http-api.md', () => {
  const text = page('http-api');

  it('has the calls that /openapi.json has; if not, run: npm run docs', async () => {
    expect(text).toBe(await withCallTable(text));
  });

  it('has the fields of a new task, and of what is answered', () => {
    const [, body = ''] = /`POST \/api\/v1\/tasks` `\{([^}]+)\}`/.exec(text) ?? [];
    expect(
      body
        .split(', ')
        .map((field) => field.replace('?', ''))
        .sort(),
    ).toEqual(Object.keys(NewTaskBody.shape).sort());
    const [, task = '', result = ''] = /`task` holds `([^`]+)`[\s\S]+`run_result` holds `([^`]+)`/.exec(text) ?? [];
    expect(task.split(' ').filter((field) => !Object.hasOwn(TaskView.shape, field.split('.')[0] ?? ''))).toEqual([]);
    expect(result.split(' ').filter((field) => !Object.hasOwn(RunResultDocument.shape, field))).toEqual([]);
  });

  it('has every error code, with every status of the closed table', () => {
    const said = new Map(rows(text, 'Errors').flatMap(({ names: codes, cells }) => codes.map((code) => [code, cells[0] ?? ''])));
    expect([...said.keys()]).toEqual([...CALL_ERROR_CODES]);
    for (const { errorCode, status } of Object.values(REFUSALS)) expect(said.get(errorCode), errorCode).toContain(String(status));
  });
});

describe('docs/contracts/agent-adapter.md', () => {
  const text = page('agent-adapter');

  it('has the variables that the agent is given', () => {
    const given = new Set(textOf('src/infra/agent/run.ts').match(/\bOKD_[A-Z_]+/g));
    expect(new Set(first(text, 'What it is'))).toEqual(given);
  });

  it('has the placeholders of a template', () => {
    const said = [...new Set(text.match(/\{\{\w+\}\}/g))];
    for (const placeholder of said) expect(() => parseTemplate(`agent ${placeholder}`)).not.toThrow();
    expect(() => parseTemplate('agent {{none}}')).toThrow(`Known are ${said.join(' ')}.`);
  });
});

describe('docs/contracts/audit-log.md', () => {
  const text = page('audit-log');

  it('has the fields of a line and of its metadata', () => {
    expect(first(text, 'A line')).toEqual(Object.keys(AuditLine.shape));
    const { hash: _, ...metadata } = Metadata.shape;
    const row = rows(text, 'A line').find((one) => one.names.includes('metadata'));
    expect(names(row?.cells[0])).toEqual(Object.keys(metadata));
    expect(names(rows(text, 'A line')[0]?.cells[0])).toEqual([AUDIT_VERSION]);
  });

  it('has the streams that are audited, and the types of the older form', () => {
    const [, streams] = /Audited are the streams that begin with ([^.]+)\./.exec(text) ?? [];
    expect(names(streams)).toEqual([...AUDITED_STREAMS]);
    const [, types] = /`eventType` is one of ([^.]+)\./.exec(text) ?? [];
    expect(names(types)).toEqual([...TASK_LINES]);
  });
});
