import { defaultPolicy } from '../../domain/policy/policy.ts';
import type { Configuration } from '../config/configuration.ts';

/** Variables of OkayDokki that mean nothing here, with what to know instead. */
const LEFT_BEHIND: readonly (readonly [RegExp, string])[] = [
  [
    /^DATABASE_PATH$/,
    'has no effect here: everything is kept in DATA_DIR. Bring the old tasks in with "countersign import okaydokki --db <that file>".',
  ],
  [
    /^DELIVERY_STRATEGY$/,
    'has no effect here: every task starts from its base, and a rerun stays on the pull request of its task.',
  ],
  [/^TASK_TEST_LOG_TAIL_LINES$/, 'has no effect here: the whole log of the tests is kept and can be asked for.'],
  [/^CHAT_[A-Z_]+$/, 'has no effect here: a chat files tasks, and holds no conversations.'],
];

/** What to know about a variable that only OkayDokki has; `undefined` for any other. */
export const leftBehind = (name: string): string | undefined => LEFT_BEHIND.find(([names]) => names.test(name))?.[1];

const agentNotes = ({ template, authMode, loginPaths, egress }: Configuration['agent']): string[] => {
  if (template === null) return [];
  const missing = [
    ...(authMode === 'session' && loginPaths.length === 0 ? ['its login files in AGENT_LOGIN_PATHS'] : []),
    ...(egress.length === 0 ? ['the hosts of its model in AGENT_EGRESS'] : []),
  ];
  return missing.length === 0
    ? []
    : [
        `AGENT_CLI_TEMPLATE is walled off from your home folder and the network: name ${missing.join(' and ')}. ` +
          'For codex, take AGENT_CLI_TEMPLATE out instead: its ready profile knows both.',
      ];
};

/** What is different here from what an `.env` of OkayDokki means there; nothing for any other. `names` are those that it sets. */
export const okayDokkiNotes = (names: readonly string[], { agent }: Configuration): string[] => {
  const is = (name: string): boolean => names.includes(name);
  if (!names.some(leftBehind)) return [];
  return [
    'This .env is one of OkayDokki. docs/migration-okaydokki.md says line by line what is kept and what is different.',
    ...(is('FORGE')
      ? []
      : ['FORGE is not set, so Draft pull requests are only recorded on this machine: set FORGE=github to open them on GitHub.']),
    ...agentNotes(agent),
    ...(is('BLOCKED_PATH_PREFIXES') ? ['BLOCKED_PATH_PREFIXES adds to what is blocked here anyway (BLOCKED_PATHS).'] : []),
    ...(is('MAX_CHANGED_FILES') || is('MAX_DIFF_BYTES')
      ? [
          `MAX_CHANGED_FILES and MAX_DIFF_BYTES hold as they are set (${defaultPolicy.filesMax} and ${defaultPolicy.patchBytesMax} without); ` +
            'MAX_CHANGED_LINES counts too.',
        ]
      : []),
    'Every call of the HTTP API needs a token: "countersign token issue".',
  ];
};
