/** What a transfer looks like: bytes, rate and time left, on a terminal or in a log. @module */
import { fitText } from './display-width.ts'

/** Rates are averaged over this long: shorter jumps, longer lags behind. */
const WINDOW_MS = 5000
const BAR_WIDTH = 24

/** Bytes a second over the last few seconds. Bytes of an earlier run do not count. */
export class Rate {
  readonly #samples: { readonly at: number; readonly bytes: number }[] = []

  add(bytes: number, now: number): void {
    this.#samples.push({ at: now, bytes })
    while (this.#samples.length > 2 && now - (this.#samples[1]?.at ?? now) > WINDOW_MS) {
      this.#samples.shift()
    }
  }

  perSecond(): number | undefined {
    const first = this.#samples[0]
    const last = this.#samples.at(-1)
    if (!first || !last || last.at <= first.at) return undefined
    return Math.max(0, ((last.bytes - first.bytes) * 1000) / (last.at - first.at))
  }
}

export function formatBytes(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB']
  let value = bytes
  let unit = 0
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024
    unit++
  }
  return `${unit === 0 || value >= 100 ? Math.floor(value) : value.toFixed(1)} ${units[unit]}`
}

export function formatSeconds(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds))
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60]
  if (hours > 99) return 'days'
  if (hours > 0) return `${hours} h ${minutes} min`
  return minutes > 0 ? `${minutes} min ${whole % 60} s` : `${whole} s`
}

/** One transfer at one moment. */
export interface Progress {
  readonly name: string
  readonly sent: number
  readonly total: number
  readonly rate: number | undefined
}

/** A line no wider than `columns`; the name gives way first. */
export function formatProgress({ name, sent, total, rate }: Progress, columns: number): string {
  const done = total === 0 ? 1 : sent / total
  const filled = Math.floor(done * BAR_WIDTH)
  const bar = '█'.repeat(filled) + '░'.repeat(BAR_WIDTH - filled)
  const percent = `${Math.floor(done * 100)} %`.padStart(5)
  const speed = rate === undefined ? '' : ` ${formatBytes(rate)}/s`
  const left = rate ? ` ${formatSeconds((total - sent) / rate)} left` : ''
  const facts = `${bar} ${percent} ${formatBytes(sent)} of ${formatBytes(total)}${speed}${left}`
  const room = columns - facts.length - 2
  if (room < 4) return facts.slice(0, Math.max(0, columns - 1))
  return `${fitText(name, room)} ${facts}`
}

/** Where progress is shown. */
export interface ProgressOutput {
  readonly isTTY: boolean
  readonly columns: number
  write(text: string): unknown
}

/** On a terminal every transfer has its line, redrawn; elsewhere a line every few seconds. */
export class ProgressDisplay {
  readonly #output: ProgressOutput
  readonly #running = new Map<string, { progress: Progress; rate: Rate }>()
  readonly #timer: NodeJS.Timeout
  #drawn = 0

  constructor(output: ProgressOutput) {
    this.#output = output
    this.#timer = setInterval(() => this.#draw(), output.isTTY ? 100 : 5000)
  }

  update(key: string, progress: Omit<Progress, 'rate'>): void {
    const rate = this.#running.get(key)?.rate ?? new Rate()
    rate.add(progress.sent, performance.now())
    this.#running.set(key, { progress: { ...progress, rate: rate.perSecond() }, rate })
  }

  /** Ends a transfer's line. */
  remove(key: string): void {
    this.#running.delete(key)
  }

  /** Prints a line above the transfers that go on. */
  print(line: string): void {
    this.#clear()
    this.#output.write(`${line}\n`)
    if (this.#output.isTTY) this.#draw()
  }

  close(): void {
    clearInterval(this.#timer)
    this.#clear()
  }

  #draw(): void {
    this.#clear()
    for (const { progress } of this.#running.values()) {
      this.#output.write(`${formatProgress(progress, this.#output.columns)}\n`)
    }
    if (this.#output.isTTY) this.#drawn = this.#running.size
  }

  #clear(): void {
    // Not from where the cursor stands: a terminal has echoed what was typed.
    if (this.#drawn > 0) this.#output.write(`\r\u001b[${this.#drawn}A\u001b[J`)
    this.#drawn = 0
  }
}
