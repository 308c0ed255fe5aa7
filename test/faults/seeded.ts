/** Chance that can be repeated: the seed is printed with every failure. @module */

/** Numbers from 0 up to 1 by mulberry32. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

/** Bytes that depend on the seed alone. */
export function seededBytes(seed: number, length: number): Buffer {
  const next = seeded(seed)
  const bytes = Buffer.alloc(length)
  for (let at = 0; at < length; at += 4) {
    const word = (next() * 2 ** 32) >>> 0
    for (let i = 0; i < 4 && at + i < length; i++) bytes[at + i] = word >>> (8 * i)
  }
  return bytes
}

export function fromEnvironment(variable: string, fallback: number): number {
  const text = process.env[variable]
  if (text === undefined) return fallback
  const value = Number(text)
  if (Number.isSafeInteger(value) && value >= 0) return value
  throw new Error(`${variable} must be a whole number, got ${text}`)
}
