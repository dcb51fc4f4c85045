import { registerHooks } from 'node:module';

/** How a part that `src/main.ts` makes is made instead: `made` is an expression over `make`, the real maker, and its `options`. */
export type Remade = Readonly<Record<string, { readonly maker: string; readonly made: string }>>;

const MARK = '?remade=';

/** Makes the parts otherwise when `src/main.ts` is loaded next; keys are its own specifiers. `helpers`: an import that `made` may use. */
export const remakeParts = (parts: Remade, helpers: string): void => {
  registerHooks({
    resolve: (specifier, context, next) => {
      const resolved = next(specifier, context);
      const isPart = context.parentURL?.endsWith('/src/main.ts') && specifier in parts;
      return isPart ? { ...resolved, url: `${resolved.url}${MARK}${specifier}` } : resolved;
    },
    load: (url, context, next) => {
      const [real, specifier] = url.split(MARK);
      const part = specifier === undefined ? undefined : parts[specifier];
      if (part === undefined) return next(url, context);
      const source = `
        ${helpers}
        import { ${part.maker} as make } from '${real}';
        export * from '${real}';
        export const ${part.maker} = (options) => ${part.made};`;
      return { format: 'module', shortCircuit: true, source };
    },
  });
};
