/** Another stack, of this process or another one, keeps its state in a folder that we were asked to use. */
export class FolderInUseError extends Error {
  constructor(folder: string) {
    super(`${folder} is in use by another stack.`);
    this.name = "FolderInUseError";
  }
}
