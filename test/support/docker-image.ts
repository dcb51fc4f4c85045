export { ensureExampleImage } from '../../src/infra/sandbox/example-image.ts';
