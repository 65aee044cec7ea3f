// Who serves which file or device: two units over one would each cache, reserve and lock on their own, and destroy each other's data.
// Opening them is storage.ts's; what becomes of a unit, unit-store.ts's.

import type { FileLunSettings } from '../config/settings.ts';
import { identifyStorage, StorageError } from './storage.ts';

/** How a unit is called in messages. */
export const holderName = (targetName: string, lun: number): string => `${targetName} LUN ${lun}`;

/** A unit, as far as it is in the way of others. */
interface Holder {
  readonly unit: number;
  /** How it is called in messages. */
  readonly who: string;
  readonly readOnly: boolean;
}

/** What leads to the same file is the same place; one that is yet to be made is known by its path. */
export const placeOf = (path: string): string => identifyStorage(path) ?? path;

/** The holders of all places. Any number of units may read a place that none writes. */
export class Holders {
  readonly #holders: Map<string, readonly Holder[]>;
  /** By unit: where its path led when it was opened. */
  readonly #places: Map<number, string>;

  constructor(holders = new Map<string, readonly Holder[]>(), places = new Map<number, string>()) {
    this.#holders = new Map(holders);
    this.#places = new Map(places);
  }

  /** Others that begin as these are. */
  copy(): Holders {
    return new Holders(this.#holders, this.#places);
  }

  /** Whether any unit has the place that `path` leads to. */
  has(path: string): boolean {
    return this.#holders.has(placeOf(path));
  }

  /** Throws {@link StorageError} where the unit that is called `who` would be in another's way. */
  judge({ path, readOnly }: FileLunSettings, who: string): void {
    const other = this.#holders.get(placeOf(path))?.find((holder) => !(holder.readOnly && readOnly));
    if (other === undefined) return;
    const remedy = `map one unit only, or set readOnly: true on both (${who}, ${other.who})`;
    throw new StorageError('path', `${path}: also served as ${other.who}`, 'a file that no other unit writes', remedy);
  }

  /** A unit has opened its place. */
  add({ path, readOnly }: FileLunSettings, unit: number, who: string): void {
    const place = placeOf(path);
    this.#places.set(unit, place);
    this.#holders.set(place, [...(this.#holders.get(place) ?? []), { unit, who, readOnly }]);
  }

  /** A unit has let its place go. */
  remove(unit: number): void {
    const place = this.#places.get(unit);
    if (place === undefined) return;
    this.#places.delete(unit);
    const left = this.#holders.get(place)!.filter((holder) => holder.unit !== unit);
    if (left.length === 0) this.#holders.delete(place);
    else this.#holders.set(place, left);
  }
}
