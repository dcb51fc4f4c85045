/**
 * Gives the work folder a git history of one commit, so that the agent can ask what it changed. The launcher runs it before the agent, with
 * attributes that make git keep every byte as it is and run no filter. Nobody reads this repository back.
 */
export const HISTORY_SCRIPT = `set -e
git init --quiet --template= --initial-branch=work .
mkdir -p .git/info
echo '* -text -eol -ident -filter -working-tree-encoding' > .git/info/attributes
git add --all --force .
git commit --quiet --no-verify --allow-empty --message 'Starting tree'
`;

/** Settings for that git alone, handed over as environment so that the agent's own git starts from nothing. */
export const historyEnvironment = (path: string, home: string): Readonly<Record<string, string>> => {
  const settings = {
    'user.name': 'Countersign',
    'user.email': 'countersign@localhost',
    'core.compression': '0',
    'core.fsync': 'none',
    'core.hooksPath': '/dev/null',
    'core.protectHFS': 'false',
    'core.protectNTFS': 'false',
    'commit.gpgSign': 'false',
    'gc.auto': '0',
    'maintenance.auto': 'false',
  };
  const numbered = Object.entries(settings).flatMap(([key, value], index) => [
    [`GIT_CONFIG_KEY_${index}`, key],
    [`GIT_CONFIG_VALUE_${index}`, value],
  ]);
  return {
    PATH: path,
    HOME: home,
    LANG: 'C.UTF-8',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_CONFIG_COUNT: `${Object.keys(settings).length}`,
    ...Object.fromEntries(numbered),
  };
};
