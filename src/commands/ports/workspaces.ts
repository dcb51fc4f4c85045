/** Folders for one execution of a stage, on the same disk as the data. */
export interface Workspaces {
  /** A fresh, empty folder; what an earlier execution left under the same key is removed first. */
  make(key: string): Promise<string>;
  /** A folder `name` in that fresh folder, with these files and nothing else in it; returns its path. */
  furnish(folder: string, name: string, files: Readonly<Record<string, Buffer>>): Promise<string>;
  /** Safe to call twice. */
  remove(key: string): Promise<void>;
  /** Removes every folder that was not made by this process, or could not be removed. */
  reap(): Promise<void>;
}
