/**
 * What is said of repeated measurements: the middle, and how far they lie apart.
 *
 * @module
 */

/**
 * @typedef {object} Spread
 * @property {number} median
 * @property {number} min
 * @property {number} max
 */

/**
 * The value below which a share of the values lies, `0.5` for the median.
 *
 * @param {readonly number[]} values
 * @param {number} share
 */
export function quantile(values, share) {
  const sorted = [...values].sort((a, b) => a - b)
  const at = (sorted.length - 1) * share
  const below = sorted[Math.floor(at)] ?? Number.NaN
  const above = sorted[Math.ceil(at)] ?? Number.NaN
  return below + (above - below) * (at - Math.floor(at))
}

/**
 * @param {readonly number[]} values
 * @returns {Spread}
 */
export function spreadOf(values) {
  return { median: quantile(values, 0.5), min: Math.min(...values), max: Math.max(...values) }
}

/**
 * How many times `others` the values are, round by round: what slows one round of both on a shared
 * machine leaves their ratio alone.
 *
 * @param {readonly number[]} values
 * @param {readonly number[]} others
 */
export function ratioOf(values, others) {
  const ratios = values.map((value, i) => value / (others[i] ?? Number.NaN))
  return spreadOf(ratios.filter((ratio) => Number.isFinite(ratio)))
}
