/**
 * Comparisons as a bar chart in SVG, readable on light and on dark pages.
 *
 * @module
 */

/** @typedef {import('./compare.mjs').Comparison} Comparison */

const WIDTH = 860
const LABELS = 150
const BAR = 15
const HEAD = 34
const GAP = 14

const STYLE = `text { font: 12px system-ui, sans-serif; fill: #1f2328 }
.what { font-weight: 600 } .peer { fill: #8c959f } .ours { fill: #1a7f37 } .one { stroke: #8c959f; stroke-dasharray: 3 3 }
@media (prefers-color-scheme: dark) { text { fill: #e6edf3 } .peer { fill: #6e7681 } .ours { fill: #3fb950 } }`

/**
 * A group of bars for each comparison: how much work a server does in a second of processor time,
 * as a multiple of the reference.
 *
 * @param {readonly Comparison[]} comparisons
 * @param {string} ours the servers to stand out begin like this
 */
export function drawChart(comparisons, ours) {
  /** @type {string[]} */
  const shapes = []
  let y = GAP
  for (const { what, where, unit, reference, rows } of comparisons) {
    const better = unit.startsWith('KiB') ? 'memory, less is better' : 'per CPU-second'
    shapes.push(text(0, y + 12, `${what}, ${where} (${better}, ${reference} = 1)`, 'what'))
    const top = y + HEAD - BAR
    const scale = (WIDTH - LABELS - 60) / Math.max(1, ...rows.map(({ ratio }) => ratio.median))
    y = top
    for (const { server, ratio } of rows) {
      const length = Math.max(1, ratio.median * scale)
      const name = server.startsWith(ours) ? 'ours' : 'peer'
      shapes.push(text(0, y + BAR - 4, server, ''))
      shapes.push(
        `<rect class="${name}" x="${LABELS}" y="${y}" width="${length.toFixed(1)}" height="${BAR - 3}"/>`,
        text(LABELS + length + 6, y + BAR - 4, `${ratio.median.toFixed(2)}×`, ''),
      )
      y += BAR
    }
    const one = (LABELS + scale).toFixed(1)
    shapes.push(`<line class="one" x1="${one}" x2="${one}" y1="${top}" y2="${y}"/>`)
    y += GAP
  }
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${y}" viewBox="0 0 ${WIDTH} ${y}" role="img">
<title>tussi and other tus servers</title>
<style>${STYLE}</style>
${shapes.join('\n')}
</svg>
`
}

/**
 * @param {number} x
 * @param {number} y
 * @param {string} words
 * @param {string} name
 */
function text(x, y, words, name) {
  const escaped = words.replace(/&/g, '&amp;').replace(/</g, '&lt;')
  return `<text${name && ` class="${name}"`} x="${x.toFixed(1)}" y="${y}">${escaped}</text>`
}
