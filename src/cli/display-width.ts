/** How much room a name takes on a terminal. Pure, and near enough: too wide rather than too narrow. @module */

/** East Asian wide characters and emoji. */
const WIDE =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f000}-\u{1faff}\u{20000}-\u{3fffd}]/u
/** Accents that stand above the character before, joiners, marks of direction. */
const NO_WIDTH = /[\p{Mn}\p{Me}\p{Cf}]/u

/** Columns that `text` takes. */
export function displayWidth(text: string): number {
  let columns = 0
  for (const character of text) {
    if (!NO_WIDTH.test(character)) columns += WIDE.test(character) ? 2 : 1
  }
  return columns
}

/** `text` on one line of at most `columns`, cut with an ellipsis. */
export function fitText(text: string, columns: number): string {
  const line = text.replace(/\p{Cc}/gu, '?')
  if (displayWidth(line) <= columns) return line
  let kept = ''
  for (const character of line) {
    if (displayWidth(kept + character) >= columns) break
    kept += character
  }
  return `${kept}…`
}
