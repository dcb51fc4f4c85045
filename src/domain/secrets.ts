/** Shorter values are words, not secrets: looking for them would find them everywhere. The configuration refuses shorter secrets. */
export const SECRET_CHARACTERS_MIN = 8;

/** Characters of base64 that depend on nothing but `secret`, for a text in which `before` bytes (0 to 2, modulo 3) come first. */
const base64Core = (secret: string, before: number): string => {
  const bytes = Buffer.concat([Buffer.alloc(before), Buffer.from(secret)]);
  return bytes.toString('base64').slice(Math.ceil((before * 8) / 6), Math.floor((bytes.length * 8) / 6));
};

const base64Forms = (secret: string): string[] =>
  [0, 1, 2].flatMap((before) => {
    const core = base64Core(secret, before);
    return [core, core.replaceAll('+', '-').replaceAll('/', '_')];
  });

const percentForms = (secret: string): string[] => {
  const upper = encodeURIComponent(secret.toWellFormed());
  const form = upper.replaceAll('%20', '+');
  return [upper, form, upper.replaceAll(/%[0-9A-F]{2}/g, (code) => code.toLowerCase())];
};

const jsonForms = (secret: string): string[] => {
  const once = JSON.stringify(secret).slice(1, -1);
  return [once, once.replaceAll('/', '\\/'), JSON.stringify(once).slice(1, -1)];
};

/**
 * The ways one secret is usually written down: as it is, each line of it, in base64 (also in the middle of a longer text), hexadecimal,
 * percent-encoded and escaped in JSON. Longest first; nothing for a value under `SECRET_CHARACTERS_MIN`.
 */
export const secretForms = (secret: string): readonly string[] => {
  if (secret.trim().length < SECRET_CHARACTERS_MIN) return [];
  const hex = Buffer.from(secret).toString('hex');
  const forms = [
    secret,
    secret.trim(),
    ...secret.split(/\r?\n/),
    ...base64Forms(secret),
    ...percentForms(secret),
    ...jsonForms(secret),
    hex,
    hex.toUpperCase(),
  ];
  return [...new Set(forms)]
    .filter((form) => form.length >= SECRET_CHARACTERS_MIN)
    .sort((a, b) => b.length - a.length || (a < b ? -1 : 1));
};

/**
 * Well-known shapes of credentials, as sources of regular expressions. Each is a fixed beginning and bounded runs, so a search is linear:
 * a start that fails has read no more than a constant.
 */
export const TOKEN_PATTERNS: readonly string[] = [
  // This service's own; see `Token` of a person.
  'cst_[A-Za-z0-9_-]{43}',
  'gh[oprsu]_[A-Za-z0-9]{30,255}',
  'github_pat_[A-Za-z0-9_]{22,255}',
  'glpat-[A-Za-z0-9_-]{20,255}',
  'npm_[A-Za-z0-9]{36}',
  'pypi-AgE[A-Za-z0-9_-]{40,1000}',
  'dckr_pat_[A-Za-z0-9_-]{20,255}',
  '(?:AKIA|ASIA)[A-Z0-9]{16}',
  'AIza[A-Za-z0-9_-]{35}',
  'ya29\\.[A-Za-z0-9_-]{20,1000}',
  'xox[abeoprs]-[A-Za-z0-9-]{10,255}',
  'xapp-[A-Za-z0-9-]{20,255}',
  '(?:sk|rk)_live_[A-Za-z0-9]{16,255}',
  '(?<![A-Za-z0-9])sk-(?:ant|proj|svcacct|admin|or-v1)-[A-Za-z0-9_-]{16,255}',
  '(?<![A-Za-z0-9])sk-[A-Za-z0-9]{32,255}',
  'hf_[A-Za-z0-9]{30,255}',
  'SG\\.[A-Za-z0-9_-]{16,64}\\.[A-Za-z0-9_-]{16,128}',
  '(?<![0-9])[0-9]{8,10}:[A-Za-z0-9_-]{35}',
  // Only where a run of its characters begins, or a percent-encoded one ends: `eyJ` may stand in the run again and again.
  '(?:(?<![A-Za-z0-9_-])|(?<=%[0-9A-Fa-f]{2}))eyJ[A-Za-z0-9_-]{8,1000}\\.eyJ[A-Za-z0-9_-]{8,2000}\\.[A-Za-z0-9_-]{8,1000}',
];

/** First line of a private key in PEM or OpenSSH form. */
export const PRIVATE_KEY_BEGIN = /-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----/;

/**
 * Tells whether a text holds one of the given values in a usual form, a private key, or what has the shape of a well-known token: for
 * texts that people send, where there is no need to guess further.
 */
export const createSecretDetector = (secrets: readonly string[]): ((text: string) => boolean) => {
  const known = secrets.flatMap(secretForms);
  const token = new RegExp(TOKEN_PATTERNS.join('|'));
  return (text) => known.some((form) => text.includes(form)) || PRIVATE_KEY_BEGIN.test(text) || token.test(text);
};
