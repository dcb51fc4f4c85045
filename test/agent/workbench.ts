import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { AgentRequest, AgentResult } from '../../src/commands/ports/agent.ts';
import { DEFAULT_LIMITS, type Limits } from '../../src/domain/limits.ts';
import { type AgentRunner, createAgents } from '../../src/infra/agent/agents.ts';
import type { AgentProfileConfig, AgentsConfig } from '../../src/infra/agent/configuration.ts';
import { createRedactor } from '../../src/infra/redact.ts';

/** Secrets of the service; nothing of an agent's may ever hold one. */
export const BOT_TOKEN = '8112233445:AAF9-workbench-bot-token-0123456789ab';
export const MODEL_KEY = 'sk-workbench-model-key-0123456789abcdef';

export const RUN_KEY = 'task-1-attempt-1-execution-1';

export const templateAgent = (command: string, changes: Partial<AgentProfileConfig> = {}): AgentProfileConfig => ({
  name: 'scripted',
  kind: 'template',
  command,
  model: 'none',
  loginPaths: [],
  allowedHosts: [],
  authMode: 'session',
  apiKeyVars: [],
  ...changes,
});

export type Run = Partial<Omit<AgentRequest, 'limits'>> & { readonly limits?: Partial<Limits> };

export interface Workbench extends AsyncDisposable {
  readonly root: string;
  readonly dataFolder: string;
  readonly workFolder: string;
  readonly outFolder: string;
  agents(profile: AgentProfileConfig, changes?: Partial<AgentsConfig>): AgentRunner;
  /** Runs the agent `scripted` on the work folder. */
  run(agents: AgentRunner, request?: Run): Promise<AgentResult>;
  /** Shorthand for a shell command as the agent. */
  sh(command: string, request?: Run, changes?: Partial<AgentsConfig>): Promise<AgentResult>;
}

export const openWorkbench = async (files: Readonly<Record<string, string>> = { 'README.md': 'Hello\n' }): Promise<Workbench> => {
  const root = await mkdtemp(join(tmpdir(), 'countersign-agent-'));
  const dataFolder = join(root, 'data');
  const workFolder = join(dataFolder, 'work', 'run-1');
  const outFolder = join(dataFolder, 'out', 'run-1');
  for (const folder of [workFolder, outFolder]) await mkdir(folder, { recursive: true, mode: 0o700 });
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(workFolder, name)), { recursive: true });
    await writeFile(join(workFolder, name), text);
  }

  const agents: Workbench['agents'] = (profile, changes) =>
    createAgents({
      dataFolder,
      profiles: [profile],
      isolation: 'bubblewrap',
      envPass: [],
      egressHosts: [],
      environment: { PATH: process.env.PATH, HOME: join(root, 'home'), TELEGRAM_BOT_TOKEN: BOT_TOKEN, MODEL_KEY },
      redact: createRedactor([BOT_TOKEN, MODEL_KEY]),
      ...changes,
    });
  const run: Workbench['run'] = async (runner, { limits, ...request } = {}) => {
    await using afterwards = new AsyncDisposableStack();
    return await runner.run({
      key: RUN_KEY,
      agent: runner.list()[0]?.name ?? '',
      workFolder,
      outFolder,
      taskId: 'b0c9a1de-0000-4000-8000-000000000001',
      repository: 'acme/shop',
      branch: 'countersign/b0c9a1de0000',
      triggerUser: 'ada',
      intent: 'Fix the bug',
      signal: new AbortController().signal,
      fill: async () => {},
      onProgress: () => {},
      afterwards: (work) => afterwards.defer(work),
      limits: { ...DEFAULT_LIMITS, agentTimeoutMs: 30_000, ...limits },
      ...request,
    });
  };
  return {
    root,
    dataFolder,
    workFolder,
    outFolder,
    agents,
    run,
    sh: (command, request, changes) => run(agents(templateAgent(command), changes), request),
    [Symbol.asyncDispose]: () => rm(root, { recursive: true, force: true }),
  };
};
