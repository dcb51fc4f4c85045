import { DEFAULT_LIMITS } from '../../src/domain/limits.ts';
import { createAgents } from '../../src/infra/agent/agents.ts';
import { templateAgent } from './workbench.ts';

// Started by crash.test.ts: runs one agent until somebody kills it.
const options = JSON.parse(process.env.OPTIONS ?? '{}');
await createAgents({
  dataFolder: options.data,
  profiles: [templateAgent(options.command)],
  isolation: options.isolation,
  envPass: [],
  egressHosts: [],
  environment: { PATH: process.env.PATH },
  redact: (text) => text,
}).run({
  key: 'killed',
  agent: 'scripted',
  workFolder: options.work,
  fill: async () => {},
  afterwards: () => {},
  outFolder: options.out,
  taskId: 'task',
  repository: 'acme/shop',
  branch: 'countersign/x',
  triggerUser: 'ada',
  intent: 'Fix it',
  limits: DEFAULT_LIMITS,
  signal: new AbortController().signal,
  onProgress: () => {},
});
