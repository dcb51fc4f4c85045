import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createWorkspaces } from '../../src/infra/workspaces.ts';

const open = async () => {
  const folder = await mkdtemp(join(tmpdir(), 'countersign-work-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  return { folder, workspaces: createWorkspaces({ folder }) };
};

describe('Folders of executions', () => {
  it('are cleared away while the service runs when nobody uses them: those of a killed process, and those that could not be removed', async () => {
    const { folder, workspaces } = await open();
    await mkdir(join(folder, 'task-of-a-killed-process'));
    await workspaces.make('task-running');
    await workspaces.make('task-over');
    await workspaces.remove('task-over');
    await mkdir(join(folder, 'task-over')); // As if the removal had failed.
    await workspaces.reap();
    expect(await readdir(folder)).toEqual(['task-running']);
    await workspaces.remove('task-running');
    await workspaces.remove('task-running');
    expect(await readdir(folder)).toEqual([]);
  });

  it('are empty when they are made, whatever an earlier execution left', async () => {
    const { folder, workspaces } = await open();
    await mkdir(join(folder, 'task-again', 'old'), { recursive: true });
    expect(await readdir(await workspaces.make('task-again'))).toEqual([]);
  });
});
