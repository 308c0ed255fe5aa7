/**
 * What a process and its descendants have used, from `/proc`.
 *
 * @module
 */
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'

const TICKS = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }))

/**
 * The fields of `/proc/PID/stat` after the name, which may hold spaces; `undefined` when it has ended.
 *
 * @param {number} pid
 */
function statOf(pid) {
  const stat = read(`/proc/${pid}/stat`)
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ')
}

/**
 * @param {string} path
 * @returns {string | undefined}
 */
function read(path) {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}

/**
 * The process and all that descend from it.
 *
 * @param {number} root
 */
function treeOf(root) {
  /** @type {Map<number, number[]>} */
  const children = new Map()
  for (const name of readdirSync('/proc')) {
    const parent = /^\d+$/.test(name) ? Number(statOf(Number(name))?.[1]) : Number.NaN
    if (!Number.isNaN(parent)) children.set(parent, [...(children.get(parent) ?? []), Number(name)])
  }
  const tree = [root]
  for (const pid of tree) tree.push(...(children.get(pid) ?? []))
  return tree
}

/**
 * Seconds of processor time, in the programs and in the kernel for them, ended children included.
 *
 * @param {number} root
 */
export function cpuSeconds(root) {
  // utime, stime, cutime, cstime: the 14th to 17th field of the whole line.
  const ticks = treeOf(root).flatMap((pid) => statOf(pid)?.slice(11, 15).map(Number) ?? [])
  return ticks.reduce((sum, n) => sum + n, 0) / TICKS
}

/**
 * Bytes of memory: `peak` since the last `resetPeak`, `own` without the pages of files, which the
 * kernel may take back.
 *
 * @param {number} root
 */
export function memoryOf(root) {
  const memory = { peak: 0, own: 0 }
  for (const pid of treeOf(root)) {
    const status = read(`/proc/${pid}/status`) ?? ''
    memory.peak += kibOf(status, 'VmHWM') * 1024
    memory.own += kibOf(status, 'RssAnon') * 1024
  }
  return memory
}

/**
 * @param {string} status
 * @param {string} name
 */
function kibOf(status, name) {
  return Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1] ?? 0)
}

/** @param {number} root */
export function resetPeak(root) {
  for (const pid of treeOf(root)) {
    try {
      writeFileSync(`/proc/${pid}/clear_refs`, '5')
    } catch {
      // Without it the peak is that since the start of the process.
    }
  }
}
