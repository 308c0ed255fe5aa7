/** Choices that a seed makes. @module */

/** Where chance comes from. */
export class Dice {
  readonly #next: () => number

  constructor(next: () => number) {
    this.#next = next
  }

  below(limit: number): number {
    return Math.floor(this.#next() * limit)
  }

  chance(probability: number): boolean {
    return this.#next() < probability
  }

  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)] as T
  }

  bytes(length: number): Buffer {
    return Buffer.from(Array.from({ length }, () => this.below(256)))
  }
}
