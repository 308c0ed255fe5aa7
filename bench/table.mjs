/**
 * Comparisons as text for a terminal or for Markdown.
 *
 * @module
 */

/** @typedef {import('./compare.mjs').Comparison} Comparison */

const HEADS = [
  'server',
  'per CPU-s',
  'spread',
  'ratio',
  'per s',
  'p50 ms',
  'p99 ms',
  'peak MiB',
  'load',
  'it does not',
]

/** @param {Comparison} comparison */
export function formatComparison({ name, what, where, unit, wall, reference, rows, leftOut }) {
  const stalled = unit.startsWith('KiB')
  const judged = stalled ? unit : wall ? 'each s' : 'per CPU-s'
  const heads = HEADS.map((head) => (head === 'per CPU-s' ? judged : head))
  const cells = rows.map((row) => [
    row.server,
    short(row.figure.median),
    `${short(row.figure.min)}–${short(row.figure.max)}`,
    `${row.ratio.median.toFixed(2)}×`,
    short(row.perSecond),
    short(row.p50),
    short(row.p99),
    short(row.peak / 2 ** 20),
    `${Math.round(row.loadShare * 100)} %`,
    row.remark,
  ])
  return [
    `${name} on ${where}: ${what}; in ${unit}, ${reference} = 1`,
    ...formatTable([heads, ...cells]),
    ...leftOut.map((reason) => `left out: ${reason}`),
  ].join('\n')
}

/**
 * @param {readonly (readonly string[])[]} rows the first one names the columns
 * @returns {string[]}
 */
export function formatTable(rows) {
  const widths = (rows[0] ?? []).map((_, i) =>
    Math.max(...rows.map((row) => (row[i] ?? '').length)),
  )
  const line = (/** @type {readonly string[]} */ row) =>
    `| ${row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join(' | ')} |`
  const [heads = [], ...rest] = rows
  return [
    line(heads),
    `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`,
    ...rest.map(line),
  ]
}

/**
 * Three digits that count.
 *
 * @param {number} value
 */
export function short(value) {
  if (!Number.isFinite(value)) return '–'
  if (value >= 100) return Math.round(value).toLocaleString('en')
  return value >= 10 ? value.toFixed(1) : value.toFixed(2)
}
