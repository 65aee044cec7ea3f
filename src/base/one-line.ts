// Text of others, fit for a log and for a terminal: control characters can move the cursor, colour what follows, or hide it.
// Whose text it is, and how much of it is shown, is everyone's own business.

/** `text` on one line: a question mark stands for every character that only controls (C0, C1, format, line and paragraph separators). */
export function oneLine(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '?');
}
