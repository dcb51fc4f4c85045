/** Public error codes of a refused call. Source: docs/architecture.md, "Errors". */
export const CALL_ERROR_CODES = [
  'VALIDATION_ERROR',
  'UNAUTHORIZED',
  'FORBIDDEN',
  'TASK_NOT_FOUND',
  'INVALID_ACTION',
  'STATE_CONFLICT',
  'STALE_APPROVAL',
  'RATE_LIMITED',
  'UNAVAILABLE',
] as const;
export type CallErrorCode = (typeof CALL_ERROR_CODES)[number];

interface Refusal {
  readonly errorCode: CallErrorCode;
  readonly status: 400 | 401 | 403 | 404 | 409 | 422 | 429 | 503;
  /** What is wrong and what to do next. Never holds user text. */
  readonly sentence: string;
}

/** The closed table: every refusal of the domain, with its public code, HTTP status and sentence. */
export const REFUSALS = {
  'task-not-found': {
    errorCode: 'TASK_NOT_FOUND',
    status: 404,
    sentence: 'There is no such task. List yours with "countersign task list".',
  },
  'person-not-found': {
    errorCode: 'INVALID_ACTION',
    status: 404,
    sentence: 'There is no such person. List them with "countersign person list".',
  },
  'key-used-for-another-request': {
    errorCode: 'VALIDATION_ERROR',
    status: 422,
    sentence: 'This idempotency key was used for another request. Send a new key with this one.',
  },
  'secret-in-text': {
    errorCode: 'VALIDATION_ERROR',
    status: 400,
    sentence:
      'The text holds what looks like a secret, so nothing of it was stored. Change that secret, then ask again without it.',
  },
  'repository-missing': {
    errorCode: 'VALIDATION_ERROR',
    status: 400,
    sentence: 'Name a repository ("repo"): there is no default one here. List them with "countersign repo list".',
  },
  'approval-digest-required': {
    errorCode: 'VALIDATION_ERROR',
    status: 400,
    sentence: 'An approval names what was read. Read the task and send its approval digest (at least the first 8 digits).',
  },
  'ambiguous-task': {
    errorCode: 'TASK_NOT_FOUND',
    status: 404,
    sentence: 'More than one task begins like this. Give more of the id.',
  },
  'not-awaiting-approval': {
    errorCode: 'STATE_CONFLICT',
    status: 409,
    sentence: 'The task is not waiting for an approval. Look at its status to see what it waits for.',
  },
  'request-changed': {
    errorCode: 'STALE_APPROVAL',
    status: 409,
    sentence: 'What you read is not what would run now. Read the task again and approve the digest that it shows.',
  },
  'approval-expired': {
    errorCode: 'STALE_APPROVAL',
    status: 409,
    sentence: 'The time to approve this is over. Rerun the task to be asked again.',
  },
  'not-awaiting-clarification': {
    errorCode: 'STATE_CONFLICT',
    status: 409,
    sentence: 'The task is not waiting for a clarification. Cancel it, or reject it, and ask anew.',
  },
  'nothing-to-clarify-with': {
    errorCode: 'VALIDATION_ERROR',
    status: 400,
    sentence: 'A clarification needs at least one of repo, base, agent, test_command or text.',
  },
  'delivered-elsewhere': {
    errorCode: 'STATE_CONFLICT',
    status: 409,
    sentence: 'This task was delivered already, so its repository and base stay. File a new task for another one.',
  },
  'too-many-clarifications': {
    errorCode: 'STATE_CONFLICT',
    status: 409,
    sentence: 'This task was clarified as often as is allowed. Cancel it and file a new one.',
  },
  'too-many-preparations': {
    errorCode: 'STATE_CONFLICT',
    status: 409,
    sentence: 'This attempt was looked at as often as is allowed. Cancel it, mend what is missing, then rerun it.',
  },
  'not-waiting': {
    errorCode: 'STATE_CONFLICT',
    status: 409,
    sentence: 'The task is not waiting for a person. Look at its status.',
  },
  'too-late-to-cancel': {
    errorCode: 'STATE_CONFLICT',
    status: 409,
    sentence: 'The pull request is being opened or exists. Close it on the forge instead.',
  },
  'task-is-over': { errorCode: 'STATE_CONFLICT', status: 409, sentence: 'The task is over. Rerun it to start another attempt.' },
  'task-not-over': {
    errorCode: 'STATE_CONFLICT',
    status: 409,
    sentence: 'The task is not over. Approve or reject it, or cancel it first.',
  },
  'too-many-attempts': {
    errorCode: 'STATE_CONFLICT',
    status: 409,
    sentence: 'This task was attempted as often as is allowed. File a new one.',
  },
  'another-attempt': {
    errorCode: 'STATE_CONFLICT',
    status: 409,
    sentence: 'The task is at another attempt by now. Read it again.',
  },
  'stage-not-due': { errorCode: 'STATE_CONFLICT', status: 409, sentence: 'The task is not at this stage.' },
  'fence-overtaken': {
    errorCode: 'STATE_CONFLICT',
    status: 409,
    sentence: 'Another worker has taken this stage over; this outcome does not count.',
  },
  'approval-not-expired': { errorCode: 'STATE_CONFLICT', status: 409, sentence: 'The approval is still open.' },
  'trees-differ': {
    errorCode: 'STATE_CONFLICT',
    status: 409,
    sentence: 'The tree to deliver is not the tree that was tested and allowed. Nothing was delivered.',
  },
  'delivery-already-renewed': {
    errorCode: 'STATE_CONFLICT',
    status: 409,
    sentence: 'The branch moved twice while this attempt was delivered. Rerun the task.',
  },
  'delivery-not-ours': {
    errorCode: 'STATE_CONFLICT',
    status: 409,
    sentence: "A delivery goes to a branch of the task's own, onto its base or a commit of its own. Nothing was delivered.",
  },
  'delivery-differs': {
    errorCode: 'STATE_CONFLICT',
    status: 409,
    sentence: 'The pull request does not hold the commit that was stated for delivery. Look at its branch on the forge.',
  },
  'nothing-to-redact': {
    errorCode: 'INVALID_ACTION',
    status: 409,
    sentence: 'There is no such text in that event, or it is already erased.',
  },
  'person-exists': { errorCode: 'STATE_CONFLICT', status: 409, sentence: 'This person exists already.' },
  'token-not-found': {
    errorCode: 'INVALID_ACTION',
    status: 404,
    sentence: 'There is no such token, or it is revoked already. List them with "countersign token list".',
  },
  'last-admin': {
    errorCode: 'INVALID_ACTION',
    status: 409,
    sentence: 'Nobody ends their own right to administer everything. Grant it to someone else, who can end yours.',
  },
  'person-erased': {
    errorCode: 'INVALID_ACTION',
    status: 409,
    sentence: 'This person was erased, for good. Make them known again with "countersign person add".',
  },
  'identity-taken': {
    errorCode: 'STATE_CONFLICT',
    status: 409,
    sentence: 'This account is somebody else here already. An admin can end that with "countersign person unlink".',
  },
  'identity-not-found': {
    errorCode: 'INVALID_ACTION',
    status: 404,
    sentence: 'This account is not linked to the person. List theirs with "countersign person show".',
  },
  'too-many-identities': {
    errorCode: 'STATE_CONFLICT',
    status: 409,
    sentence: 'This person has as many accounts linked as one may. Unlink one first.',
  },
  'invitation-invalid': {
    errorCode: 'INVALID_ACTION',
    status: 404,
    sentence: 'This code is not valid: mistyped, used already, too old, or replaced by a newer one. An admin can make another.',
  },
  'chat-not-found': {
    errorCode: 'INVALID_ACTION',
    status: 404,
    sentence: 'There is no such chat. List them with "countersign chat list".',
  },
  'unknown-command': { errorCode: 'INVALID_ACTION', status: 400, sentence: 'There is no such command.' },
  forbidden: {
    errorCode: 'FORBIDDEN',
    status: 403,
    sentence: 'You may not do this here. An admin can grant the role for this repository.',
  },
  unauthorized: {
    errorCode: 'UNAUTHORIZED',
    status: 401,
    sentence: 'Send a valid token: "Authorization: Bearer <token>". An admin issues one with "countersign token issue".',
  },
  'too-many-waiting': {
    errorCode: 'RATE_LIMITED',
    status: 429,
    sentence: 'You have as many requests waiting as one person may. Approve, reject or cancel some first.',
  },
  'views-behind': {
    errorCode: 'UNAVAILABLE',
    status: 503,
    sentence: 'What was stored lately is not looked through yet. Send the same again in a moment.',
  },
  'stream-parked': {
    errorCode: 'UNAVAILABLE',
    status: 503,
    sentence:
      'This holds an event that this version cannot read, so it stands still. Update the service, or ask who runs it; nothing is lost.',
  },
} as const satisfies Record<string, Refusal>;

export type RefusalCode = keyof typeof REFUSALS;

/** A command that may not be carried out. The sentence comes from the table; nothing of the request stands in it. */
export class DomainError extends Error {
  override readonly name = 'DomainError';
  readonly code: RefusalCode;
  constructor(code: RefusalCode) {
    super(REFUSALS[code].sentence);
    this.code = code;
  }

  get refusal(): Refusal {
    return REFUSALS[this.code];
  }
}

/** What a stage may end an attempt with. Refusing, cancelling and expiring are not a worker's to say. */
export const STAGE_ERROR_CODES = [
  'SNAPSHOT_MISSING',
  'RUNTIME_CONFIG_MISSING',
  'AGENT_FAILED',
  'AGENT_TIMEOUT',
  'SANDBOX_FAILED',
  'SANDBOX_TIMEOUT',
  'TEST_FAILED',
  'POLICY_VIOLATION',
  'PR_CREATE_FAILED',
  'INTERRUPTED',
] as const;
export type StageErrorCode = (typeof STAGE_ERROR_CODES)[number];

/** `error_code` of a task that failed. */
export const TASK_ERROR_CODES = ['REJECTED', 'CANCELLED', 'APPROVAL_EXPIRED', ...STAGE_ERROR_CODES] as const;
export type TaskErrorCode = (typeof TASK_ERROR_CODES)[number];
