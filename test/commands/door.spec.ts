import { describe, expect, it } from 'vitest';
import { NewTask, TaskAction } from '../../src/commands/door.ts';
import { digestOf } from '../../src/domain/canonical.ts';

describe('What a person says', () => {
  it('is mended where it holds half a surrogate pair, for it could not be hashed', () => {
    const wish = NewTask.parse({ intent: ' a\ud800 ', testCommand: '\udfffb', onBehalfOf: 'c\ud800d' });
    expect(wish).toEqual({ intent: 'a\ufffd', testCommand: '\ufffdb', onBehalfOf: 'c\ufffdd' });
    expect(digestOf(wish)).toMatch(/^[0-9a-f]{64}$/);
    expect(TaskAction.parse({ action: 'ask', question: '\ud800?' })).toMatchObject({ question: '\ufffd?' });
  });
});
