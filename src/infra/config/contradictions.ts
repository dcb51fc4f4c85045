import { SECRET_CHARACTERS_MIN } from '../../domain/secrets.ts';
import { TABLE, type Values, type VariableName } from './table.ts';

/** What the environment and `.env` say, by name. */
export type Said = ReadonlyMap<string, string>;

/** What examples put where a value belongs. */
export const PLACEHOLDER = /^(?:replace[-_ ]?me.*|change[-_ ]?me.*|<.*>|__.*__)$/i;

/** Variables that would hand the agent the service's own secrets, its way in, or the loader of its programs. */
const isWithheld = (name: string): boolean =>
  Object.hasOwn(TABLE, name) || /^(?:OKD_|LD_|GIT_|COUNTERSIGN_)|^(?:PATH|HOME|NODE_OPTIONS|BASH_ENV|ENV)$/.test(name);

/** Something that only several variables together can be wrong about; not asked when one of them is faulty by itself. */
export interface Contradiction {
  readonly of: readonly VariableName[];
  readonly holds: boolean;
  readonly sentence: string;
}

const keyContradictions = (values: Values, environment: Said): Contradiction[] => {
  const of: readonly VariableName[] = ['AGENT_AUTH_MODE', 'AGENT_API_KEY_VARS'];
  if (values.AGENT_AUTH_MODE !== 'api') return [];
  const keys = values.AGENT_API_KEY_VARS.map((name) => [name, environment.get(name)] as const);
  return [
    {
      of,
      holds: keys.length === 0,
      sentence: 'AGENT_AUTH_MODE=api needs AGENT_API_KEY_VARS: name the variables that hold the key.',
    },
    ...keys.flatMap(([name, key = '']): Contradiction[] => [
      { of, holds: key === '', sentence: `AGENT_API_KEY_VARS names ${name}, which is not set: set it, or name another.` },
      {
        of,
        holds: PLACEHOLDER.test(key),
        sentence: `${name} still holds a placeholder: set it to the key of the agent’s model.`,
      },
      {
        of,
        holds: key !== '' && key.length < SECRET_CHARACTERS_MIN,
        sentence: `${name} must have at least ${SECRET_CHARACTERS_MIN} characters.`,
      },
    ]),
  ];
};

/** Telegram sends updates to https only; a Bot API server of one's own on this machine may do without. */
const isWebhookAddress = (address: string): boolean => {
  const { protocol, hostname } = new URL(address);
  return protocol === 'https:' || /^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(hostname);
};

const webhookContradictions = ({
  TELEGRAM_BOT_TOKEN,
  TELEGRAM_MODE,
  TELEGRAM_WEBHOOK_SECRET,
  BASE_URL,
}: Values): Contradiction[] => {
  if (TELEGRAM_BOT_TOKEN === null || TELEGRAM_MODE === 'polling') return [];
  return [
    {
      of: ['TELEGRAM_MODE', 'TELEGRAM_WEBHOOK_SECRET'],
      holds: TELEGRAM_WEBHOOK_SECRET === null,
      sentence: 'TELEGRAM_MODE=webhook needs TELEGRAM_WEBHOOK_SECRET: set it to, say, 40 random letters and digits.',
    },
    {
      of: ['TELEGRAM_MODE', 'BASE_URL'],
      holds: BASE_URL === null,
      sentence: 'TELEGRAM_MODE=webhook needs BASE_URL: set it to the public https address of this service, or use polling.',
    },
    {
      of: ['TELEGRAM_MODE', 'BASE_URL'],
      holds: BASE_URL !== null && !isWebhookAddress(BASE_URL),
      sentence: 'BASE_URL must begin with https:// for TELEGRAM_MODE=webhook: Telegram sends updates to nothing else.',
    },
  ];
};

export const contradictions = (values: Values, environment: Said): Contradiction[] => [
  {
    of: ['AGENT_PROVIDER', 'AGENT_CLI_TEMPLATE'],
    holds: values.AGENT_PROVIDER !== 'codex' && values.AGENT_CLI_TEMPLATE === null,
    sentence:
      'AGENT_PROVIDER names an agent without a ready profile here: set AGENT_CLI_TEMPLATE to the command that runs it, or use codex.',
  },
  {
    of: ['ROLE', 'EVENTSTORE_URL'],
    holds: values.ROLE !== 'all' && values.EVENTSTORE_URL === null,
    sentence:
      'ROLE=api and ROLE=worker share a log: set EVENTSTORE_URL to it. With the log in DATA_DIR there is one process: ROLE=all.',
  },
  {
    of: ['ARTIFACT_STORE', 'ARTIFACT_STORE_KEY_ID', 'ARTIFACT_STORE_SECRET'],
    holds: values.ARTIFACT_STORE !== null && (values.ARTIFACT_STORE_KEY_ID === null || values.ARTIFACT_STORE_SECRET === null),
    sentence: 'ARTIFACT_STORE needs ARTIFACT_STORE_KEY_ID and ARTIFACT_STORE_SECRET: set them to a key that may use the bucket.',
  },
  {
    of: ['ARTIFACT_STORE', 'ARTIFACT_DIR'],
    holds: values.ARTIFACT_STORE !== null && values.ARTIFACT_DIR !== null,
    sentence: 'ARTIFACT_STORE and ARTIFACT_DIR name two places for the same artifacts: take one of them out.',
  },
  {
    of: ['AGENT_CONFIG_FILE', 'AGENT_CLI_TEMPLATE'],
    holds: values.AGENT_CONFIG_FILE !== null && values.AGENT_CLI_TEMPLATE !== null,
    sentence: 'AGENT_CONFIG_FILE is for the ready profile of codex: take it out, or take AGENT_CLI_TEMPLATE out.',
  },
  {
    of: ['SANDBOX', 'WEAK_SANDBOX'],
    holds: values.SANDBOX === 'bubblewrap' && values.WEAK_SANDBOX === 'refuse',
    sentence: 'SANDBOX=bubblewrap and WEAK_SANDBOX=refuse leave no sandbox: change one of them.',
  },
  {
    of: ['RUNNING_MAX', 'RUNNING_PER_REPOSITORY_MAX'],
    holds: values.RUNNING_PER_REPOSITORY_MAX > values.RUNNING_MAX,
    sentence: 'RUNNING_PER_REPOSITORY_MAX must not be more than RUNNING_MAX.',
  },
  ...[...values.AGENT_API_KEY_VARS, ...values.AGENT_ENV_PASS].map((name) => ({
    of: [],
    holds: isWithheld(name),
    sentence: `${name} is never handed to an agent: take it out of AGENT_API_KEY_VARS and AGENT_ENV_PASS.`,
  })),
  ...keyContradictions(values, environment),
  ...webhookContradictions(values),
];
