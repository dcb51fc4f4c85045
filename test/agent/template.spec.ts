import { describe, expect, it } from 'vitest';
import { parseTemplate } from '../../src/infra/agent/profiles/template.ts';

const assignment = {
  taskId: 't-1',
  repository: 'acme/shop',
  branch: 'countersign/x',
  triggerUser: 'ada',
  intent: 'Fix it',
  feedback: '',
};

describe('An agent template', () => {
  it('names variables, never values', () => {
    const template = parseTemplate('tool --id={{task_id}} {{ repo }} {{branch}} {{trigger_user}} -- {{intent}}');
    expect(template.render({ ...assignment, intent: `'"; rm -rf /` })).toBe(
      'tool --id="${OKD_TASK_ID}" "${OKD_REPO}" "${OKD_BRANCH}" "${OKD_TRIGGER_USER}" -- "${OKD_INTENT}"',
    );
    expect(template.program).toBe('tool');
  });

  it('puts a space before a value that would start a word with a dash', () => {
    const option = { ...assignment, intent: '--help' };
    expect(parseTemplate('tool {{intent}}').render(option)).toBe('tool " ${OKD_INTENT}"');
    expect(parseTemplate('tool --text={{intent}}').render(option)).toBe('tool --text="${OKD_INTENT}"');
    expect(parseTemplate('(tool;{{intent}})').render(option)).toBe('(tool;" ${OKD_INTENT}")');
  });

  it('may quote anything but a placeholder', () => {
    const text = `tool "a 'b' \\" c" 'd "e" #' f#g $(date) {{intent}} # a comment`;
    expect(parseTemplate(text).render(assignment)).toBe(text.replace('{{intent}}', '"${OKD_INTENT}"'));
  });

  it.each([
    `tool "{{intent}}"`,
    `tool '{{intent}}'`,
    `tool "a 'b' {{intent}}"`,
    'tool \\{{intent}}',
    'tool `echo {{intent}}`',
    'tool # {{intent}}',
    'cat <<EOF\n{{intent}}\nEOF',
    'echo $(( {{intent}} ))',
    'echo ${X:-{{intent}}}',
    'echo ${{intent}}',
    `tool "it's {{intent}}`,
  ])('is refused with a placeholder where quoting would not hold: %s', (text) => {
    expect(() => parseTemplate(text)).toThrow(/\{\{intent\}\} inside quotes, a comment or after a backslash.*Write it bare/);
  });

  it.each(['{{prompt}}', '{{}}', '{{INTENT}}', '{{constructor}}', '{{__proto__}}'])(
    'is refused with the unknown placeholder %s',
    (text) => {
      expect(() => parseTemplate(`tool ${text}`)).toThrow(/unknown placeholder .*Known are \{\{task_id\}\} \{\{intent\}\}/);
    },
  );

  it('is refused when it is empty', () => {
    expect(() => parseTemplate('  ')).toThrow('is empty');
  });

  it.each([
    ['codex exec -- {{intent}}', 'codex'],
    ['/opt/x/tool', '/opt/x/tool'],
    ['A=b tool', null],
    ['(tool)', null],
    ['"tool" x', null],
  ])('%s starts with the program %s', (text, program) => {
    expect(parseTemplate(text).program).toBe(program);
  });
});
