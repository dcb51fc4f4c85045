export interface Command {
  /** In lower case, without the slash. */
  readonly name: string;
  /** The bot it was addressed to, in lower case; `null`: whichever reads it. */
  readonly bot: string | null;
  /** What stands after it, as it was typed. */
  readonly rest: string;
}

/** A message that begins with a command; `undefined` for any other. */
export const readCommand = (text: string): Command | undefined => {
  const match = /^\/([A-Za-z0-9_]{1,32})(?:@([A-Za-z0-9_]{1,64}))?(?:\s+|$)/.exec(text);
  if (!match) return undefined;
  const [all, name = '', bot] = match;
  return { name: name.toLowerCase(), bot: bot?.toLowerCase() ?? null, rest: text.slice(all.length).trimEnd() };
};

/** The first word, and what stands after it. */
export const firstWord = (text: string): readonly [word: string, rest: string] => {
  const [, word = '', rest = ''] = /^\s*(\S*)\s*(.*)$/s.exec(text) ?? [];
  return [word, rest];
};
