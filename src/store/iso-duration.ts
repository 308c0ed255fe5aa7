/**
 * ISO 8601 durations as pydantic writes them: years of 365 days, days, hours, minutes, seconds, a
 * sign. Pure.
 *
 * @module
 */

const DURATION =
  /^([+-]?)P(?:(\d+)Y)?(?:(\d+)D)?(?:T(?=\d)(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?$/

/** Milliseconds, or `undefined` for what is no such duration. */
export function parseIsoDuration(text: string): number | undefined {
  const match = DURATION.exec(text)
  if (!match || text.endsWith('P')) return undefined
  const [, sign, years = 0, days = 0, hours = 0, minutes = 0, seconds = 0] = match
  const wholeDays = Number(years) * 365 + Number(days)
  const whole = ((wholeDays * 24 + Number(hours)) * 60 + Number(minutes)) * 60
  const ms = whole * 1000 + Number(seconds) * 1000
  if (!Number.isFinite(ms)) return undefined
  return sign === '-' ? -ms : ms
}

/** Days to seconds, to the microsecond; never years, whose length not every reader agrees on. */
export function formatIsoDuration(ms: number): string {
  const total = Math.round(Math.abs(ms) * 1000)
  const seconds = (total % 60_000_000) / 1_000_000
  const minutes = Math.floor(total / 60_000_000)
  const time = [
    [Math.floor(minutes / 60) % 24, 'H'],
    [minutes % 60, 'M'],
    [seconds, 'S'],
  ] as const
  const days = Math.floor(minutes / 1440)
  const date = days > 0 ? `${days}D` : ''
  const parts = time.filter(([value]) => value > 0).map(([value, unit]) => decimal(value) + unit)
  if (date === '' && parts.length === 0) return 'PT0S'
  return `${ms < 0 ? '-' : ''}P${date}${parts.length > 0 ? `T${parts.join('')}` : ''}`
}

function decimal(value: number): string {
  return Number.isInteger(value) ? `${value}` : value.toFixed(6).replace(/0+$/, '')
}
