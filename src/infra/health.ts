import { type Checked, checkAll, parkedChecks } from './checks.ts';
import type { HealthReport } from './http/context.ts';
import { okayDokkiNames } from './okaydokki/policy-names.ts';
import type { Views } from './views/views.ts';

export interface Asked extends Checked {
  readonly views: Pick<Views, 'status'>;
  /** ISO 8601. */
  readonly now: () => string;
}

/** What `health/details` answers: every component asked for real, and under which rules this service works. */
export const healthReport = async ({ views, now, ...asked }: Asked): Promise<HealthReport> => {
  const standing = views.status();
  const components = [...(await checkAll(asked)), ...parkedChecks(standing)];
  const { image, testCommand, allowedTestCommands, policy } = asked.configuration.operator;
  return {
    service: 'countersign',
    status: components.some(({ status }) => status === 'fail') ? 'degraded' : 'ok',
    nodeVersion: process.version,
    timestamp: now(),
    contracts: { api: 'v1', gatewayApi: 'v1', taskLifecycle: 'v1', agentAdapter: 'v1', audit: '2.0', auditLog: 'v2.0' },
    sandbox: {
      image,
      defaultTestCommand: testCommand,
      allowedTestCommands,
      diffPolicy: { ...policy, ...okayDokkiNames(policy) },
    },
    components,
    views: standing,
  };
};
