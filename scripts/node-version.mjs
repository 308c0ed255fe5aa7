/**
 * Refuses a Node.js that is too old, in words, before anything else is loaded.
 *
 * @module
 */
import { readFileSync } from 'node:fs'

/**
 * Says which Node.js is needed when the present one is too old.
 *
 * @param {string} [present]
 * @returns {string | undefined}
 */
export function describeOldNode(present = process.versions.node) {
  const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))
  const [major, minor] = numbersOf(manifest.engines.node)
  const [presentMajor, presentMinor] = numbersOf(present)
  if (presentMajor > major || (presentMajor === major && presentMinor >= minor)) return undefined
  return `Node.js ${major}.${minor} or newer is needed, this is ${present}`
}

/**
 * @param {string} version
 * @returns {[number, number]}
 */
function numbersOf(version) {
  const [, major, minor] = /(\d+)\.(\d+)/.exec(version) || []
  return [Number(major), Number(minor)]
}
