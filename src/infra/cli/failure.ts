/** The command could not be carried out: the sentence says why and what to do next. Ends the process with 1. */
export class Failure extends Error {
  override readonly name = 'Failure';
  /** What the service called it, for programs; `null` when it was not the service. */
  readonly code: string | null;
  constructor(sentence: string, code: string | null = null) {
    super(sentence);
    this.code = code;
  }
}

/** The command line itself is wrong. Ends the process with 2. */
export class Misuse extends Error {
  override readonly name = 'Misuse';
}
