// What is done here, as a line for a terminal.

/** Quotes a word for a POSIX shell, only where it has to be; of a flag only its value. */
export function quoted(word: string): string {
  const [, name, value] = /^(--[a-z-]+=)(.*)$/s.exec(word) ?? [];
  if (name !== undefined && value !== undefined) return name + quoted(value);
  if (/^[\w@%+=:,./-]+$/.test(word)) return word;
  return `'${word.replaceAll("'", "'\\''")}'`;
}

/** A flag and its value; nothing without a value. One word, so that a value may begin with a dash. */
export function flag(name: string, value: string | number | undefined): string[] {
  return value === undefined || value === "" ? [] : [`--${name}=${value}`];
}

export function stranglerctl(words: string[]): string {
  return ["stranglerctl", ...words].map(quoted).join(" ");
}
