import { describe, expect, it } from 'vitest';
import { exampleFile } from '../../../src/infra/config/example.ts';
import { readConfiguration } from '../../../src/infra/config/operator.ts';

const uncommented = (text: string): string => text.replaceAll(/^#([A-Z_]+=)/gm, '$1');

describe('.env.example', () => {
  it('is made of the table of variables (vitest -u writes it)', async () => {
    await expect(exampleFile()).toMatchFileSnapshot('../../../.env.example');
  });

  it('changes nothing when it is copied, nor when every line is uncommented', () => {
    const untouched = readConfiguration({});
    expect(untouched).toHaveProperty('configuration');
    expect(readConfiguration({}, exampleFile())).toEqual(untouched);
    expect(readConfiguration({}, uncommented(exampleFile()))).toEqual(untouched);
  });
});
