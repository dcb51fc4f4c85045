/** One line of a preflight: what was asked of the forge for real, and what to do about it. */
export interface ForgeCheck {
  readonly name: 'forge' | 'login' | 'repository';
  readonly status: 'pass' | 'warn' | 'fail';
  readonly sentence: string;
}
